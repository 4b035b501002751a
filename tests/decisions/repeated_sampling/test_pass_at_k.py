"""Pass rates from counts: the formulas against SciPy, known truths recovered, bad input refused."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest
from scipy.integrate import quad
from scipy.special import betaln, comb
from scipy.stats import beta, betabinom, binom, gengamma

import bayescale as bs
from bayescale._internal.precision import float64
from bayescale.decisions.repeated_sampling._counts import (
    CELLS,
    Counts,
    draw_log_hazards,
    log_likelihood,
    log_shares,
)
from bayescale.decisions.repeated_sampling.families import Beta, GeneralisedGamma
from bayescale.decisions.repeated_sampling.pass_at_k import NEW, THESE
from bayescale.errors import InputError

CONSTANTS = {GeneralisedGamma(): {"mu": -3.0, "a": 1.5, "b": 0.5}, Beta(): {"a": 0.4, "b": 6.0}}
SHORT = bs.NUTS(warmup=300, draws=500)
FAMILIES = pytest.mark.parametrize("rates", CONSTANTS, ids=["generalised_gamma", "beta"])


def density(rates, log_hazard):
    """SciPy's, of log hazards."""
    values, hazard = CONSTANTS[rates], np.exp(log_hazard)
    if isinstance(rates, Beta):
        return beta.pdf(-np.expm1(-hazard), values["a"], values["b"]) * hazard * np.exp(-hazard)
    return (
        gengamma.pdf(hazard, values["a"], values["b"] / values["a"], scale=np.exp(values["mu"]))
        * hazard
    )


def integral(rates, n, y):
    """Return the probability of a count, by quadrature in pieces about its peak."""
    peak = np.log(-np.log1p(-(y + 0.5) / (n + 1)))
    edges = np.unique(
        np.clip([-60, -20, *(peak + np.array([-3, -0.5, -0.1, 0, 0.1, 0.5, 3])), 6.9], -60, 6.9)
    )
    pieces = [
        quad(lambda u: density(rates, u) * binom.pmf(y, n, -np.expm1(-np.exp(u))), low, high)[0]
        for low, high in itertools.pairwise(edges)
    ]
    return sum(pieces)


def arrays(rates):
    return {name: np.asarray(value) for name, value in CONSTANTS[rates].items()}


# One program a family for all tests of formulas.
shares_program = jax.jit(log_shares, static_argnums=0)
likelihood_program = jax.jit(log_likelihood, static_argnums=0)


@float64
def shares_of(rates):
    return np.exp(np.asarray(shares_program(rates, arrays(rates))))


@float64
def log_likelihood_of(rates, counts):
    return float(likelihood_program(rates, arrays(rates), counts.table(8)))


def simulated(seed, problems, samples, rates):
    """Counts, and the rates behind them."""
    rng = np.random.default_rng(seed)
    values = CONSTANTS[rates]
    if isinstance(rates, Beta):
        p = rng.beta(values["a"], values["b"], problems)
    else:
        power, scale = values["b"] / values["a"], np.exp(values["mu"])
        p = -np.expm1(
            -gengamma.rvs(values["a"], power, scale=scale, size=problems, random_state=rng)
        )
    return {"n_samples": np.full(problems, samples), "n_correct": rng.binomial(samples, p)}, p


@pytest.fixture(scope="module")
def fitted():
    """A fit of 64 problems with 100 samples of each, and their true rates."""
    counts, p = simulated(1, 64, 100, GeneralisedGamma())
    return bs.pass_at_k(counts, k=[1, 10, 100, 1_000, 1_001, 10_000], method=SHORT), counts, p


@FAMILIES
def test_the_density_of_log_hazards_is_scipys(rates):
    log_hazard = np.linspace(-20, 3, 40)
    found = float64(jax.jit(rates.log_density))(arrays(rates), log_hazard)
    assert np.exp(found) == pytest.approx(density(rates, log_hazard), rel=1e-9)


@FAMILIES
def test_the_share_below_is_the_integral_of_the_density(rates):
    found = float64(jax.jit(rates.below))(arrays(rates), np.array([-14.0]))
    assert float(found[0]) == pytest.approx(
        quad(lambda u: density(rates, u), -120, -14, limit=200)[0], rel=1e-5
    )


def test_straight_coordinates_preserve_volume():
    @jax.jit
    def slopes_at(decorrelated):
        return jax.jacfwd(lambda z: jnp.stack(GeneralisedGamma().recorrelate(list(z))))(
            decorrelated
        )

    slopes = float64(slopes_at)(np.array([-5.0, 0.7, 1.1]))
    assert abs(np.linalg.det(slopes)) == pytest.approx(1.0, rel=1e-6)


@FAMILIES
@pytest.mark.parametrize(
    ("n", "y"), [(100, 0), (100, 1), (100, 40), (100, 100), (10_000, 0), (10_000, 3_000), (7, 7)]
)
def test_the_likelihood_of_a_count_is_its_integral_over_rates(rates, n, y):
    counts = Counts(np.array([n, 2]), np.array([y, 1]))
    one = Counts(np.array([2]), np.array([1]))
    found, known = (log_likelihood_of(rates, c) for c in (counts, one))
    # Likelihoods are relative to their largest, the binomial probability at p = y/n.
    found = np.exp(found - known) * binom.pmf(y, n, y / n)
    assert found == pytest.approx(integral(rates, n, y), rel=3e-3)


