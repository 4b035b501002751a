"""Laws, noise models, processes, priors and methods outside the package work wherever ours do."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import bayescale as bs
from bayescale._internal.discovery import describe, parse
from bayescale._internal.encoding import decode, encode
from bayescale.errors import InputError

ROOT = Path(__file__).parents[2]

LAW = '''
"""A power of tokens without a floor."""

from dataclasses import dataclass
from typing import ClassVar

import jax.numpy as jnp
from numpyro import distributions as dist

from bayescale.laws.base import Law, Parameter, Power


@dataclass(frozen=True)
class MyLaw(Law):
    """L(D) = A/D^alpha."""

    steep: bool = False

    title: ClassVar[str] = "Loss falls as a power of tokens"
    formula: ClassVar[str] = "L(D) = A/D^α"
    inputs: ClassVar[tuple[str, ...]] = ("n_tokens",)

    @property
    def parameters(self):
        falls = (Power("n_tokens", "alpha"),)
        return (
            Parameter("A", dist.LogNormal(), "loss at D = 1", "nats", "level", powers=falls),
            Parameter("alpha", dist.LogNormal(-2.0), "exponent of tokens", role="exponent"),
        )

    def predict(self, params, log_inputs):
        return jnp.log(params["A"]) - params["alpha"] * log_inputs["n_tokens"]
'''

NOISE = """
from dataclasses import dataclass
from typing import ClassVar

from numpyro import distributions as dist

from bayescale.laws.base import Parameter
from bayescale.noise.base import Likelihood
from bayescale.processes.base import Process


@dataclass(frozen=True)
class MyNoise(Likelihood):
    width: float = 1.0

    title: ClassVar[str] = "Cauchy likelihood of log loss"
    formula: ClassVar[str] = "log L_i ~ Cauchy(log L(x_i), γ)"

    @property
    def parameters(self):
        return (Parameter("gamma_c", dist.LogNormal(-4.6, self.width), "half width of log loss"),)

    def distribution(self, log_prediction, params, conditions):
        return dist.Cauchy(log_prediction, params["gamma_c"])


@dataclass(frozen=True)
class MyProcess(Process):
    title: ClassVar[str] = "One departure for all runs"
    formula: ClassVar[str] = "δ ~ Normal(0, τ²)"

    @property
    def amplitude(self):
        return Parameter("all_sd", dist.HalfNormal(0.01), "departure that all runs share")

    def covariance(self, a, b):
        import numpy as np

        return np.ones((len(a.group), len(b.group)))
"""

PRIOR = """
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from numpyro import distributions as dist

from bayescale.priors.base import Prior


@dataclass(frozen=True)
class MyPrior(Prior):
    width: float = 1.0

    title: ClassVar[str] = "Each parameter about one, at the first run"

    def coordinates(self, parameters):
        return tuple(replace(row, prior=dist.LogNormal(0.0, self.width)) for row in parameters)

    def to_parameters(self, coordinates, sweep):
        return coordinates

    def reference_rows(self, log_compute):
        return np.array([0])
"""

# One process answers all that must hold where the class was never imported.
ELSEWHERE = """
import json, sys
import bayescale as bs
from bayescale._internal.discovery import describe, names

posterior = bs.load("post.nc")
answers = {
    "law": describe(posterior.law),
    "alpha": float(posterior.draws("alpha")[0]),
    "loss": float(bs.forecast(posterior, n_tokens=[1e12]).law_draws[0, 0]),
    "named": "my_law" in names("bayescale.laws"),
    "listed": "MyLaw" in dir(bs.laws),
    "offered": bs.laws.MyLaw is type(posterior.law),
}

fitted = []
run = bs.MultiStart.run
bs.MultiStart.run = lambda self, problem: fitted.append(problem) or run(self, problem)
batch = bs.batch(
    ["sweep.csv"],
    laws=[bs.laws.MyLaw(steep=True)],
    noises=[bs.noise.Normal()],
    method=bs.MultiStart(starts=20),
    out="fits",
)
answers |= {"fitted": len(fitted), "status": list(batch.frame["status"])}
answers["kept"] = [describe(fit.law) for fit in batch.posteriors.values()]
print(json.dumps(answers))
sys.stdout.flush()

