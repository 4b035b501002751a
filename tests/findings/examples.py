"""One small table for each rule, which breaks it."""

import numpy as np
import pandas as pd

import bayescale as bs


def sweep(**options):
    """The frame of a clean simulated sweep."""
    return bs.datasets.simulate(seed=0, **options).frame


def grid(sizes=(1e8, 2e8, 4e8, 8e8), tokens=(1e9, 4e9, 1.6e10), **columns):
    """Runs of a law without scatter, each size on each number of tokens."""
    n, d = (axis.ravel() for axis in np.meshgrid(sizes, tokens, indexing="ij"))
    table = {"n_params": n, "n_tokens": d, "loss": 1.7 + 480 / n**0.35 + 2000 / d**0.37}
    frame = pd.DataFrame(table | columns)
    return frame.rename_axis(index="run_id")


def accuracies():
    frame = grid()
    return frame.assign(loss=1 - frame["loss"] / 5)


def checkpoints():
    return grid(sizes=(1e8,), tokens=np.arange(1, 41) * 1e9)


def learning_rates():
    repeated = pd.concat([grid(sizes=(1e8, 4e8), tokens=(2e9, 8e9))] * 3, ignore_index=True)
    factor = np.repeat([1.0, 1.1, 1.3], 4)
    frame = repeated.assign(loss=repeated["loss"] * factor, learning_rate=factor)
    return frame.rename_axis(index="run_id")


def lone():
    frame = sweep()
    return frame.assign(loss=frame["loss"].where(frame.index != 7, 4.0))


def families():
    frame = grid(tokens=(1e9, 2e9, 4e9, 8e9))
    second = frame.assign(loss=frame["loss"] * 1.05)
    rng = np.random.default_rng(0)
    both = pd.concat([frame.assign(group="a"), second.assign(group="b")], ignore_index=True)
    scatter = np.exp(0.002 * rng.standard_normal(len(both)))
    return both.assign(loss=both["loss"] * scatter).rename_axis(index="run_id")


def pure_power_law():
    frame = grid(tokens=(1e9, 2e9, 4e9, 8e9))
    scatter = np.exp(0.01 * np.random.default_rng(0).standard_normal(len(frame)))
    pure = 40 / frame["n_params"] ** 0.15 + 40 / frame["n_tokens"] ** 0.15
    return frame.assign(loss=pure * scatter)


def at_edge():
    frame = sweep()
    best = frame.groupby("group")["loss"].idxmin()
    smallest = frame["n_params"] >= frame["group"].map(frame["n_params"][best].set_axis(best.index))
    return frame[smallest]


def rising():
    frame = grid(sizes=(1e8, 2e8, 4e8, 8e8, 1.6e9), tokens=(1e9, 2e9, 4e9, 8e9))
    upward = 0.1 * np.log(frame["n_params"] / 1e8) - 1e-11 * frame["n_tokens"]
    return frame.assign(loss=3.0 + upward)


def on_line(power=1.0):
    sizes = np.array([1e8, 2e8, 4e8, 8e8, 1.6e9, 3.2e9])
    frame = grid(sizes=sizes, tokens=(1e9,))
    return frame.assign(n_tokens=20 * 1e8 * (sizes / 1e8) ** power)


def model_cards(names=("Ours", "Theirs")):
    """Two ladders: of 20 tokens a parameter, and of one number of tokens."""
    ladder = on_line()
    second = ladder.assign(n_tokens=3e11, group=names[1])
    both = pd.concat([ladder.assign(group=names[0]), second], ignore_index=True)
    loss = 1.7 + 480 / both["n_params"] ** 0.35 + 2000 / both["n_tokens"] ** 0.37
    return both.assign(loss=loss).rename_axis(index="run_id")


def two_counts():
    """Each run of a ladder twice: with its embeddings, and without."""
    ladder = on_line()
    less = ladder["n_params"] - 5e7
    both = [ladder.assign(counts="all"), ladder.assign(counts="no embeddings", n_params=less)]
    return pd.concat(both, ignore_index=True).rename_axis(index="run_id")


BREAKS = {
    "checkpoints": checkpoints,
    "few_runs": lambda: sweep().iloc[::12],
    "too_few_runs": lambda: sweep().iloc[:2],
    "flops_counting": lambda: sweep().assign(flops=sweep()["flops"] * 1.3),
    "flops_unit": lambda: sweep().assign(flops=sweep()["flops"] / 1e9),
    "high_loss": lambda: sweep().assign(loss=np.exp(sweep()["loss"])),
    "large_counts": lambda: sweep().assign(n_tokens=sweep()["n_tokens"] * 1e6),
    "lone_run": lone,
    "low_loss": lambda: sweep().assign(loss=sweep()["loss"] / 1e3),
    "mixed_families": families,
    "no_floor": pure_power_law,
    "one_budget": lambda: sweep(budgets=[1e20]),
    "one_size": lambda: grid(sizes=(1e8,), tokens=(1e9, 3e9, 7e9, 2e10)),
    "one_token_count": lambda: grid(tokens=(1e9,)),
    "optimum_at_edge": at_edge,
    "repeated_rows": lambda: pd.concat([sweep(), sweep().iloc[:2]]),
    "repeated_settings": learning_rates,
    "rising_metric": accuracies,
    "rising_with_size": rising,
    "separate_families": model_cards,
    "several_conventions": two_counts,
    "short_runs": lambda: on_line().assign(n_tokens=[1.6e7, 4e9, 8e9, 1.6e10, 3.2e10, 6.4e10]),
    "small_counts": lambda: sweep().assign(n_params=sweep()["n_params"] / 1e9),
    "tokens_follow_size": on_line,
    "tokens_nearly_follow_size": lambda: on_line(power=0.8),
    "two_values": lambda: grid(sizes=(1e8, 4e8)),
    "untrained_runs": lambda: sweep().assign(loss=sweep()["loss"].where(sweep().index != 3, 10.9)),
    "unusual_ratio": lambda: sweep().assign(n_tokens=sweep()["n_tokens"] / 1e3),
    "unusual_scale": lambda: sweep().assign(
        n_params=sweep()["n_params"] * 1e3, n_tokens=sweep()["n_tokens"] * 1e3
    ),
}
"""Tables by the code of the rule that they break."""
