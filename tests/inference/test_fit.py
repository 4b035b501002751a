"""`bs.fit`: what it takes, refuses and promises, whatever the method."""

from collections.abc import Callable
from typing import Any

import jax
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import bayescale as bs
from tests.conftest import with_every_column
from tests.inference.conftest import BLOCK

# One noise model and one number of starts, replicates and draws, so that few programs are compiled:
# those that a bootstrap of one block runs.
POINT = {
    "law": bs.laws.Chinchilla(),
    "noise": bs.noise.Huber(),
    "method": bs.MultiStart(starts=BLOCK),
}


@pytest.fixture(scope="module")
def point(sweep: bs.Runs) -> bs.Posterior:
    """The point fit of the sweep."""
    return bs.fit(sweep, **POINT)


def test_a_data_frame_is_as_good_as_runs(sweep: bs.Runs, point: bs.Posterior) -> None:
    frame = sweep.frame[["n_params", "n_tokens", "loss"]]
    assert bs.fit(frame, **POINT).objective == point.objective


def test_an_objective_needs_as_many_runs_as_parameters(sweep: bs.Runs) -> None:
    few = bs.Runs.from_frame(sweep.frame.iloc[::8].head(4))
    with pytest.raises(bs.InputError, match=r"has 4 runs.*needs 5: add 1 of other n_params"):
        bs.fit(few, **POINT)


@pytest.mark.filterwarnings("ignore::bayescale.errors.RunsWarning")
def test_priors_make_up_what_three_runs_do_not_say(sweep: bs.Runs) -> None:
    wide, narrow = (bs.fit(bs.Runs.from_frame(f)) for f in (sweep.frame.iloc[::16], sweep.frame))
    assert len(wide.runs) == 3
    # A prior that was learnt says much by itself, and 45 runs still say more.
    for name in ("E", "alpha", "beta"):
        assert np.std(wide.draws(name)) > 1.1 * np.std(narrow.draws(name))


def test_two_runs_are_refused_by_what_is_missing(sweep: bs.Runs) -> None:
    two = bs.Runs.from_frame(sweep.frame.iloc[[0, -1]])
    with pytest.raises(bs.InputError, match="2 of the 3 runs that a fit takes are there"):
        bs.fit(two)


@pytest.mark.filterwarnings("ignore::bayescale.errors.RunsWarning")
def test_a_tenth_run_moves_a_forecast_by_little_of_its_interval() -> None:
    # Of nine runs one is the reference of the prior, of ten two; both fill up to twelve rows.
    ten = bs.datasets.simulate(seed=3, noise=0.01).frame.iloc[2::4].head(10)
    ahead = {"n_params": [1e11], "n_tokens": [2e12]}
    draws = []
    for count in (9, 10):
        runs = bs.Runs.from_frame(ten.sort_values("flops").iloc[10 - count :])
        posterior = bs.fit(runs, method=bs.Importance(draws=1000))
        draws.append(np.log(bs.forecast(posterior, **ahead).draws.ravel()))
    low, middle, high = np.quantile(draws[0], [0.05, 0.5, 0.95])
    assert np.median(draws[1]) == pytest.approx(middle, abs=(high - low) / 4)
    assert np.std(draws[1]) == pytest.approx(np.std(draws[0]), rel=0.4)


@pytest.mark.filterwarnings("ignore::bayescale.errors.RunsWarning")
def test_a_table_that_was_computed_from_a_law_gives_the_law_back() -> None:
    # As many runs as the sweep has, and so its programs.
    exact = bs.datasets.simulate(seed=0, noise=0.0)
    posterior = bs.fit(exact)
    for name, true in {"E": 1.69, "alpha": 0.34, "beta": 0.28}.items():
        quantiles = np.quantile(posterior.draws(name), [0.05, 0.5, 0.95])
        assert quantiles == pytest.approx(true, abs=1e-3)
    assert np.quantile(posterior.draws("sigma"), 0.95) < 1e-5
    assert "no_scatter" in [finding.code for finding in posterior.verdicts.model]


@pytest.fixture
def chosen(monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[Any, Any]]:
    """The law and the noise model of a fit that is not made."""
    seen = []

    def run(self: Any, problem: Any) -> Any:
        seen.append((problem.target.law, problem.target.noise))
        raise bs.InputError("not fitted")

    monkeypatch.setattr(bs.Importance, "run", run)

    def ask(*arguments: Any, **options: Any) -> tuple[Any, Any]:
        with pytest.raises(bs.InputError, match="not fitted"):
            bs.fit(*arguments, **options)
        return seen[-1]

    return ask


