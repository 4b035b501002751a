"""The OLMo ladder: what will 13B reach?

OLMo's team trained models of 190M to 3B parameters on 10 to 200 tokens per parameter, and only then
7B and 13B (Bhagia et al. 2024, arXiv:2412.04403). From a CSV to a forecast of the 13B.

The losses here are simulated, at the sizes and tokens of the ladder, from a fit to the real runs.
`bs.datasets.load("bhagia2024_olmo_ladder")` loads those.
"""

# %%
# Five sizes, five lengths of training each, written as a CSV file would have them.
import numpy as np

import bayescale as bs

sizes = np.repeat([190e6, 371e6, 758e6, 1.28e9, 3.17e9], 5)
tokens = 20 * sizes * np.tile([0.5, 1, 2, 5, 10], 5)
law = bs.laws.Coupled()
truth = {"E": 1.77, "A": 90.5, "B": 61.3, "alpha": 0.2156, "beta": 0.1636, "gamma": 0.219}
log_loss = law.predict(truth, {"n_params": np.log(sizes), "n_tokens": np.log(tokens)})
loss = np.exp(log_loss + 0.002 * np.random.default_rng(0).standard_normal(25))
rows = [f"{n:.0f},{d:.0f},{y:.4f}" for n, d, y in zip(sizes, tokens, loss, strict=True)]
csv = "\n".join(["params,tokens,c4_loss", *rows])
print(*csv.splitlines()[:4], sep="\n")

# %%
# The text could as well be the path of a file.
runs = bs.Runs.read(csv, name="ladder", loss="c4_loss")
post = bs.fit(runs)

# %%
# The 13B reads 5 trillion tokens, thirty times the compute of the dearest run of the ladder.
# **13B will reach:**
target = {"n_params": 13.2e9, "n_tokens": 5e12}
low, middle, high = bs.forecast(post, **target).summary().loc[0, ["q05", "q50", "q95"]]
expected = float(np.exp(law.predict(truth, {name: np.log(at) for name, at in target.items()})))
print(f"forecast {middle:.3f}, 90 %: {low:.3f} to {high:.3f}; without scatter {expected:.3f}")

# %%
# On the real ladder the same lines forecast 2.432 (90 %: 2.364 to 2.497), and the 13B reached
# 2.438. From its runs up to 1.3B alone they forecast 2.441 (2.328 to 2.554); the authors' forecast
# from those was 2.344.
bs.plots.loss_along_compute(post, decades=3)
