"""From loss to accuracy to pass@k

A forecast of loss is not yet a forecast of what a model can do. Two more steps: from loss to the
accuracy on a benchmark, and from one sample a problem to many.

Losses and accuracies are those of Dey et al. 2023, installed with bayescale. Counts of right
samples are simulated; `bs.datasets.frame("schaeffer2025_monkeys")` has real ones.
"""

# %%
import matplotlib.pyplot as plt
import numpy as np

import bayescale as bs

pile = bs.datasets.frame("dey2023_pile")
pile = pile[(pile["suspect"] == 0) & (pile["group"] == "Cerebras-GPT")]
loss = bs.fit(pile)
scores = pile[["loss", "acc_lambada"]].rename(columns={"acc_lambada": "score"})
accuracy = bs.fit(scores, law=bs.laws.AccuracyFromLoss(), noise=bs.noise.StudentT())

# %%
# `chain` carries the uncertainty of the loss and of both laws along: here for models of twenty
# tokens per parameter, up to twice the largest.
sizes = np.geomspace(1e8, 26e9, 9)
ahead = bs.chain(loss, accuracy, n_params=sizes, n_tokens=20 * sizes)
ahead.summary()[["n_params", "q05", "q50", "q95"]].iloc[[4, 8]]

# %%
# On problems with a verifier many samples may be drawn. Of a hundred problems, 100 samples each,
# many are never solved; their hidden rates decide what ten thousand samples would do.
# How many samples a problem solve nine in ten?
rng = np.random.default_rng(1)
hazards = rng.gamma(0.35, 0.1, size=100)
solved = rng.binomial(100, 1 - np.exp(-hazards))
counts = {"n_samples": np.full(100, 100), "n_correct": solved}
k = np.unique(np.geomspace(1, 10_000, 25).astype(int))
rates = bs.pass_at_k(counts, k=k, method=bs.NUTS(draws=500))
rates.samples_needed(0.9)

# %%
figure, (left, right) = plt.subplots(1, 2, figsize=(8.4, 4), layout="constrained")
low, middle, high = np.quantile(ahead.draws, [0.05, 0.5, 0.95], axis=0)
left.fill_between(sizes, low, high, color="#0072B2", alpha=0.2, linewidth=0)
left.semilogx(sizes, middle, color="#0072B2", label="forecast, 90 %")
left.plot(pile["n_params"], pile["acc_lambada"], "o", color="black", label="runs")
left.set(xlabel="parameters, 20 tokens each", ylabel="accuracy on LAMBADA")
left.legend(frameon=False)
band = rates.summary().loc[("all", "these problems")]
right.fill_between(k, band["q05"], band["q95"], color="#D55E00", alpha=0.2, linewidth=0)
right.semilogx(k, band["q50"], color="#D55E00")
right.semilogx(k, (1 - np.exp(-np.outer(k, hazards))).mean(axis=1), "k--", label="truth")
seen = k[k <= 100]
right.plot(seen, bs.unbiased_pass_at_k(**counts, k=seen).mean(axis=0), "k.", label="counts")
right.set(xlabel="samples a problem, k", ylabel="pass@k", ylim=(0, 1))
right.legend(frameon=False, loc="lower right")
figure