@pytest.mark.parametrize("y", [0, 3, 100])
def test_counts_under_beta_rates_are_beta_binomial(y):
    rates, n = Beta(), 100
    both = log_likelihood_of(rates, Counts(np.array([n, 2]), np.array([y, 1])))
    one = log_likelihood_of(rates, Counts(np.array([2]), np.array([1])))
    assert both - one + binom.logpmf(y, n, y / n) == pytest.approx(
        betabinom.logpmf(y, n, 0.4, 6.0), abs=4e-3
    )


@pytest.mark.parametrize("k", [1, 100, 10_000])
def test_pass_at_k_of_a_new_problem_under_beta_rates_has_the_closed_form(k):
    found = shares_of(Beta()) @ np.append(0.0, -np.expm1(-k * np.exp(CELLS)))
    assert found == pytest.approx(-np.expm1(betaln(0.4, 6.0 + k) - betaln(0.4, 6.0)), rel=2e-3)


def test_rates_of_problems_given_their_counts_are_draws_from_beta_distributions():
    group = Counts(np.array([100, 100, 10_000]), np.array([0, 7, 4_000]))
    shares = np.tile(shares_of(Beta()), (4_000, 1))
    drawn = -np.expm1(-np.exp(draw_log_hazards(group, shares, np.random.default_rng(0))))
    for own, n, y in zip(drawn.T, group.n_samples, group.n_correct, strict=True):
        known = beta(0.4 + y, 6.0 + n - y)
        assert np.mean(own) == pytest.approx(known.mean(), abs=5 * known.std() / np.sqrt(len(own)))
        assert np.std(own) == pytest.approx(known.std(), rel=0.1)


def test_the_unbiased_estimate_is_the_share_of_subsets_that_hold_a_right_sample():
    n, c = np.array([20, 20, 20, 12]), np.array([0, 3, 20, 1])
    known = [
        [1 - comb(a - b, k) / comb(a, k) for k in (1, 4, 12)] for a, b in zip(n, c, strict=True)
    ]
    assert bs.unbiased_pass_at_k(n, c, [1, 4, 12]) == pytest.approx(np.array(known), rel=1e-10)


def test_the_unbiased_estimate_at_one_is_the_share_of_right_samples():
    assert bs.unbiased_pass_at_k([10_000], [37], 1).item() == pytest.approx(0.0037, rel=1e-7)


def test_more_samples_than_there_are_have_no_unbiased_estimate():
    with pytest.raises(InputError, match=r"k = 11 is more than the 10 samples.*pass_at_k"):
        bs.unbiased_pass_at_k([10, 20], [1, 1], [5, 11])


def test_diagnostics_are_good(fitted):
    found, _, _ = fitted
    assert found.problems == ()
    assert (found.diagnostics["rhat_max"] <= 1.01).all()
    assert (found.diagnostics["ess_bulk_min"] >= 400).all()


def test_pass_rates_rise_with_k_in_every_draw(fitted):
    found, _, _ = fitted
    assert (found.draws["pass_rate"].diff("k") > 0).all()


def test_one_sample_passes_as_often_as_samples_were_right(fitted):
    found, counts, _ = fitted
    known = (counts["n_correct"] / counts["n_samples"]).mean()
    assert found.draws["pass_rate"].sel(over=THESE, k=1).mean().item() == pytest.approx(
        known, rel=0.05
    )


def test_intervals_hold_the_pass_rates_of_the_problems(fitted):
    found, _, p = fitted
    rates = found.draws["pass_rate"].sel(over=THESE, group="all")
    for k in (100, 1_000, 10_000):
        low, high = rates.sel(k=k).quantile([0.005, 0.995])
        assert low < np.mean(1 - (1 - p) ** k) < high


def test_a_new_problem_is_less_certain_than_these(fitted):
    found, _, _ = fitted
    spread = found.draws["pass_rate"].sel(k=10).std("draw")
    assert (spread.sel(over=NEW) > spread.sel(over=THESE)).all()


def test_what_is_solved_already_stays_solved(fitted):
    found, counts, _ = fitted
    solved = found.draws["solved"]
    assert (solved.sel(k=100) == np.mean(counts["n_correct"] > 0)).all()
    assert (solved.sel(k=10_000) >= solved.sel(k=100)).all()


def test_the_exponent_is_the_slope_of_the_logarithms(fitted):
    found, _, _ = fitted
    log_log = np.log(-np.log(found.draws["pass_rate"].sel(k=[1_000, 1_001])))
    slope = -log_log.diff("k").squeeze("k") / np.log(1.001)
    assert found.draws["exponent"].sel(k=1_000).values == pytest.approx(slope.values, rel=5e-3)