from bayescale.cli import main
sys.argv = "bayescale fit sweep.csv --law own_law:MyLaw:steep=true --noise normal".split()
sys.argv += "--method multistart:starts=20 --json".split()
main()
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder of the user's own: two modules, a sweep, and a package that offers the law."""
    folder = tmp_path_factory.mktemp("own")
    (folder / "own_law.py").write_text(LAW, encoding="utf-8")
    (folder / "chinchilla.py").write_text(LAW.replace("MyLaw", "Chinchilla"), encoding="utf-8")
    (folder / "own_noise.py").write_text(NOISE, encoding="utf-8")
    (folder / "own_prior.py").write_text(PRIOR, encoding="utf-8")
    tokens = np.geomspace(1e9, 1e11, 8)
    loss = 9.0 * tokens**-0.05 * np.exp(0.005 * np.array([1, -1, -1, 1, 1, -1, -1, 1]))
    rows = [f"{d},{value}" for d, value in zip(tokens, loss, strict=True)]
    (folder / "sweep.csv").write_text("\n".join(["n_tokens,loss", *rows]) + "\n")
    return folder


@pytest.fixture
def on_path(folder, monkeypatch):
    """The folder where Python finds modules, as in the user's own program."""
    known = set(sys.modules)
    monkeypatch.syspath_prepend(folder)
    yield folder
    for name in {"own_law", "own_noise", "own_prior", "chinchilla"} & (set(sys.modules) - known):
        del sys.modules[name]


@pytest.fixture(scope="module")
def answers(folder):
    """The answers of another process about a posterior and a batch that this one saved."""
    sys.path.insert(0, str(folder))
    try:
        law = parse("bayescale.laws", "own_law:MyLaw:steep=true")
        runs = bs.Runs.from_csv(folder / "sweep.csv", required=("n_tokens", "loss"))
        method = bs.MultiStart(starts=20)
        bs.fit(runs, law=law, noise=bs.noise.Normal(), method=method).save(folder / "post.nc")
        bs.batch(
            [str(folder / "sweep.csv")],
            laws=[law],
            noises=[bs.noise.Normal()],
            method=method,
            out=folder / "fits",
        )
    finally:
        sys.path.remove(str(folder))
        sys.modules.pop("own_law", None)
    offered = folder / "offered" / "own-1.0.dist-info"
    offered.mkdir(parents=True)
    (offered / "METADATA").write_text("Metadata-Version: 2.1\nName: own\nVersion: 1.0\n")
    (offered / "entry_points.txt").write_text("[bayescale.laws]\nmy_law = own_law:MyLaw\n")
    path = os.pathsep.join([str(ROOT), str(folder), str(offered.parent)])
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", ELSEWHERE],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": path},
    )
    lines = done.stdout.splitlines()
    assert lines, done.stderr
    return json.loads(lines[0]) | {"terminal": "\n".join(lines[1:]), "errors": done.stderr}


def test_a_posterior_is_loaded_by_another_process(answers):
    assert answers["law"] == "my_law:steep=True"
    assert answers["alpha"] == pytest.approx(0.05, rel=0.02)
    assert answers["loss"] == pytest.approx(9.0 * 1e12**-0.05, rel=0.01)


def test_a_resumed_batch_fits_nothing_twice(answers):
    assert answers["fitted"] == 0
    assert answers["kept"] == ["my_law:steep=True"]


def test_an_installed_package_offers_its_law_by_name(answers):
    assert answers["named"]
    assert answers["listed"]
    assert answers["offered"]


def test_the_terminal_fits_a_law_of_a_module(answers):
    told = json.loads(answers["terminal"])
    assert told["parameters"]["alpha"]["q50"] == pytest.approx(0.05, rel=0.02), answers["errors"]


def test_a_class_of_a_module_is_named_by_module_and_class(on_path):
    law = parse("bayescale.laws", "own_law:MyLaw:steep=true")
    assert law.steep
    assert describe(law) == "own_law:MyLaw:steep=True"
    assert parse("bayescale.laws", describe(law)) == law


def test_a_module_of_the_name_of_one_of_ours_is_not_taken_for_it(on_path):
    law = parse("bayescale.laws", "chinchilla:Chinchilla")
    assert type(law).__module__ == "chinchilla"
    assert describe(law) == "chinchilla:Chinchilla"
    assert type(decode(encode(law), "bayescale.laws")) is type(law)
    assert type(decode(encode(law), "bayescale.laws")) is not bs.laws.Chinchilla


def test_noise_and_processes_of_a_module_combine_with_ours(on_path):
    text = "discrepancy:base=own_noise:MyNoise:width=0.5,processes=own_noise:MyProcess"
    noise = parse("bayescale.noise", text)
    assert describe(noise) == text
    assert decode(encode(noise), "bayescale.noise") == noise
    assert [p.name for p in noise.parameters] == ["gamma_c", "all_sd"]


