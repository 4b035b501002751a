"""Write classic_questions.md from the 240 Chinchilla runs.

Run ``python docs/make_classic_questions.py``. It downloads the runs once.
"""

from pathlib import Path

import numpy as np
from numpyro import distributions as dist

import bayescale as bs

PAGE = Path(__file__).with_name("classic_questions.md")

# Parameters and tokens.
GOPHER = (280e9, 300e9)
CHINCHILLA = (70e9, 1.4e12)
LLAMA = (405e9, 15.6e12)
# FLOPs.
GOPHER_COMPUTE = 5.76e23
LLAMA_COMPUTE = 3.8e25
STOCK = dist.LogNormal(np.log(300e12), 0.5)
BUDGETS = np.geomspace(1e24, 1e38, 57)

QUESTIONS = {
    "beats": ("P(Chinchilla 70B on 1.4T tokens beats Gopher 280B on 300B)", "{:.3f}"),
    "gain": ("By how many nats per token", "{:.3f}"),
    "gopher_waste": ("Share of its compute that Gopher wasted", "{:.2f}"),
    "chinchilla_waste": ("Share that Chinchilla wasted", "{:.2f}"),
    "ratio": ("Best tokens per parameter at 5.76e23 FLOPs", "{:.1f}"),
    "above_20": ("P(it is above 20)", "{:.2f}"),
    "twenty": ("Extra loss of 20 tokens per parameter there, nats per token", "{:.4f}"),
    "a": ("a in N* ∝ C^a", "{:.3f}"),
    "above_half": ("P(a > 0.5)", "{:.2f}"),
    "llama_n": ("Best size at Llama 3's 3.8e25 FLOPs, 1e9 parameters", "{:.0f}"),
    "llama_d": ("Tokens to go with it, 1e12", "{:.1f}"),
    "llama_loss": ("Loss there, nats per token", "{:.3f}"),
    "llama_waste": ("Share that 405B on 15.6T tokens wasted", "{:.2f}"),
    "llama_next": ("Factor on the budget for the next 0.01 nats", "{:.2f}"),
    "exhausted": ("Compute at which the best plan reads all of about 300T tokens, FLOPs", "{:.1e}"),
}


def answers(posterior: bs.Posterior) -> dict[str, tuple[float, float, float]]:
    """Return the median, 5 and 95 % quantile of each answer; a probability is repeated."""
    size_at_twenty = np.sqrt(GOPHER_COMPUTE / 120)
    plans = {
        "Gopher": GOPHER,
        "Chinchilla": CHINCHILLA,
        "Llama 3": LLAMA,
        "twenty": (size_at_twenty, 20 * size_at_twenty),
    }
    regret = bs.regret(posterior, plans)
    loss = regret.draws["loss"]
    wasted = regret.draws["wasted"]
    best = bs.allocate(posterior, [GOPHER_COMPUTE, 10 * GOPHER_COMPUTE, LLAMA_COMPUTE]).draws
    a = np.log10(best["n_params"][:, 1] / best["n_params"][:, 0])
    ratio = best["tokens_per_param"][:, 0]
    once = bs.allocate(posterior, BUDGETS, constraints=bs.Constraints(unique_tokens=STOCK)).draws
    first_exhausted = (once["epochs"] < 1 - 1e-6).sum("compute").clip(max=len(BUDGETS) - 1)
    draws = {
        "gain": loss.sel(plan="Gopher") - loss.sel(plan="Chinchilla"),
        "gopher_waste": wasted.sel(plan="Gopher"),
        "chinchilla_waste": wasted.sel(plan="Chinchilla"),
        "ratio": ratio,
        "twenty": regret.draws["extra_loss"].sel(plan="twenty"),
        "a": a,
        "llama_n": best["n_params"][:, 2] / 1e9,
        "llama_d": best["n_tokens"][:, 2] / 1e12,
        "llama_loss": best["loss"][:, 2],
        "llama_waste": wasted.sel(plan="Llama 3"),
        "llama_next": bs.returns(posterior, LLAMA_COMPUTE).draws["next_factor"][:, 0],
        "exhausted": BUDGETS[first_exhausted.to_numpy()],
    }
    probabilities = {
        "beats": float(regret.beats.loc["Chinchilla", "Gopher"]),
        "above_20": float((ratio > 20).mean()),
        "above_half": float((a > 0.5).mean()),
    }
    result: dict[str, tuple[float, float, float]] = {}
    for name, values in draws.items():
        low, middle, high = np.quantile(values, [0.05, 0.5, 0.95], method="nearest")
        result[name] = (middle, low, high)
    for name, probability in probabilities.items():
        result[name] = (probability, probability, probability)
    return result


def row(name: str, answer: tuple[float, float, float]) -> str:
    """Return an answer in the format of the page."""
    _, form = QUESTIONS[name]
    middle, low, high = [form.format(value) for value in answer]
    return middle if answer[1] == answer[2] else f"{middle} ({low} to {high})"


def page(textbook: bs.Posterior, default: bs.Posterior) -> str:
    """Return the text of the page."""
    textbook_answers = answers(textbook)
    default_answers = answers(default)
    lines = [
        _HEAD,
        "| question | `Chinchilla`, `StudentT` | `Coupled`, `Discrepancy` |",
        "| --- | --- | --- |",
    ]
    for name, (text, _) in QUESTIONS.items():
        first = row(name, textbook_answers[name])
        second = row(name, default_answers[name])
        lines.append(f"| {text} | {first} | {second} |")
    lines.append(_TAIL)
    return "\n".join(lines)


_HEAD = """# Classic questions

These answers follow from the 240 Chinchilla runs that Besiroglu et al. 2024 read from a figure
(`besiroglu2024_chinchilla`); `docs/make_classic_questions.py` writes this page. Each draw of the
posterior gives an answer; the table has the median and, in brackets, the 5 and 95 % quantiles. The
first column is for the textbook's law with Student-t noise, the second for the default of `bs.fit`.
The largest-compute run has 1.3e22 FLOPs, so all answers are extrapolations.
"""

_TAIL = """
- Gopher and Chinchilla are compared by `bs.regret(post, {...})`. The share wasted is 1 − C'/C,
  where C' is the least compute that reaches the plan's loss.
- Sizes and tokens are from `bs.allocate(post, compute)`; a follows from the best sizes at two
  budgets.
- The next 0.01 nats are from `bs.returns(post, compute)`.
- The number of tokens in existence is itself uncertain: log-normal with a median of 300e12 and a
  standard deviation of 0.5 of the logarithm,
  `bs.Constraints(unique_tokens=LogNormal(np.log(300e12), 0.5))`, each token read once. Repeats
  postpone the day: see `bs.Repeats`.
- The columns differ in whether the law is assumed to hold exactly, 40 to 3,000 times beyond the
  largest-compute run. `Discrepancy` allows departures from the law that runs share, and its answers
  include them: near the runs both columns agree, and far beyond them the second is very uncertain.
  `bs.sensitivity(post)` shows how much this assumption matters for any runs.
"""


def textbook_fit() -> bs.Posterior:
    """Return the posterior of the first column."""
    return bs.fit(
        bs.datasets.load("besiroglu2024_chinchilla"),
        law=bs.laws.Chinchilla(),
        noise=bs.noise.StudentT(),
    )


if __name__ == "__main__":
    default = bs.fit(bs.datasets.load("besiroglu2024_chinchilla"))
    PAGE.write_text(page(textbook_fit(), default), encoding="utf-8")
