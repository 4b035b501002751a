"""The data wall

Compute grows, and text does not. What is a larger budget worth when there are 10 trillion different
tokens, and each may be read again at a loss?

The runs are simulated from the law of Muennighoff et al. 2023 (arXiv:2305.16264);
`bs.datasets.load("muennighoff2023_datablations")` loads the real ones.
"""

# %%
# Runs of four sizes, which read a tenth of a billion to ten billion different tokens up to forty
# times.
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

import bayescale as bs

law = bs.laws.DataConstrained()
grid = pd.MultiIndex.from_product([np.geomspace(5e7, 3e9, 4), (1e8, 1e9, 1e10), (1, 4, 40)])
design = grid.to_frame(index=False, name=["n_params", "unique_tokens", "epochs"])
design["n_tokens"] = design["unique_tokens"] * design.pop("epochs")
logs = {name: np.log(column.to_numpy()) for name, column in design.items()}
exact = law.predict(law.published[0].params, logs)
scatter = 0.005 * np.random.default_rng(0).standard_normal(len(design))
runs = design.assign(loss=np.exp(exact + scatter))
post = bs.fit(runs, law=law, noise=bs.noise.StudentT())
post.summary()

# %%
# The plan of 1e27 FLOPs: how often is each token read?
walled = bs.Constraints(unique_tokens=10e12)
bs.allocate(post, compute=1e27, constraints=walled)

# %%
# The least loss along compute, with 10 trillion different tokens and with as many as one likes.
compute = np.geomspace(1e23, 1e29, 10)
figure, axes = plt.subplots(figsize=(7, 4.2), layout="constrained")
endless = bs.Constraints(unique_tokens=1e20)
for label, limits, colour in (
    ("10 trillion different tokens", walled, "#D55E00"),
    ("endless tokens", endless, "#0072B2"),
):
    losses = bs.allocate(post, compute=compute, constraints=limits).draws["loss"]
    low, middle, high = losses.quantile([0.05, 0.5, 0.95], dim="draw").to_numpy()
    axes.fill_between(compute, low, high, color=colour, alpha=0.2, linewidth=0)
    axes.semilogx(compute, middle, color=colour, label=label)
axes.set(xlabel="training compute (FLOPs)", ylabel="least loss (nats per token)")
axes.legend(title="median and 90 % interval", frameon=False)
figure
