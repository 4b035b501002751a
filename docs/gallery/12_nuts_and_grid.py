"""NUTS against grid

Two methods that share no code give one posterior. `NUTS` walks through it; `Grid` sums all but the
exponents out at every node of a grid, and draws. Where both agree, neither has gone wrong.

The data are the 29 runs on the Pile of Dey et al. 2023, which are installed with bayescale.
"""

# %%
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

import bayescale as bs

runs = bs.datasets.load("dey2023_pile")
law, noise = bs.laws.Chinchilla(), bs.noise.StudentT()
fits = {
    "NUTS": bs.fit(runs, law=law, noise=noise, method=bs.NUTS(draws=500)),
    "Grid": bs.fit(runs, law=law, noise=noise, method=bs.Grid()),
}

# %%
# Medians and intervals side by side. The grid also gives the evidence of the law.
tables = {name: post.summary()[["q05", "q50", "q95"]] for name, post in fits.items()}
print(f"log evidence by the grid: {fits['Grid'].diagnostics['log_evidence']:.2f}")
pd.concat(tables, axis=1).round(4)

# %%
# Each exponent, and draws of both together: blue is NUTS, and orange the grid.
figure, panels = plt.subplots(1, 3, figsize=(9, 3.6), layout="constrained")
for axes, name, symbol in ((panels[0], "alpha", "α"), (panels[1], "beta", "β")):
    nuts, grid = (post.draws(name) for post in fits.values())
    edges = np.histogram_bin_edges(nuts, 40)
    axes.hist(grid, edges, density=True, color="#D55E00", alpha=0.4, label="Grid")
    axes.hist(nuts, edges, density=True, histtype="step", color="#0072B2", label="NUTS")
    axes.set(xlabel=symbol, ylabel="density")
panels[0].legend(frameon=False)
for post, colour in zip(fits.values(), ("#0072B2", "#D55E00"), strict=True):
    alpha, beta = post.draws("alpha")[::5], post.draws("beta")[::5]
    panels[2].scatter(alpha, beta, s=4, color=colour, alpha=0.3)
panels[2].set(xlabel="α", ylabel="β")
figure
