"""A running run

A run is at 60 % of its plan, at a constant learning rate. Where will it end, and what would a decay
from now give?

The logs are simulated: a finished run of the same model, shorter and decayed, and the run that is
training now. Both follow a power law in the sum of learning rates, less a drop that decays bring,
and scatter by 0.005 nats.
"""

# %%
import numpy as np
import pandas as pd

import bayescale as bs

rng = np.random.default_rng(0)


def log(run, schedule, end):
    step = np.arange(500.0, end + 1, 250)
    rate = schedule.at(step)
    decayed = 1 - rate / schedule.peak
    loss = 2.4 + 30 * step**-0.5 - 0.08 * decayed + 0.005 * rng.standard_normal(len(step))
    return pd.DataFrame({"run": run, "step": step, "lr": rate, "loss": loss})


short = bs.Schedule.wsd(peak=1e-3, total=20_000, decay_fraction=0.2)
plan = bs.Schedule.wsd(peak=1e-3, total=50_000, decay_fraction=0.2)
curves = bs.Curves.read(pd.concat([log("short", short, 20_000), log("big", plan, 30_000)]))
curves.table.tail(3)

# %%
# The finished run says what a decay gives, and the running one where its trunk goes. `finish`
# answers for the plan and for other decays.
end = bs.finish(curves, plan, run="big")
end.summary()[["future", "end_step", "q05", "q50", "q95"]].round(4)

# %%
# What the simulation would have reached without scatter, had it gone on as planned.
float(2.4 + 30 * 50_000**-0.5 - 0.08)

# %%
# The band is the plan. The bars are ends of decays that begin now or later.
bs.plots.finish(end)
