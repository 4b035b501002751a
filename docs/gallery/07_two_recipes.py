"""Two recipes

A new optimiser looks better on small runs. How much compute does it save at the scale that matters,
and is that sure enough to change the recipe?

Both sweeps are simulated from the law of Hoffmann et al. 2022. In the new recipe a parameter does
the work of 1.3.
"""

# %%
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

import bayescale as bs

old = bs.datasets.simulate(1, sizes_per_budget=4, noise=0.004)
new = bs.datasets.simulate(2, sizes_per_budget=4, noise=0.004, A=406.4 / 1.3**0.34)
both = pd.concat([old.frame.assign(group="old"), new.frame.assign(group="new")], ignore_index=True)

# %%
# One fit of both: the exponents are shared, and floors as well, since both are evaluated on the
# same text.
compute = np.geomspace(1e20, 1e25, 21)
compared = bs.recipes(both, base="old", candidate="new", compute=compute, shared_floor=True)
multipliers = compared.summary().loc[["n_params_multiplier", "n_tokens_multiplier"]]
multipliers[["q05", "q50", "q95", "better"]].droplevel("compute")

# %%
# Promote the candidate if it is better by 0.005 nats at 1e24 FLOPs with probability 95 %. The
# record holds all that the decision depends on, and `record.save("decision.json")` writes it.
record = bs.gate(compared, compute=1e24, threshold=0.005)
print(*record.sentences, sep="\n")

# %%
# The gain at each budget, each recipe at its own best size. The small runs end at 1e22 FLOPs.
gain = compared.draws["gain"].quantile([0.05, 0.25, 0.5, 0.75, 0.95], dim="draw").to_numpy()
figure, axes = plt.subplots(figsize=(7, 4.2), layout="constrained")
for low, high, alpha in ((0, 4, 0.2), (1, 3, 0.3)):
    axes.fill_between(compute, gain[low], gain[high], color="#0072B2", alpha=alpha, linewidth=0)
axes.semilogx(compute, gain[2], color="#0072B2")
axes.axhline(0.005, color="#6b6b6b", linestyle="--", linewidth=1)
axes.text(1.2e20, 0.0052, "threshold", color="#6b6b6b", va="bottom")
axes.axvspan(1e22, compute[-1], color="#f3f1ec", zorder=0)
axes.text(1.2e22, gain[2, 0], "beyond the runs", color="#6b6b6b")
axes.set(xlabel="training compute (FLOPs)", ylabel="gain of the new recipe (nats per token)")
axes.set(xlim=(compute[0], compute[-1]), ylim=(0, None))
axes.set_title("median, 50 and 90 % intervals", loc="left", fontsize=10)
figure
