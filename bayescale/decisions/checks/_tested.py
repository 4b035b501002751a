"""The runs and the model of a test, as results of tests put them into JSON."""

from bayescale._internal.discovery import describe
from bayescale.posterior.posterior import Posterior
from bayescale.results import Json
from bayescale.runs import Runs


def what_was_tested(runs: Runs, posterior: Posterior) -> dict[str, Json]:
    """Return the runs of a test, and the law, the noise model and the method of one of its fits."""
    return {
        "runs": {"name": runs.name, "source": runs.source, "n_runs": len(runs)},
        "law": describe(posterior.law),
        "noise": describe(posterior.noise),
        "method": describe(posterior.method),
    }
