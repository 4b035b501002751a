"""500 fits in one call

A study of a method, a table of many mixtures or a bootstrap by hand needs hundreds of fits. One
call makes them, in batches that share a compiled program, and goes on where it was interrupted.

This page makes 30 fits, so that the site is built in minutes; put 500 in the place of 30.
"""

# %%
# Each sweep is simulated from the law of Hoffmann et al. 2022, so the truth is known.
import time

import matplotlib.pyplot as plt

import bayescale as bs

sweeps = [bs.datasets.simulate(seed, sizes_per_budget=6) for seed in range(30)]
begun = time.perf_counter()
fits = bs.batch(sweeps, laws=[bs.laws.Chinchilla()], noises=[bs.noise.Normal()])
print(f"{len(sweeps)} fits in {time.perf_counter() - begun:.0f} s, the compiler's work included")
fits.frame[["data_set", "status", "E_mean", "alpha_q05", "alpha_q50", "alpha_q95"]].head()

# %%
# With `out="fits"` each posterior is written as it is ready, and the same call resumes.
# `bayescale batch *.csv --out fits` does the like at a terminal, and
# [many machines](../scale_out.md) can share the work.
table = fits.frame.sort_values("alpha_q50", ignore_index=True)
inside = table["alpha_q05"].lt(0.34) & table["alpha_q95"].gt(0.34)
print(f"{inside.sum()} of {len(table)} intervals of 90 % hold the truth, 0.34")

# %%
# One bar is one fit; those in orange miss the truth. Of a hundred fits, 90 intervals held it.
figure, axes = plt.subplots(figsize=(7, 4.2), layout="constrained")
colours = inside.map({True: "#0072B2", False: "#D55E00"})
axes.vlines(table.index, table["alpha_q05"], table["alpha_q95"], color=colours)
axes.scatter(table.index, table["alpha_q50"], color=colours, s=9, zorder=3)
axes.axhline(0.34, color="black", linewidth=1)
axes.text(30.5, 0.34, "truth", va="center")
axes.set(xlabel="fit, in the order of its median", ylabel="α: median and 90 % interval")
axes.set_xlim(-1, 30)
figure
