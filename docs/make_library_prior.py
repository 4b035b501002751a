"""Write library_prior.md, what the default prior believes and why, from its numbers.

Run ``python docs/make_library_prior.py``.
"""

from pathlib import Path

import numpy as np

from bayescale.posterior.unusual import log_law_at_reference
from bayescale.priors import Library

PAGE = Path(__file__).with_name("library_prior.md")

_MEANINGS = {
    "level_sd": "log of the loss at the reference about what the runs there show, sd",
    "floor_share": "share of that loss that is irreducible, at 1e19 FLOP",
    "floor_share_sd": "sd of its log odds",
    "floor_share_slope": "rise of its log odds in a decade of compute",
    "params_share": "share of the rest that is for lack of parameters, at 20 tokens a parameter",
    "params_share_sd": "sd of its log odds",
    "params_share_slope": "rise of its log odds in a decade of tokens a parameter",
    "exponent": "√(αβ)",
    "exponent_sd": "sd of its log",
    "exponent_ratio": "β/α",
    "exponent_ratio_sd": "sd of its log",
    "gamma": "γ, the coupling: 1 adds the limits of N and D, 0 takes the larger",
    "gamma_sd": "sd of its log",
}
_COMPUTE = (1e17, 1e19, 1e21)
_DRAWS = 20_000
_LEVELS = (0.05, 0.25, 0.5, 0.75, 0.95)

_HEAD = """# The library prior

Made from `bayescale/priors/library.json` by `docs/make_library_prior.py`.

A few runs do not say where the loss of a sweep levels off, and any answer beyond them leans on \
something. `bs.fit` leans on other sweeps: `bs.priors.Library` is what public sweeps say of a new \
one before it has a run. It is empirical Bayes. Each public sweep was fitted under a weak prior; \
the prior of the next sweep is the distribution over sweeps that makes those fits most likely, a \
family of sweeps one vote (Efron 2010).

It is stated at the **reference**: the dearest fifth of the runs, one at least and five at most, \
and all that cost as much as the cheapest of these. \
There the floor is a share of the loss, and what is left is shared between N and D. So bits \
or nats do not change it; N and D are counts.
"""

_KINDS = """
## What it is for

Losses of text, in nats or bits a token, of models that were trained from scratch: D in tokens and \
N in parameters, so that 6·N·D is FLOP. Of accuracies it says nothing, and laws of accuracies do \
not have it. Losses of other modalities, error rates, and perplexities of special tasks lie \
elsewhere; N or D in other units shift the floor's share by a tenth or so for each factor of ten. \
Give such sweeps numbers of their own.

A sweep that the library has none like is told so: `bs.fit` makes up 400 sweeps from the prior on \
the design of the runs, and where the fall of the runs' losses in all, or at the frontier, is more \
extreme than in 99 % of those, a finding `unlike_library` stands in the verdict on the data, and \
the default law takes the prior with twice the standard deviations.

`Posterior.to_dict()["beside_prior"]` and the page of `bayescale fit` have what the library said \
beside what the runs leave of it.

## Off, or another

```python
import bayescale as bs

law = bs.laws.Coupled(prior=bs.priors.Separate())  # each parameter by itself
law = bs.laws.Coupled(prior=bs.priors.AtFrontier(floor_share=0.4, floor_share_sd=1.0))
law = bs.laws.Coupled(prior=bs.priors.Library(sd_factor=2.0))  # twice as wide
law = bs.laws.Coupled(prior=bs.priors.Library(without="porian2024"))  # a family left out
```

`bs.fit(runs, law=law)` takes each of them, and so does `bayescale fit --law \
coupled:prior=separate`.
"""

_AGAIN = """
## Learn it again

    BAYESCALE_DATA=... python benchmarks/library_prior.py
    python docs/make_library_prior.py

`benchmarks/library_prior.py` fits the sweeps of the panel that it has not fitted yet, learns the \
prior of all families and of all but one, and writes the file. A view is a set at one split or a \
ladder of 4 to 12 of its cheapest runs; the losses of hidden runs are in the likelihood, while the \
reference is at the runs that a forecaster would have. `benchmarks/library_em.py` has the method.
"""