@pytest.mark.filterwarnings("ignore::bayescale.errors.RunsWarning")
@pytest.mark.parametrize("only", ["n_params", "n_tokens", "flops"])
def test_runs_of_one_input_have_a_law_of_it(
    only: str, chosen: Callable[..., tuple[Any, Any]]
) -> None:
    law, noise = chosen({only: [1e9, 2e10, 4e11], "loss": [3.1, 2.9, 2.8]})
    assert law == bs.laws.PowerLaw(input=only)
    # Processes of an input that the runs lack are left out.
    assert all(set(process.inputs) <= {only} for process in noise.shared)


def test_a_process_of_an_input_that_the_law_lacks_is_refused_with_what_to_do(
    sweep: bs.Runs,
) -> None:
    message = r"size_effect looks at n_params, which power_law does not have; leave the process out"
    with pytest.raises(bs.InputError, match=message):
        bs.fit(sweep, law=bs.laws.PowerLaw(), noise=bs.noise.Discrepancy())


@pytest.mark.parametrize("groups", [1, 3, None], ids=["all alike", "families", "all different"])
def test_where_nothing_is_given_the_coupled_law_departs_whatever_the_groups(
    sweep: bs.Runs, chosen, groups: int | None
) -> None:
    default = (bs.laws.Coupled(), bs.noise.Discrepancy())
    assert chosen(sweep) == default
    labels = [str(row % (groups or len(sweep))) for row in range(len(sweep))]
    assert chosen(bs.Runs.from_frame(sweep.frame.assign(group=labels))) == default


def test_the_law_is_the_same_whatever_the_noise_model(
    sweep: bs.Runs, chosen, any_noise: Any
) -> None:
    with_columns = with_every_column(sweep)
    if "n_correct" in any_noise.columns:
        with pytest.raises(bs.InputError, match="counts right answers, and coupled predicts loss"):
            bs.fit(with_columns, noise=any_noise)
        return
    assert chosen(with_columns, noise=any_noise) == (bs.laws.Coupled(), any_noise)


INDEPENDENT = [bs.MultiStart(), bs.Bootstrap(), bs.Grid()]
METHODS = [*INDEPENDENT, bs.Importance(draws=100), bs.NUTS(chains=2)]


@pytest.mark.parametrize("method", METHODS, ids=lambda method: type(method).__name__)
def test_the_law_is_the_same_whatever_the_method(
    sweep: bs.Runs, chosen, method: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(method), "run", bs.Importance.run)
    for noise in (None, bs.noise.Normal(), bs.noise.Huber()):
        law, _ = chosen(sweep, noise=noise, method=method)
        assert law == bs.laws.Coupled()


@pytest.mark.parametrize("method", INDEPENDENT, ids=lambda method: type(method).__name__)
def test_a_method_that_needs_independent_runs_has_the_textbooks_noise(
    sweep: bs.Runs, chosen, method: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(method), "run", bs.Importance.run)
    assert chosen(sweep, method=method) == (bs.laws.Coupled(), bs.noise.StudentT())


def test_a_law_of_loss_given_alone_departs_and_another_does_not(sweep: bs.Runs, chosen) -> None:
    law, noise = chosen(sweep, law=bs.laws.Chinchilla())
    assert law == bs.laws.Chinchilla() and isinstance(noise, bs.noise.Discrepancy)
    errors = with_every_column(sweep)
    law = bs.laws.ErrorFromLoss()
    assert chosen(errors, law=law) == (law, bs.noise.StudentT())


def test_a_method_that_cannot_fit_the_default_law_says_so_and_how_to_mend_it(
    sweep: bs.Runs,
) -> None:
    with pytest.raises(
        bs.InputError, match=r"grid handles laws that.*law=bs\.laws\.Chinchilla\(\)"
    ):
        bs.fit(sweep, method=bs.Grid())


