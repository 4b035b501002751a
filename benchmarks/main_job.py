"""The main job against today's practice, both measured in one run on the same cores.

Prints one table and writes benchmarks/results/main_job.json. Two comparisons on the 240 Chinchilla runs digitised by
Besiroglu et al.:

1. Effective draws per second of the posterior (Chinchilla law, Student-t noise) from a cold start: `bayescale.NUTS()` against
   NumPyro's NUTS with its default settings, 1,000 warm-up and 1,000 draws in four parallel chains, on the same NumPyro
   model. Each repeat is a fresh process without compilation cache; the clock starts after imports and includes compilation.
2. A Huber fit from 4,500 starts and 4,000 bootstrap refits: `bayescale.Bootstrap()`, compiled, against SciPy one fit at a time:
   L-BFGS-B with a numeric gradient for the starts, BFGS with gradients by autograd for the refits (the code of the field's
   notebooks). SciPy runs a sample of the starts and refits, and its time is scaled up; bayescale runs all.

    pip install '.[bench]' && BAYESCALE_DATA=... python benchmarks/main_job.py
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

RESULTS = Path(__file__).parent / "results" / "main_job.json"
SAMPLED_STARTS, SAMPLED_REFITS = 40, 80
STARTS, REFITS, DELTA = 4500, 4000, 1e-3


def posterior_here() -> dict[str, float]:
    """Seconds and least effective sample size of `bayescale.NUTS()` in this process."""
    import bayescale as bs
    from bayescale.inference import nuts  # noqa: F401  (imports are not what is timed)

    runs = bs.datasets.load("besiroglu2024_chinchilla")
    begun = time.perf_counter()
    posterior = bs.fit(runs)
    seconds = time.perf_counter() - begun
    return {"seconds": seconds, "ess": posterior.diagnostics["ess_bulk_min"], "ess_tail": posterior.diagnostics["ess_tail_min"]}


def posterior_stock() -> dict[str, float]:
    """The same of NumPyro's defaults, on the same model and data."""
    import numpyro

    numpyro.set_host_device_count(4)
    import jax
    from numpyro.infer import MCMC, NUTS

    import bayescale as bs
    from bayescale.inference.base import Problem
    from bayescale.inference.nuts import model
    from bayescale.posterior import convergence

    runs = bs.datasets.load("besiroglu2024_chinchilla")
    with jax.enable_x64(True):
        begun = time.perf_counter()
        problem = Problem.build(runs, bs.laws.Chinchilla(), bs.noise.StudentT())
        mcmc = MCMC(NUTS(model), num_warmup=1000, num_samples=1000, num_chains=4, progress_bar=False)
        mcmc.run(jax.random.key(0), problem.target, problem.data, problem.weights)
        draws = {name: np.asarray(values) for name, values in mcmc.get_samples(group_by_chain=True).items()}
        table = convergence(draws)
        seconds = time.perf_counter() - begun
    return {"seconds": seconds, "ess": float(table["ess_bulk"].min()), "ess_tail": float(table["ess_tail"].min())}


def point_here() -> dict[str, float]:
    """Seconds for all starts and refits, first call and compiled, and the minimum reached."""
    import bayescale as bs

    runs = bs.datasets.load("besiroglu2024_chinchilla")
    seconds = []
    for _ in range(4):
        begun = time.perf_counter()
        fitted = bs.fit(runs, noise=bs.noise.Huber(DELTA), method=bs.Bootstrap(replicates=REFITS))
        seconds.append(time.perf_counter() - begun)
    assert fitted.objective is not None
    return {"first": seconds[0], "compiled": statistics.median(seconds[1:]), "objective": fitted.objective}


def point_scipy() -> dict[str, float]:
    """Seconds for all starts and refits, scaled up from a sample, and the minimum reached by the sampled starts."""
    import autograd.numpy as anp
    from autograd import grad
    from scipy.optimize import minimize

    import bayescale as bs

    frame = bs.datasets.load("besiroglu2024_chinchilla").frame
    log_n, log_d, log_loss = (np.log(frame[c].to_numpy()) for c in ("n_params", "n_tokens", "loss"))

    def objective(v: Any, weights: Any, xp: Any = np) -> Any:
        a, b, e, alpha, beta = v
        terms = xp.stack([a - alpha * log_n, b - beta * log_d, e + 0 * log_n])
        largest = xp.max(terms, axis=0)
        size = xp.abs(log_loss - largest - xp.log(xp.sum(xp.exp(terms - largest), axis=0)))
        return xp.sum(weights * xp.where(size <= DELTA, 0.5 * size**2, DELTA * (size - 0.5 * DELTA)))

    rng = np.random.default_rng(0)
    grid = np.stack(
        np.meshgrid(
            np.arange(0, 30, 5), np.arange(0, 30, 5), np.arange(-1, 1.5, 0.5), np.arange(0, 2.5, 0.5), np.arange(0, 2.5, 0.5)
        ),
        axis=-1,
    ).reshape(-1, 5)
    assert len(grid) == STARTS
    ones = np.ones(len(frame))
    begun = time.perf_counter()
    found = [minimize(objective, start, args=(ones,), method="L-BFGS-B") for start in rng.permutation(grid)[:SAMPLED_STARTS]]
    per_start = (time.perf_counter() - begun) / SAMPLED_STARTS
    best = min(found, key=lambda fit: fit.fun)
    gradient = grad(lambda v, weights: objective(v, weights, anp))
    draws = rng.multinomial(len(frame), ones / len(frame), size=SAMPLED_REFITS).astype(float)
    begun = time.perf_counter()
    for weights in draws:
        minimize(objective, best.x, args=(weights,), jac=gradient, method="BFGS")
    per_refit = (time.perf_counter() - begun) / SAMPLED_REFITS
    return {
        "per_start": per_start,
        "per_refit": per_refit,
        "seconds": STARTS * per_start + REFITS * per_refit,
        "objective": float(best.fun),
    }


