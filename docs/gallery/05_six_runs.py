"""A ladder of six runs

A few runs of one recipe, each with twenty tokens per parameter, are all that many teams have. What
do six runs say of the seventh?

The data are Cerebras-GPT's runs on the Pile (Dey et al. 2023), which are installed with bayescale.
The six smallest are fitted, and the 13B is kept back.
"""

# %%
import bayescale as bs

pile = bs.datasets.frame("dey2023_pile")
ladder = pile[pile["group"] == "Cerebras-GPT"].sort_values("n_params")
hidden = ladder.iloc[-1]
six = ladder.iloc[:-1][["n_params", "n_tokens", "loss"]]
six

# %%
# The runs leave the split of the loss between size and data open, since both grew together. What
# other sweeps have taught, the [library prior](../library_prior.md), fills that in.
post = bs.fit(bs.Runs.from_frame(six, name="Cerebras-GPT to 6.7B"))
post.summary().head(6)

# %%
# The forecast of a run like the 13B, and what it reached.
ahead = bs.forecast(post, n_params=hidden["n_params"], n_tokens=hidden["n_tokens"])
print(f"forecast {ahead.summary().loc[0, ['q05', 'q50', 'q95']].round(3).to_dict()}")
print(f"outcome  {hidden['loss']}")

# %%
# The star is the 13B, which the fit has not seen. It lies just below the interval: its step in loss
# is half as steep again as the step before. One outcome in ten lies outside of 90 %.
figure = bs.plots.loss_along_compute(post)
compute = 6.0 * hidden["n_params"] * hidden["n_tokens"]
figure.axes[0].scatter(compute, hidden["loss"], marker="*", s=120, color="black", zorder=6)
figure
