"""A table that was computed from a law, without noise, gives the law's constants back."""

import warnings

import numpy as np
import pandas as pd
import pytest

import bayescale as bs
from bayescale._internal.discovery import names, parse

AXES = {
    "n_params": np.geomspace(1e8, 1e10, 6),
    "n_tokens": np.geomspace(2e9, 2e11, 6),
    "unique_tokens": np.geomspace(1e9, 1e11, 5),
    "flops": np.geomspace(1e18, 1e22, 30),
    "n_examples": np.geomspace(1e3, 1e6, 30),
    "n_experts": np.array([1.0, 4.0, 16.0, 64.0, 256.0]),
}
# In units of the data, where no paper printed constants: near the middle of the priors, and where
# each constant shows in the table.
IN_UNITS = {
    "farseer": {
        "b_3": 0.1, "b_2": -0.3, "b_1": -1.5, "a_3": -0.2, "a_2": 0.1, "a_1": -0.6,
        "gamma": 0.2, "beta": 0.3, "alpha": 0.1,
    },
    "fine_tuning": {"E": 0.6, "A": 0.4, "alpha": 0.2, "beta": 0.3},
    "m4": {"E": 0.6, "R": 2.0, "A": 0.4, "alpha": 0.5, "gamma": 1.2},
    "power_law": {"E": 0.6, "A": 0.4, "alpha": 0.3},
    "rectified_sft": {"E": 0.6, "B": 1.0, "D_l": 1.0, "beta": 0.6},
    "routed_experts": {
        "A": 1.0, "alpha": 0.1, "beta": 0.05, "chi": 0.005, "K_0": 2.0, "K_max": 100.0,
    },
}  # fmt: skip
# Whose programs other tests of this folder compile too.
CHEAP = {"chinchilla", "power_law"}
# Its break has constants that a table without a bend leaves open, and several modes with one.
HARD = {"broken_power_law"}


def laws():
    for name in names("bayescale.laws"):
        law = parse("bayescale.laws", name)
        if law.response == "loss" and name not in HARD:
            marks = () if name in CHEAP else pytest.mark.slow
            yield pytest.param(law, id=name, marks=marks)


def truth_of(law):
    """The first constants that a paper printed, or those above in counts."""
    if law.published:
        printed = law.published[0].params
        return {one.name: float(printed[one.name]) for one in law.parameters}
    name = type(law).__module__.rpartition(".")[2]
    units = {one: float(np.exp(np.log(AXES[one]).mean())) for one in law.inputs} | {"loss": 2.5}
    counts = law.rescale(IN_UNITS[name], units)
    return {one: float(value) for one, value in counts.items()}


def table_of(law, truth):
    mesh = np.meshgrid(*(AXES[name] for name in law.inputs), indexing="ij")
    inputs = {name: values.ravel() for name, values in zip(law.inputs, mesh, strict=True)}
    logs = {name: np.log(values) for name, values in inputs.items()}
    params = {name: np.array(value) for name, value in truth.items()}
    loss = np.exp(np.asarray(law.predict(params, logs)))
    frame = pd.DataFrame(inputs | {"loss": loss})
    return bs.Runs.from_frame(frame, required=(*law.inputs, "loss"), name="computed")


@pytest.mark.parametrize("law", list(laws()))
def test_a_table_of_a_law_gives_its_constants_back(law):
    truth = truth_of(law)
    with warnings.catch_warnings(action="ignore", category=bs.errors.RunsWarning):
        posterior = bs.fit(table_of(law, truth), law=law, noise=bs.noise.Normal())
    medians = {name: float(np.median(posterior.draws(name))) for name in truth}
    assert medians == pytest.approx(truth, rel=1e-3)
    assert np.median(posterior.draws("sigma")) < 1e-3