def in_fresh_process(part: str) -> dict[str, float]:
    """Run one part in a process of its own, without a compilation cache."""
    environment = {name: value for name, value in os.environ.items() if name != "JAX_COMPILATION_CACHE_DIR"}
    done = subprocess.run(
        [sys.executable, __file__, "--part", part], check=True, capture_output=True, text=True, env=environment
    )
    measured: dict[str, float] = json.loads(done.stdout.strip().splitlines()[-1])
    return measured


def compare(repeats: int) -> dict[str, Any]:
    """Both comparisons, the alternatives in turn."""
    ours, stock = [], []
    for _ in range(repeats):
        ours.append(in_fresh_process("posterior_here"))
        stock.append(in_fresh_process("posterior_stock"))
    rates = [(o["ess"] / o["seconds"], s["ess"] / s["seconds"]) for o, s in zip(ours, stock, strict=True)]
    here, scipy = in_fresh_process("point_here"), in_fresh_process("point_scipy")
    return {
        "posterior": {
            "ours": ours,
            "stock": stock,
            "ratio_median": statistics.median(o / s for o, s in rates),
            "ratio_all": [o / s for o, s in rates],
        },
        "point": {
            "ours": here,
            "scipy": scipy,
            "sampled": {"starts": SAMPLED_STARTS, "refits": SAMPLED_REFITS},
            "ratio_compiled": scipy["seconds"] / here["compiled"],
            "ratio_first_call": scipy["seconds"] / here["first"],
        },
        "device": platform.processor() or platform.machine(),
        "cpus": os.cpu_count(),
        "date": datetime.now(UTC).date().isoformat(),
        "versions": {p: version(p) for p in ("bayescale", "jax", "numpyro", "numpy", "scipy")}
        | {"python": platform.python_version()},
    }


def show(result: dict[str, Any]) -> None:
    """Print the table."""
    from rich.console import Console
    from rich.table import Table

    table = Table("work", "bayescale", "alternative", "ratio", title="240 Chinchilla runs, one run on the same cores")
    posterior, point = result["posterior"], result["point"]
    middle = {
        side: [statistics.median(one[k] for one in posterior[side]) for k in ("seconds", "ess")] for side in ("ours", "stock")
    }
    table.add_row(
        "posterior, cold: effective draws / s",
        f"{middle['ours'][1]:.0f} in {middle['ours'][0]:.1f} s",
        f"{middle['stock'][1]:.0f} in {middle['stock'][0]:.1f} s (NumPyro defaults)",
        f"{posterior['ratio_median']:.1f}",
    )
    for name, label in (
        ("compiled", "4,500 starts + 4,000 refits, compiled"),
        ("first_call", "the same, compilation included"),
    ):
        seconds = point["ours"]["compiled" if name == "compiled" else "first"]
        table.add_row(label, f"{seconds:.2f} s", f"{point['scipy']['seconds']:.0f} s (SciPy)", f"{point[f'ratio_{name}']:.0f}")
    table.add_row(
        "minimum of the Huber objective", f"{point['ours']['objective']:.12f}", f"{point['scipy']['objective']:.12f}", ""
    )
    Console(width=120).print(table)


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=3, help="fresh processes for each side of the posterior comparison")
    parts = {f.__name__: f for f in (posterior_here, posterior_stock, point_here, point_scipy)}
    parser.add_argument("--part", choices=sorted(parts), help="measure one part in this process and print it as JSON")
    arguments = parser.parse_args()
    if arguments.part:
        print(json.dumps(parts[arguments.part]()))
        return
    result = compare(arguments.repeats)
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(result, indent=1) + "\n")
    show(result)


if __name__ == "__main__":
    main()
