"""Kaplan against Chinchilla

Kaplan et al. 2020 let models grow as compute to the power 0.73, and Hoffmann et al. 2022 to the
power 0.5. Much of that gap is a matter of counting: Kaplan's sizes leave embeddings out, which are
most of a small model (Pearce and Song 2024, arXiv:2406.12907).

The runs are simulated: both sweeps obey one law, that of Besiroglu et al. 2024, in total counts.
"""

# %%
# A model of N parameters without embeddings has N + 47,491·N^(1/3) with them (Pearce and Song).
# Either count makes a sweep of five budgets, as small as Kaplan's, of a dozen sizes each.
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

import bayescale as bs

inner = np.geomspace(1e4, 1e11, 5000)
total = inner + 47_491 * inner ** (1 / 3)
rng = np.random.default_rng(0)


def sweep(counted: np.ndarray) -> pd.DataFrame:
    budgets = []
    for compute in np.geomspace(1e16, 1e20, 5):
        tokens = compute / (6 * counted)
        loss = 1.817 + 482 / total**0.348 + 2085 / tokens**0.366
        sizes = counted[loss.argmin()] * np.geomspace(1 / 6, 6, 12)
        rows = np.searchsorted(counted, sizes).clip(max=len(counted) - 1)
        columns = {"n_params": counted, "n_tokens": tokens, "loss": loss}
        budgets.append(pd.DataFrame(columns).iloc[rows].drop_duplicates())
    runs = pd.concat(budgets, ignore_index=True)
    return runs.assign(loss=runs["loss"] * np.exp(0.003 * rng.standard_normal(len(runs))))


# %%
# Each sweep is fitted by itself. The slope of the best size is the exponent in dispute.
compute = np.geomspace(1e16, 1e21, 6)
plans, slopes = {}, {}
for name, counted in {"without embeddings": inner, "all parameters": total}.items():
    plans[name] = bs.allocate(bs.fit(sweep(counted)), compute=compute).draws["n_params"]
    slope = np.log(plans[name][:, 4] / plans[name][:, 0]) / np.log(compute[4] / compute[0])
    slopes[name] = slope.quantile([0.05, 0.5, 0.95]).to_numpy()
pd.DataFrame(slopes, index=["5 %", "median", "95 %"]).rename_axis("exponent a").round(2)

# %%
# One law, two counts, two exponents. Counting explains most of the gap between the papers.
figure, axes = plt.subplots(figsize=(7, 4.4), layout="constrained")
for (name, sizes), colour in zip(plans.items(), ("#D55E00", "#0072B2"), strict=True):
    low, middle, high = sizes.quantile([0.05, 0.5, 0.95], dim="draw").to_numpy()
    axes.fill_between(compute, low, high, color=colour, alpha=0.2, linewidth=0)
    axes.loglog(compute, middle, color=colour, label=f"{name}, a = {slopes[name][1]:.2f}")
axes.set(xlabel="compute (FLOPs, 6ND by the same count)", ylabel="best size (parameters)")
axes.legend(title="counted, with 90 % interval", frameon=False)
figure