def test_a_prior_of_a_module_is_one_of_a_law_of_ours(on_path):
    text = "coupled:prior=own_prior:MyPrior:width=0.3"
    law = parse("bayescale.laws", text)
    assert describe(law) == text
    assert decode(encode(law), "bayescale.laws") == law
    assert [row.name for row in law.coordinates][:2] == ["E", "A"]
    assert {float(row.prior.scale) for row in law.coordinates} == {0.3}


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("absent_module:MyLaw", r"No module named 'absent_module'. Install .*PYTHONPATH"),
        ("own_law:Kepler", "own_law has no dataclass Kepler"),
        ("own_law:Power", r"own_law:Power does not inherit from bayescale.laws.base.Law"),
        ("json:loads", "json has no dataclass loads"),
        ("../own:MyLaw", "names no module; give it as my_module:MyLaw"),
        ("own_law:MyLaw:deep=1", "own_law:MyLaw has no option 'deep'; its options are steep"),
        ("own_law", "no 'own_law' in laws; .* name one of your own as my_module:MyClass"),
    ],
)
def test_a_class_that_cannot_be_had_is_refused_with_what_to_do(on_path, text, complaint):
    with pytest.raises(InputError, match=complaint):
        parse("bayescale.laws", text)


@pytest.fixture
def saved(made_posterior, on_path, tmp_path):
    """A posterior whose law is in the user's module."""
    law = parse("bayescale.laws", "own_law:MyLaw")
    return made_posterior(law, bs.noise.Normal()).save(tmp_path / "post.nc")


def test_a_file_whose_module_is_not_there_says_which(saved, monkeypatch):
    monkeypatch.setattr(sys, "path", [entry for entry in sys.path if "own" not in Path(entry).name])
    sys.modules.pop("own_law")
    with pytest.raises(InputError, match=r"own_law:MyLaw cannot be imported: .*own_law.py on the"):
        bs.load(saved)


def changed(path, folder, **attributes):
    with xr.open_datatree(path, engine="h5netcdf") as tree:
        tree = tree.load()
    tree.attrs |= attributes
    tree.to_netcdf(folder / "changed.nc", engine="h5netcdf")
    return folder / "changed.nc"


def test_a_file_that_names_another_kind_of_class_is_refused(saved, tmp_path):
    other = json.dumps({"module": "bayescale.noise", "class": "Normal", "fields": {}})
    with pytest.raises(InputError, match=r"bayescale.noise:Normal does not inherit from"):
        bs.load(changed(saved, tmp_path, law=other))


def test_a_file_of_a_newer_format_says_so(saved, tmp_path):
    with pytest.raises(
        InputError, match=r"written by a newer version .*format 5.*update bayescale"
    ):
        bs.load(changed(saved, tmp_path, format="bayescale posterior 5"))


def test_a_law_that_could_not_be_read_back_is_not_saved(made_posterior, on_path, tmp_path):
    local = type("Local", (type(parse("bayescale.laws", "own_law:MyLaw")),), {})
    with pytest.raises(InputError, match="The law of this posterior could not be read back"):
        made_posterior(local(), bs.noise.Normal()).save(tmp_path / "post.nc")
    assert list(tmp_path.iterdir()) == []


def test_a_file_of_the_first_format_is_read():
    posterior = bs.load(Path(__file__).parents[1] / "posterior" / "format_1.nc")
    noise = bs.noise.Discrepancy(bs.noise.StudentT(nu=5.0), (bs.processes.Matern(length=1.2),))
    assert posterior.law == bs.laws.Chinchilla(tied=True)
    assert posterior.noise == noise
    assert posterior.method == bs.NUTS(chains=2, warmup=100, draws=2, seed=7)
    assert [str(problem) for problem in posterior.problems] == ["The chains disagree."]
    assert posterior.runs.name == "twelve simulated runs"
    assert posterior.provenance["seed"] == "7"
    assert len(posterior.runs) == 12
    assert posterior.draws("E") == pytest.approx([1.72328349, 1.66086374, 1.6219655, 1.6178097])
    departures = posterior.log_departure()[0, 0, :3]
    assert departures == pytest.approx([0.01721711, 0.01335756, 0.00767049], rel=1e-5)


def test_a_coupled_law_of_a_format_without_priors_has_that_of_its_rows(made_posterior, tmp_path):
    law = bs.laws.Coupled(bs.priors.Separate())
    path = made_posterior(law, bs.noise.Normal()).save(tmp_path / "post.nc")
    without = json.dumps({"module": "bayescale.laws", "class": "Coupled", "fields": {}})
    older = changed(path, tmp_path, law=without, format="bayescale posterior 3")
    assert bs.load(older).law == law