def test_a_class_in_place_of_an_instance_is_refused(sweep: bs.Runs) -> None:
    with pytest.raises(bs.InputError, match=r"not a method.*such as method=bs\.NUTS\(\)"):
        bs.fit(sweep, noise=bs.noise.Huber(), method="multistart")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "method", [bs.Bootstrap(replicates=BLOCK), bs.MultiStart(starts=BLOCK)], ids=repr
)
def test_the_same_seed_gives_the_same_draws_whatever_the_order_of_the_rows(
    sweep: bs.Runs, method: bs.Bootstrap | bs.MultiStart
) -> None:
    shuffled = bs.Runs.from_frame(sweep.frame.sample(frac=1, random_state=1))
    one, two = (
        bs.fit(runs, law=bs.laws.Chinchilla(), noise=bs.noise.Huber(), method=method)
        for runs in (sweep, shuffled)
    )
    for name in one.params:
        np.testing.assert_array_equal(one.params[name], two.params[name])


def test_the_same_seed_gives_the_same_chains_whatever_the_order_of_the_rows(
    sweep: bs.Runs, chains: bs.Posterior
) -> None:
    shuffled = bs.Runs.from_frame(sweep.frame.sample(frac=1, random_state=1))
    again = bs.fit(shuffled, law=bs.laws.Chinchilla(), noise=bs.noise.Normal(), method=bs.NUTS())
    for name in chains.params:
        np.testing.assert_array_equal(chains.params[name], again.params[name])


def test_another_seed_gives_other_draws(sweep: bs.Runs, chains: bs.Posterior) -> None:
    other = bs.fit(sweep, law=bs.laws.Chinchilla(), noise=bs.noise.Normal(), method=bs.NUTS(seed=1))
    assert not np.array_equal(chains.draws("alpha"), other.draws("alpha"))


def test_a_fit_leaves_the_callers_precision_as_it_was(sweep: bs.Runs) -> None:
    before = jax.numpy.ones(1).dtype
    bs.fit(sweep, **POINT)
    assert jax.numpy.ones(1).dtype == before


@pytest.fixture(scope="module")
def unscaled() -> bs.Posterior:
    """The posterior mode of runs in the units that they come in."""
    frame = bs.datasets.simulate(seed=3).frame[["n_params", "n_tokens", "loss"]]
    return bs.fit(
        bs.Runs(frame),
        law=bs.laws.Chinchilla(),
        noise=bs.noise.Normal(),
        method=bs.MultiStart(starts=BLOCK),
    )


@pytest.mark.filterwarnings("ignore::bayescale.errors.RunsWarning")
@settings(max_examples=10)
@given(params=st.floats(1e-9, 1e3), tokens=st.floats(1e-9, 1e3), loss=st.floats(0.1, 10.0))
def test_units_change_constants_as_units_must_and_nothing_else(
    unscaled: bs.Posterior, params: float, tokens: float, loss: float
) -> None:
    units = {"n_params": params, "n_tokens": tokens, "loss": loss}
    frame = unscaled.runs.frame[list(units)] * pd.Series(units)
    scaled = bs.fit(
        bs.Runs(frame), law=bs.laws.Chinchilla(), noise=unscaled.noise, method=unscaled.method
    )
    own = {name: values.item() for name, values in unscaled.params.items()}
    for name, value in unscaled.law.rescale(own, units).items():
        assert scaled.draws(name).item() == pytest.approx(value, rel=1e-4)


@pytest.mark.filterwarnings("ignore::bayescale.errors.RunsWarning")
def test_a_weight_of_two_is_a_run_seen_twice(sweep: bs.Runs) -> None:
    # With three more, runs still fill up to 48, and so share programs.
    doubled = pd.concat([sweep.frame, sweep.frame.head(3)], ignore_index=True)
    weighted = sweep.frame.assign(weight=np.where(np.arange(len(sweep)) < 3, 2.0, 1.0))
    one, two = (bs.fit(bs.Runs(frame), **POINT) for frame in (doubled, weighted))
    assert one.objective == pytest.approx(two.objective, rel=1e-9)
    assert one.draws("alpha").item() == pytest.approx(two.draws("alpha").item(), rel=1e-6)


def test_known_standard_errors_take_their_share_of_the_scatter() -> None:
    runs = bs.datasets.simulate(seed=3, noise=0.02)
    known = bs.Runs.from_frame(runs.frame.assign(loss_se=0.015 * runs.frame["loss"]))
    noise, method = bs.noise.Normal(), bs.MultiStart(starts=BLOCK)
    rest, whole = (
        bs.fit(r, law=bs.laws.Chinchilla(), noise=noise, method=method).draws("sigma").item()
        for r in (known, runs)
    )
    assert np.hypot(rest, 0.015) == pytest.approx(whole, rel=0.05)
