"""Chinchilla again in 60 seconds

How should a budget be split between parameters and tokens? Hoffmann et al. 2022 fitted a law to
240 small runs and trained Chinchilla by it. The same question, with an interval.

The runs here are simulated from the fit of Besiroglu et al. 2024 (arXiv:2404.10102) to the runs of
that paper. `bs.datasets.load("besiroglu2024_chinchilla")` loads the real ones.
"""

# %%
# Simulate forty runs at five budgets, with 1 % of scatter.
import bayescale as bs

runs = bs.datasets.simulate(
    seed=1, E=1.817, A=482.0, B=2085.0, alpha=0.348, beta=0.366, sizes_per_budget=8
)
runs.frame.head()

# %%
# Fit the default law and noise model. No start value, no bound and no number of steps is asked for.
post = bs.fit(runs)
post

# %%
# Chinchilla's budget was 5.76e23 FLOPs. It spent them on 70 billion parameters and 1.4 trillion
# tokens, and Gopher the like on 280 billion and 300 billion. What would these runs have said?
bs.allocate(post, compute=5.76e23)

# %%
duel = bs.regret(post, {"Chinchilla": (70e9, 1.4e12), "Gopher": (280e9, 300e9)})
duel

# %%
# Each curve is a budget. The stroke is the best size with its 90 % interval, which grows
# with the distance from the runs.
bs.plots.isoflop(post)