@FAMILIES
def test_failures_fall_with_the_tail_exponent(rates):
    fails = [shares_of(rates) @ np.append(1.0, np.exp(-k * np.exp(CELLS))) for k in (1e6, 1e7)]
    exponent = rates.tail_exponent(CONSTANTS[rates])
    assert -np.log10(fails[1] / fails[0]) == pytest.approx(exponent, rel=0.02)


def test_under_weibull_hazards_the_logarithm_of_the_pass_rate_is_nearly_a_power_of_k():
    params = {"mu": np.asarray(-6.0), "a": np.asarray(1.0), "b": np.asarray(0.4)}
    shares = np.exp(np.asarray(float64(shares_program)(GeneralisedGamma(), params)))
    k = np.geomspace(10, 1e5, 9)
    passes = np.array([shares @ np.append(0.0, -np.expm1(-n * np.exp(CELLS))) for n in k])
    assert np.polyfit(np.log(k), np.log(-np.log(passes)), 1)[0] == pytest.approx(-0.4, abs=0.05)


def test_samples_needed_lie_where_the_pass_rate_is_reached(fitted):
    found, _, _ = fitted
    rates = found.draws["pass_rate"].sel(group="all", over=THESE)
    target = rates.sel(k=1_000).median().item()
    needed = found.samples_needed(target).loc[("all", THESE)]
    assert needed["q50"] == pytest.approx(1_000, rel=0.02)
    assert needed["q05"] < needed["q50"] < needed["q95"]


def test_a_target_beyond_the_largest_k_takes_endless_samples(fitted):
    found, _, _ = fitted
    needed = found.samples_needed(0.9999).loc[("all", NEW)]
    assert needed["q50"] == np.inf
    assert needed["reached"] < 0.5


@pytest.mark.parametrize("target", [0.0, 1.0, np.nan])
def test_a_target_that_is_no_pass_rate_is_refused(fitted, target):
    with pytest.raises(InputError, match="between 0 and 1"):
        fitted[0].samples_needed(target)


def test_groups_and_models_are_fitted_by_themselves(fitted):
    _, counts, _ = fitted
    two = pd.concat([pd.DataFrame(counts).assign(model=m) for m in ("small", "large")]).assign(
        group="MATH"
    )
    rng = np.random.default_rng(0)
    # So many distinct counts that the table has the size of the other fit's.
    two.loc[two["model"] == "large", "n_correct"] = rng.binomial(100, rng.beta(16, 4, 64))
    found = bs.pass_at_k(two, k=1, method=SHORT)
    assert found.draws["group"].values.tolist() == ["MATH/small", "MATH/large"]
    rates = found.summary()["q50"].xs(THESE, level="over").droplevel("k")
    assert rates["MATH/small"] < 0.3 < 0.7 < rates["MATH/large"]


@pytest.mark.parametrize(
    ("counts", "complaint"),
    [
        ({"n_samples": [10]}, "lack the column n_correct; there are n_samples"),
        ({"n_samples": [], "n_correct": []}, "no rows"),
        (
            {"n_samples": [10, 10], "n_correct": [1, 11]},
            r"n_correct is 11 of n_samples 10 in row 1.*swapped",
        ),
        (
            {"n_samples": [10, 10], "n_correct": [1, -1]},
            r"n_correct is .*-1.* in row 1; it must be a whole number, 0 or more",
        ),
        ({"n_samples": [10.5], "n_correct": [1]}, "n_samples is .*10.5"),
        ({"n_samples": [0], "n_correct": [0]}, "n_samples is .*0.* 1 or more"),
        ({"n_samples": [10], "n_correct": [np.nan]}, "n_correct is .*nan"),
        ({"n_samples": [10], "n_correct": ["many"]}, "n_correct is .*many"),
    ],
)
def test_counts_that_are_none_are_refused(counts, complaint):
    with pytest.raises(InputError, match=complaint):
        bs.pass_at_k(counts, k=1)


@pytest.mark.parametrize("k", [0, -1, 1.5, [1, np.inf], []])
def test_a_k_that_is_no_number_of_samples_is_refused(k):
    with pytest.raises(InputError, match="not a positive whole number of samples"):
        bs.pass_at_k({"n_samples": [10], "n_correct": [1]}, k=k)


@pytest.mark.slow
@FAMILIES
def test_parameters_and_pass_rates_lie_in_their_intervals_as_often_as_they_say(rates):
    held: dict[str, list[bool]] = {}
    for seed in range(40):
        counts, p = simulated(100 + seed, 128, 100, rates)
        draws = bs.pass_at_k(counts, k=[1_000], rates=rates, method=bs.NUTS(seed=seed)).draws.isel(
            group=0
        )
        truths = CONSTANTS[rates] | {"pass_rate": np.mean(1 - (1 - p) ** 1_000)}
        for name, truth in truths.items():
            own = draws[name].sel(over=THESE, k=1_000) if name == "pass_rate" else draws[name]
            low, high = own.quantile([0.05, 0.95])
            held.setdefault(name, []).append(bool(low <= truth <= high))
    # Of forty, 31 are below what the binomial of 0.9 gives one time in a hundred.
    assert {name: sum(own) for name, own in held.items() if sum(own) < 31} == {}