def page() -> str:
    """Return the text of the page."""
    library = Library()
    parts = [_HEAD, _origin(library), _numbers(library), _in_words(library), _KINDS, _AGAIN]
    return "".join(parts)


def _origin(library: Library) -> str:
    known = library.provenance
    if "commit" not in known:
        return f"\nWhere the numbers come from: {known['how']}.\n"
    families = ", ".join(f"`{name}`" for name in library.families)
    return (
        f"\nLearnt on {known['date']} from {known['views']} views of {len(library.families)} "
        f"families: {families}.\n"
    )


def _numbers(library: Library) -> str:
    by_hand = library.provenance["set_by_hand"]
    lines = [
        "\n## The numbers\n",
        "The range is of the prior with one family left out.\n",
        "| number of `AtFrontier` | all families | range | meaning |",
        "| --- | --- | --- | --- |",
    ]
    for name, meaning in _MEANINGS.items():
        low, high = library.spread[name]
        spread = "set by hand" if name in by_hand else f"{low:.3g} to {high:.3g}"
        value = getattr(library.learnt, name)
        lines.append(f"| `{name}` | {value:.3g} | {spread} | {meaning} |")
    return "\n".join(lines) + "\n"


def _in_words(library: Library) -> str:
    lines = [
        "\n## In words\n",
        "Before a run of a sweep is seen, of the law alone, for a reference at 20 tokens a "
        "parameter:\n",
        "| of | FLOP | 5 % | 25 % | 50 % | 75 % | 95 % |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for compute in _COMPUTE:
        drawn = _drawn(library, compute)
        beyond = np.array([np.log(10) / 2])
        ratio = np.exp(
            log_law_at_reference(drawn, beyond, beyond)
            - log_law_at_reference(drawn, 0 * beyond, 0 * beyond)
        )
        floor = 1 / (1 + np.exp(-drawn["floor_log_odds"]))
        lines.append(_row("share of the loss that is floor", compute, floor))
        lines.append(_row("loss at ten times the compute, over that here", compute, ratio))
    drawn = _drawn(library, 1e19)
    exponent = 1 / (1 + np.exp(-drawn["log_exponent_ratio"]))
    lines.append(_row("exponent of the best N in compute", 1e19, exponent))
    lines.append(_row("best tokens a parameter", 1e19, _best_ratio(drawn)))
    return "\n".join(lines) + "\n"


def _drawn(library: Library, compute: float) -> dict[str, np.ndarray]:
    """Return draws of the coordinates at a reference, each of shape (draws, 1)."""
    rng = np.random.default_rng(0)
    drawn = {}
    for row in library.coordinates(()):
        drawn[row.name] = rng.normal(float(row.prior.loc), float(row.prior.scale), (_DRAWS, 1))
    drawn["floor_log_odds"] += library.learnt.floor_share_slope * (np.log10(compute) - 19)
    return drawn


def _best_ratio(drawn: dict[str, np.ndarray]) -> np.ndarray:
    """Return D/N where α times the limit of N equals β times that of D, at the compute of the
    reference.
    """
    both = 2 * np.exp(drawn["log_exponent"]) * np.cosh(drawn["log_exponent_ratio"] / 2)
    log_gap = drawn["params_log_odds"] - drawn["log_exponent_ratio"]
    log_size = log_gap * np.exp(drawn["log_gamma"]) / both
    return np.asarray(20 * np.exp(-2 * log_size))


def _row(name: str, compute: float, draws: np.ndarray) -> str:
    cells = [f"{value:.3g}" for value in np.quantile(draws, _LEVELS)]
    return f"| {name} | {compute:.0e} | {' | '.join(cells)} |".replace("e+", "e")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
