"""Options and records that all benchmarks share: what was measured, when, and on which machine.

Every script takes ``--quick``, a fraction of the work in less than a minute, and ``--out``, the
file of the result. A quick result is written only where ``--out`` says to. Each result has
``about``: commit, device, versions, and the models that were fitted. `changes` tells how these
models differ from what the same names mean today; a test fails where a quoted result is of models
that have changed since. Ordinary commits change no model, and so do not ask for new measurements.
"""

import argparse
import json
import os
import platform
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from bayescale.inference.base import Method
    from bayescale.laws.base import Law
    from bayescale.noise.base import Noise

JsonObject: TypeAlias = dict[str, Any]

ROOT = Path(__file__).parents[1]
RESULTS = Path(__file__).parent / "results"
_MEASURED = ("bayescale", "kernels", "datasets")
_PACKAGES = ("bayescale", "jax", "numpyro", "numpy", "scipy")


@dataclass(frozen=True)
class Model:
    """A law, a noise model and a method that were fitted.

    Attributes
    ----------
    law, noise, method
        None for what `bayescale.fit` takes by default.
    """

    law: "Law | None" = None
    noise: "Noise | None" = None
    method: "Method | None" = None

    def described(self) -> JsonObject:
        """Return all fields and priors, as JSON holds them."""
        from bayescale import defaults
        from bayescale._internal.discovery import describe

        law = self.law or defaults.law()
        method = self.method or defaults.method()
        noise = self.noise or _default_noise(law, method)
        given = {"law": self.law, "noise": self.noise, "method": self.method}
        by_default = [name for name, part in given.items() if part is None]
        parts = {"law": law, "noise": noise, "method": method}
        texts = {name: describe(part) for name, part in parts.items()}
        return {**texts, "by_default": by_default, "details": _details(law, noise, method)}


def _default_noise(law: "Law", method: "Method") -> "Noise":
    from bayescale import defaults

    if not method.takes_departures:
        return defaults.textbook_noise()
    return defaults.noise(law)


def _details(law: "Law", noise: "Noise", method: "Method") -> JsonObject:
    from bayescale._internal.encoding import encode

    parameters = law.parameters + noise.parameters
    encoded = {"law": encode(law), "noise": encode(noise), "method": encode(method)}
    priors = {parameter.name: parameter.prior_in_words for parameter in parameters}
    # As a file gives it back.
    details: JsonObject = json.loads(json.dumps({**encoded, "priors": priors}))
    return details


def changes(about: JsonObject) -> list[str]:
    """Return a sentence for each model of a result that means something else today."""
    from bayescale._internal.discovery import parse

    packages = {"law": "laws", "noise": "noise", "method": "inference"}
    found = []
    for name, recorded in about["models"].items():
        parts = {}
        for part, package in packages.items():
            is_default = part in recorded["by_default"]
            parts[part] = None if is_default else parse(f"bayescale.{package}", recorded[part])
        today = Model(**parts).described()
        differing = [part for part in packages if today[part] != recorded[part]]
        if differing:
            told = ", ".join(f"{part} {recorded[part]}, now {today[part]}" for part in differing)
            found.append(f"{name} was measured with {told}")
        elif today["details"] != recorded["details"]:
            found.append(f"fields or priors of {name} have changed since it was measured")
    return found


def parser(doc: str | None) -> argparse.ArgumentParser:
    """Return a parser of the options that every benchmark has."""
    options = argparse.ArgumentParser(
        description=doc, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument(
        "--quick",
        action="store_true",
        help="measure a fraction of the work in less than a minute; nothing is written "
        "without --out",
    )
    options.add_argument("--out", type=Path, help="file of the result")
    return options


def write(
    result: JsonObject, path: Path, arguments: argparse.Namespace, models: Mapping[str, Model]
) -> None:
    """Write a result with its record: to ``--out``, or else to ``path`` unless it is quick."""
    out = arguments.out or (None if arguments.quick else path)
    if out is None:
        return
    out.parent.mkdir(parents=True, exist_ok=True)
    recorded = {"about": about(models, quick=arguments.quick), **result}
    out.write_text(json.dumps(recorded, indent=1) + "\n", encoding="utf-8")


def saved(path: Path, measure: Callable[[], JsonObject]) -> JsonObject:
    """Return what an earlier run saved in a file; measure and save it where none has.

    An interrupted script goes on from there. The file is whole or absent.
    """
    from bayescale._internal.whole_file import written_whole

    if not path.is_file():
        new = measure()
        with written_whole(path) as unfinished:
            unfinished.write_text(json.dumps(new), encoding="utf-8")
    content: JsonObject = json.loads(path.read_text(encoding="utf-8"))
    return content


def about(models: Mapping[str, Model], *, quick: bool) -> JsonObject:
    """Return the record of a measurement that ends now."""
    versions = {package: version(package) for package in _PACKAGES}
    versions["python"] = platform.python_version()
    return {
        "commit": _git("rev-parse", "HEAD"),
        "uncommitted": bool(_git("status", "--porcelain", "--", *_MEASURED)),
        "date": datetime.now(UTC).date().isoformat(),
        "quick": quick,
        "device": device(),
        "cpus": os.cpu_count(),
        "versions": versions,
        "models": {name: model.described() for name, model in models.items()},
    }


def _git(*words: str) -> str:
    """Return what git says of this checkout; nothing where there is no git."""
    try:
        done = subprocess.run(
            ["git", "-C", str(ROOT), *words], capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return ""
    return done.stdout.strip()


def device() -> str:
    """Return the name of the accelerator that JAX uses, or the model of the CPU."""
    import jax

    kind: str = jax.devices()[0].device_kind
    if kind != "cpu":
        return kind
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
