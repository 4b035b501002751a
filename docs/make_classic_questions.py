"""Write classic_questions.md from the 240 Chinchilla runs: ``python
docs/make_classic_questions.py``. Downloads them once.
"""

from pathlib import Path

import numpy as np
from numpyro import distributions as dist

import bayescale as bs

PAGE = Path(__file__).with_name("classic_questions.md")

GOPHER, CHINCHILLA = (280e9, 300e9), (70e9, 1.4e12)
GOPHER_COMPUTE, LLAMA_COMPUTE = 5.76e23, 3.8e25
STOCK = dist.LogNormal(np.log(300e12), 0.5)
BUDGETS = np.geomspace(1e24, 1e38, 57)

QUESTIONS = {
    "beats": ("P(Chinchilla 70B on 1.4T tokens beats Gopher 280B on 300B)", "{:.3f}"),
    "gain": ("By how many nats per token", "{:.3f}"),
    "gopher_waste": ("Share of its compute that Gopher wasted", "{:.2f}"),
    "chinchilla_waste": ("Share that Chinchilla wasted", "{:.2f}"),
    "ratio": ("Best tokens per parameter at 5.76e23 FLOPs", "{:.1f}"),
    "above_20": ("P(it is above 20)", "{:.2f}"),
    "twenty": ("What 20 tokens per parameter loses there, nats per token", "{:.4f}"),
    "a": ("a in N* ∝ C^a", "{:.3f}"),
    "above_half": ("P(a > 0.5)", "{:.2f}"),
    "llama_n": ("Best size at Llama 3's 3.8e25 FLOPs, 1e9 parameters", "{:.0f}"),
    "llama_d": ("Tokens to go with it, 1e12", "{:.1f}"),
    "llama_loss": ("Loss there, nats per token", "{:.3f}"),
    "llama_waste": ("Share that 405B on 15.6T tokens wasted", "{:.2f}"),
    "llama_next": ("Times the budget for the next 0.01 nats", "{:.2f}"),
    "exhausted": ("Compute at which the best plan reads all of some 300T tokens, FLOPs", "{:.1e}"),
}


def answers(posterior: bs.Posterior) -> dict[str, tuple[float, float, float]]:
    """Median, 5 and 95 % of each answer; a probability thrice."""
    plans = {"Gopher": GOPHER, "Chinchilla": CHINCHILLA, "Llama 3": (405e9, 15.6e12)}
    twenty = np.sqrt(GOPHER_COMPUTE / 120)
    found = bs.regret(posterior, plans | {"twenty": (twenty, 20 * twenty)})
    loss, wasted = (found.draws[name] for name in ("loss", "wasted"))
    best = bs.allocate(posterior, [GOPHER_COMPUTE, 10 * GOPHER_COMPUTE, LLAMA_COMPUTE]).draws
    a = np.log10(best["n_params"][:, 1] / best["n_params"][:, 0])
    ratio = best["tokens_per_param"][:, 0]
    once = bs.allocate(posterior, BUDGETS, constraints=bs.Constraints(unique_tokens=STOCK)).draws
    read = (once["epochs"] < 1 - 1e-6).sum("compute").clip(max=len(BUDGETS) - 1)
    draws = {
        "gain": loss.sel(plan="Gopher") - loss.sel(plan="Chinchilla"),
        "gopher_waste": wasted.sel(plan="Gopher"),
        "chinchilla_waste": wasted.sel(plan="Chinchilla"),
        "ratio": ratio,
        "twenty": found.draws["extra_loss"].sel(plan="twenty"),
        "a": a,
        "llama_n": best["n_params"][:, 2] / 1e9,
        "llama_d": best["n_tokens"][:, 2] / 1e12,
        "llama_loss": best["loss"][:, 2],
        "llama_waste": wasted.sel(plan="Llama 3"),
        "llama_next": bs.returns(posterior, LLAMA_COMPUTE).draws["next_factor"][:, 0],
        "exhausted": BUDGETS[read.to_numpy()],
    }
    told = {
        name: tuple(np.quantile(values, [0.5, 0.05, 0.95], method="nearest"))
        for name, values in draws.items()
    }
    shares = {
        "beats": float(found.beats.loc["Chinchilla", "Gopher"]),
        "above_20": float((ratio > 20).mean()),
        "above_half": float((a > 0.5).mean()),
    }
    return told | {name: (share,) * 3 for name, share in shares.items()}


def row(name: str, answer: tuple[float, float, float]) -> str:
    """One answer as the page has it."""
    _, form = QUESTIONS[name]
    middle, low, high = map(form.format, answer)
    return middle if answer[1] == answer[2] else f"{middle} ({low} to {high})"


def page(textbook: bs.Posterior, default: bs.Posterior) -> str:
    """The whole page."""
    columns = [answers(posterior) for posterior in (textbook, default)]
    rows = [
        f"| {text} | {' | '.join(row(name, one[name]) for one in columns)} |"
        for name, (text, _) in QUESTIONS.items()
    ]
    return "\n".join(
        [
            _HEAD,
            "| question | `Chinchilla`, `StudentT` | `Coupled`, `Discrepancy` |\n| --- | --- | --- "
            "|",
            *rows,
            _TAIL,
        ]
    )


_HEAD = """# Classic questions

Answered from the 240 Chinchilla runs that Besiroglu et al. 2024 read off a figure (`besiroglu2024_chinchilla`), by
`docs/make_classic_questions.py`. Each draw of the posterior gives its own answer; the table has the median and, in
brackets, the 5 and 95 % quantiles. The first column is the textbook's law and Student-t noise, the second what `bs.fit`
takes by itself. The dearest run has 1.3e22 FLOPs, so that all below is extrapolation.
"""

_TAIL = """
- Gopher and Chinchilla are `bs.regret(post, {...})`. Wasted is 1 − C'/C, C' the least compute that reaches its loss.
- Sizes and tokens are `bs.allocate(post, compute)`; a follows from the best sizes at two budgets.
- The next 0.01 nats are `bs.returns(post, compute)`.
- How many tokens there are is itself uncertain: log-normal with a median of 300e12 and a standard deviation of 0.5 of the
  logarithm, `bs.Constraints(unique_tokens=LogNormal(np.log(300e12), 0.5))`, each token read once. Repeats put the day off: see
  `bs.Repeats`.
- The columns differ in whether the law is believed to hold exactly, 40 to 3,000 times beyond the dearest run. `Discrepancy`
  lets runs depart from the law together, and its answers are of law and departures: near the runs both columns agree, and far
  beyond them the second knows little. `bs.sensitivity(post)` says how much that matters for any runs.
"""


def textbook_fit() -> bs.Posterior:
    """The first column."""
    return bs.fit(
        bs.datasets.load("besiroglu2024_chinchilla"),
        law=bs.laws.Chinchilla(),
        noise=bs.noise.StudentT(),
    )


if __name__ == "__main__":
    default = bs.fit(bs.datasets.load("besiroglu2024_chinchilla"))
    PAGE.write_text(page(textbook_fit(), default), encoding="utf-8")
