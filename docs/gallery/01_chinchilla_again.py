"""Chinchilla again in 60 seconds

How should a budget be split between parameters and tokens? Hoffmann et al. 2022 fitted a law to
some 240 runs and trained Chinchilla by it. Here is the same question, with an interval.

The runs are simulated from the fit of Besiroglu et al. 2024 (arXiv:2404.10102) to the runs of that
paper; `bs.datasets.load("besiroglu2024_chinchilla")` loads the real ones.
"""

# %%
# Forty runs, at five budgets of eight sizes, whose losses scatter by 0.3 %.
import bayescale as bs

runs = bs.datasets.simulate(
    1, E=1.817, A=482.0, B=2085.0, alpha=0.348, beta=0.366, sizes_per_budget=8, noise=0.003
)
runs.frame.head()

# %%
# One call fits the paper's law, with no start values and no bounds. Without `law=` and `noise=` it
# takes those that forecast best on public sweeps, whose intervals do not rest on the law being
# exact.
post = bs.fit(runs, law=bs.laws.Chinchilla(), noise=bs.noise.StudentT())
post.summary()

# %%
# Chinchilla had 5.76e23 FLOPs, nearly sixty times the compute of the largest run here. The law that
# made the runs is best at 70 billion parameters there.
plan = bs.plan(post, 5.76e23)
print(*plan.sentences, sep="\n")

# %%
# Was Chinchilla the better choice than Gopher, a larger model on fewer tokens?
bs.regret(post, {"Chinchilla": (70e9, 1.4e12), "Gopher": (280e9, 300e9)})

# %%
# Each curve is a budget, and each diamond is the best size there with its 90 % interval.
bs.plots.isoflop(post, budgets=[1e19, 1e20, 1e21, 1e22, 5.76e23])
