"""The cost of serving

A model is trained once and used for years. Each token served costs a forward pass, so a smaller
model on more tokens is cheaper over its life (Sardana et al. 2023, arXiv:2401.00448). By how much?

The runs are simulated from the law of Hoffmann et al. 2022.
"""

# %%
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

import bayescale as bs

runs = bs.datasets.simulate(1, sizes_per_budget=8, noise=0.003)
post = bs.fit(runs, law=bs.laws.Chinchilla(), noise=bs.noise.StudentT())

# %%
# Money: 1,024 cards that train at 40 % of their peak and serve at 10 %.
cards = bs.Hardware(peak_flops=989e12, utilisation=0.4, devices=1024, price_per_hour=2.5)
serving = bs.Hardware(peak_flops=989e12, utilisation=0.1, price_per_hour=2.5)
prices = {"train_price": cards.price_per_flop, "serve_price": serving.price_per_flop}

# %%
# The cheapest way to a loss of 2.0 nats, by how many tokens will be served.
plans = {}
for served in (1e9, 1e11, 1e12, 1e13, 1e14):
    limits = bs.Constraints(inference_tokens=served, **prices)
    plans[served] = bs.allocate(post, target_loss=2.0, constraints=limits).draws.isel(target_loss=0)
columns = ["n_params", "n_tokens", "tokens_per_param", "total_cost"]
medians = {served: plan[columns].median("draw").to_pandas() for served, plan in plans.items()}
pd.DataFrame(medians).T.rename_axis("tokens served")

# %%
# With more tokens to serve, the best model shrinks and reads more.
figure, (left, right) = plt.subplots(1, 2, figsize=(8.4, 4), layout="constrained")
served = np.array(list(plans))
panels = ((left, "n_params", "parameters"), (right, "tokens_per_param", "tokens per parameter"))
for axes, quantity, label in panels:
    bands = [plan[quantity].quantile([0.05, 0.5, 0.95]).to_numpy() for plan in plans.values()]
    low, middle, high = np.transpose(bands)
    axes.fill_between(served, low, high, color="#0072B2", alpha=0.2, linewidth=0)
    axes.loglog(served, middle, "o-", color="#0072B2")
    axes.set(xlabel="tokens served in the model's life", ylabel=label)
left.set_title("median and 90 % interval", loc="left", fontsize=10)
figure
