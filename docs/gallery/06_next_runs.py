"""Which runs next?

A sweep is done, and there is compute for a few more small runs before the large one. Which of them
would narrow the forecast and the best size most?

The data are the 64 runs of bayescale's own [sweep](../sweep.md), which are installed with it.
"""

# %%
import matplotlib.pyplot as plt

import bayescale as bs

runs = bs.datasets.load("bayescale2026_sweep")
post = bs.fit(runs)
bs.next_run(post)

# %%
# `next_run` names one run. `design` chooses several that are of use together, within a budget: here
# ten times the compute of the dearest run so far.
dearest = runs.six_nd.max()
design = bs.design(post, budget=10 * dearest, compute=30 * dearest, n_runs=6)
design.summary()[["n_params", "n_tokens", "flops", "loss_left", "n_params_left"]]

# %%
# Numbers are the order in which to make the runs. The first two take nearly all of the budget, and
# nearly all of the gain is theirs.
figure, (left, right) = plt.subplots(1, 2, figsize=(8.4, 4), layout="constrained")
left.scatter(runs.frame["n_params"], runs.frame["n_tokens"], s=14, color="#6b6b6b")
chosen = design.summary()
left.scatter(chosen["n_params"], chosen["n_tokens"], s=90, color="#D55E00")
for place, row in chosen.iterrows():
    at = (row["n_params"], row["n_tokens"])
    left.annotate(str(place), at, ha="center", va="center", fontsize=8, color="white")
left.set(xscale="log", yscale="log", xlabel="parameters N", ylabel="training tokens D")
left.set_title("runs so far (grey), runs to make (numbered)", fontsize=10)
right.plot(chosen.index, chosen["loss_left"], "o-", color="#0072B2", label="loss at the target")
right.plot(chosen.index, chosen["n_params_left"], "s-", color="#009E73", label="best size there")
right.set(xlabel="runs made", ylabel="share of the interval left", ylim=(0, 1))
right.set_xticks(chosen.index)
right.legend(frameon=False, loc="lower left")
figure
