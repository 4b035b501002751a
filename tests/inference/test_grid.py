"""`Grid`: the posterior that a Markov chain finds, independently drawn, and honest about the range
of its exponents.
"""

import numpy as np
import pytest

import bayescale as bs
from bayescale._internal.discovery import describe, parse
from tests.inference.conftest import discrepancies


@pytest.fixture(scope="module")
def normal(sweep: bs.Runs) -> bs.Posterior:
    return bs.fit(sweep, law=bs.laws.Chinchilla(), noise=bs.noise.Normal(), method=bs.Grid())


@pytest.fixture(scope="module")
def student_t(sweep: bs.Runs) -> bs.Posterior:
    return bs.fit(sweep, law=bs.laws.Chinchilla(), noise=bs.noise.StudentT(), method=bs.Grid())


def test_it_agrees_with_nuts_within_monte_carlo_error(
    normal: bs.Posterior, chains: bs.Posterior
) -> None:
    assert normal.problems == ()
    assert max(map(abs, discrepancies(chains, normal).values())) < 4


@pytest.mark.slow
def test_it_agrees_with_nuts_under_heavy_tails_too(sweep: bs.Runs, student_t: bs.Posterior) -> None:
    chains = bs.fit(sweep, law=bs.laws.Chinchilla(), noise=bs.noise.StudentT(), method=bs.NUTS())
    assert student_t.problems == ()
    assert max(map(abs, discrepancies(chains, student_t).values())) < 4


def test_its_evidence_is_that_of_importance_sampling(sweep: bs.Runs, normal: bs.Posterior) -> None:
    importance = bs.fit(
        sweep, law=bs.laws.Chinchilla(), noise=bs.noise.Normal(), method=bs.Importance()
    )
    assert normal.diagnostics["log_evidence"] == pytest.approx(
        importance.diagnostics["log_evidence"], abs=0.05
    )


@pytest.mark.slow
def test_its_evidence_is_that_of_importance_sampling_under_heavy_tails_too(
    sweep: bs.Runs, student_t: bs.Posterior
) -> None:
    importance = bs.fit(
        sweep, law=bs.laws.Chinchilla(), noise=bs.noise.StudentT(), method=bs.Importance()
    )
    assert student_t.diagnostics["log_evidence"] == pytest.approx(
        importance.diagnostics["log_evidence"], abs=0.05
    )


def test_most_proposals_count_under_normal_noise(normal: bs.Posterior) -> None:
    assert normal.diagnostics["ess_importance"] > 0.6 * 8 * 4000
    assert normal.diagnostics["pareto_k"] < 0.5


@pytest.mark.slow
def test_two_exponents_held_together_are_a_line_of_nodes(sweep: bs.Runs) -> None:
    tied, noise = bs.laws.Chinchilla(tied=True), bs.noise.Normal()
    chains, grid = (
        bs.fit(sweep, law=tied, noise=noise, method=method) for method in (bs.NUTS(), bs.Grid())
    )
    assert "beta" not in grid.params
    assert max(map(abs, discrepancies(chains, grid).values())) < 4


@pytest.fixture(scope="module")
def few(sweep: bs.Runs) -> bs.Posterior:
    """A grid of few draws."""
    return bs.fit(
        sweep, law=bs.laws.Chinchilla(), noise=bs.noise.Normal(), method=bs.Grid(draws=500)
    )


def test_draws_come_in_one_chain_of_the_number_asked_for(few: bs.Posterior) -> None:
    assert few.params["alpha"].shape == (1, 500)


def test_even_one_draw_may_be_asked_for(sweep: bs.Runs) -> None:
    assert (
        bs.fit(
            sweep, law=bs.laws.Chinchilla(), noise=bs.noise.Normal(), method=bs.Grid(draws=1)
        ).n_draws
        == 1
    )


def test_the_same_seed_gives_the_same_draws_whatever_the_order_of_the_rows(
    sweep: bs.Runs, few: bs.Posterior
) -> None:
    shuffled = bs.Runs.from_frame(sweep.frame.sample(frac=1, random_state=1))
    again = bs.fit(shuffled, law=bs.laws.Chinchilla(), noise=few.noise, method=few.method)
    for name in few.params:
        np.testing.assert_array_equal(few.params[name], again.params[name])


def test_another_seed_gives_other_draws_and_nearly_the_same_evidence(
    sweep: bs.Runs, few: bs.Posterior
) -> None:
    other = bs.fit(
        sweep, law=bs.laws.Chinchilla(), noise=few.noise, method=bs.Grid(draws=500, seed=1)
    )
    assert not np.intersect1d(few.draws("alpha"), other.draws("alpha")).size
    assert few.diagnostics["log_evidence"] == pytest.approx(
        other.diagnostics["log_evidence"], abs=0.05
    )


