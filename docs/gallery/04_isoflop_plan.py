"""An isoFLOP plan

Four budgets, several model sizes at each: the sweep of most papers. What should be trained with
thirty times the compute of the dearest run, and how far is it safe to miss the best size?

The data are the 64 runs of bayescale's own [sweep](../sweep.md), which are installed with it.
"""

# %%
import bayescale as bs

runs = bs.datasets.load("bayescale2026_sweep")
parabolas = bs.isoflop(runs)
parabolas

# %%
# Parabolas give one number and no interval, and use each budget by itself. The posterior uses all
# runs together, and says how sure the plan is.
post = bs.fit(runs)
bs.allocate(post, compute=5.7e13)

# %%
# The optimum is flat, so a size that is nearly as good may be more convenient. `bs.plan` answers
# these questions and more in one call.
bs.flat_set(post, compute=[1.9e12, 5.7e13], epsilon=0.01)

# %%
# Each curve is a budget: points are runs, and diamonds the best size with its 90 % interval. Three
# runs were made at the largest budget later. The smallest, of 324 thousand parameters, was the
# best of them, just outside of the interval: [the sweep](../sweep.md) tells the story.
bs.plots.isoflop(post, budgets=[6e10, 1.9e11, 6e11, 1.9e12, 5.7e13])