def test_a_coarse_grid_gives_the_same_posterior_as_a_fine_one(
    sweep: bs.Runs, normal: bs.Posterior
) -> None:
    coarse = bs.fit(
        sweep, law=bs.laws.Chinchilla(), noise=bs.noise.Normal(), method=bs.Grid(nodes=32)
    )
    assert coarse.problems == ()
    for name in normal.params:
        fine, rough = normal.draws(name), coarse.draws(name)
        assert rough.mean() == pytest.approx(fine.mean(), abs=4 * np.sqrt(2 / 4000) * fine.std())
        assert rough.std() == pytest.approx(fine.std(), rel=0.1)


@pytest.mark.parametrize(
    "noise",
    [
        pytest.param(bs.noise.Normal(), id="normal"),
        pytest.param(bs.noise.StudentT(), id="student_t", marks=pytest.mark.slow),
    ],
)
def test_no_draw_leaves_the_range_and_mass_at_its_end_is_a_problem(
    sweep: bs.Runs, normal: bs.Posterior, noise: bs.noise.Normal
) -> None:
    middle = float(np.median(normal.draws("alpha")))
    with pytest.warns(bs.FitWarning, match=r"at the end of the range of exponents; widen it"):
        half = bs.fit(
            sweep,
            law=bs.laws.Chinchilla(),
            noise=noise,
            method=bs.Grid(nodes=32, alpha=(0.1, middle), draws=500),
        )
    assert half.draws("alpha").max() <= middle
    assert any("widen it" in str(problem) for problem in half.problems)


def test_a_range_that_leaves_out_what_hardly_counts_is_no_problem(
    sweep: bs.Runs, normal: bs.Posterior
) -> None:
    alpha, beta = normal.draws("alpha"), normal.draws("beta")
    ranges = [(float(x.mean() - 5 * x.std()), float(x.mean() + 6 * x.std())) for x in (alpha, beta)]
    narrow = bs.fit(
        sweep,
        law=bs.laws.Chinchilla(),
        noise=bs.noise.Normal(),
        method=bs.Grid(alpha=ranges[0], beta=ranges[1]),
    )
    assert narrow.problems == ()
    assert narrow.diagnostics["log_evidence"] == pytest.approx(
        normal.diagnostics["log_evidence"], abs=0.02
    )


@pytest.mark.parametrize("nodes", [32, 512])
def test_a_tail_cut_off_is_a_problem_however_fine_the_grid(
    sweep: bs.Runs, normal: bs.Posterior, nodes: int
) -> None:
    cut = float(np.quantile(normal.draws("beta"), 0.97))
    with pytest.warns(bs.FitWarning, match="widen it"):
        bs.fit(
            sweep,
            law=bs.laws.Chinchilla(),
            noise=bs.noise.Normal(),
            method=bs.Grid(nodes=nodes, beta=(0.01, cut), draws=500),
        )


def test_a_law_without_a_constant_is_refused_with_the_method_to_use(sweep: bs.Runs) -> None:
    with pytest.raises(
        bs.InputError, match=r"L\(C\) = A/C\^α \(power_law\) is none\. Use NUTS\(\) as the method"
    ):
        bs.fit(sweep, law=bs.laws.PowerLaw(floor=False), noise=bs.noise.Normal(), method=bs.Grid())


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"nodes": 4}, "grid: nodes=4 must be at least 8"),
        ({"draws": 0}, "draws=0 at least 1"),
        (
            {"alpha": (0.0, 1.0)},
            r"grid: alpha=\(0, 1\) must be a range of positive numbers, such as \(0.01, 1.5\)",
        ),
        ({"beta": (0.9, 0.1)}, r"grid: beta=\(0.9, 0.1\) must be a range"),
        ({"beta": (0.1, float("inf"))}, r"grid: beta=\(0.1, inf\) must be a range"),
        ({"alpha": (float("nan"), 1.0)}, r"grid: alpha=\(nan, 1\) must be a range"),
    ],
)
def test_options_that_cannot_be_are_refused(
    sweep: bs.Runs, options: dict[str, int], complaint: str
) -> None:
    with pytest.raises(bs.InputError, match=complaint):
        bs.fit(sweep, law=bs.laws.Chinchilla(), noise=bs.noise.Normal(), method=bs.Grid(**options))


def test_its_ranges_are_written_with_two_dots() -> None:
    method = bs.Grid(nodes=64, alpha=(0.1, 0.9))
    assert describe(method) == "grid:nodes=64,alpha=0.1..0.9"
    assert parse("bayescale.inference", "grid:nodes=64,alpha=0.1..0.9") == method
