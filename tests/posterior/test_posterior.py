"""The posterior: its summary, its ArviZ tree, its file, and the judgement of its chains."""

from dataclasses import replace
from functools import cache

import arviz_base
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from pandas.testing import assert_frame_equal

import bayescale as bs
from bayescale.errors import InputError
from bayescale.inference.bootstrap import Bootstrap
from bayescale.inference.multistart import MultiStart
from bayescale.inference.nuts import NUTS
from bayescale.laws import AccuracyInTokens, Chinchilla, PowerLaw
from bayescale.noise import Binomial, GroupEffects, Huber, Normal, StudentT
from bayescale.noise.base import is_likelihood
from bayescale.posterior import storage
from bayescale.posterior.diagnostics import convergence, judge
from bayescale.posterior.posterior import Posterior
from bayescale.posterior.predictive import some_draws
from bayescale.results import Complaint
from bayescale.runs import Runs
from tests.inputs import inputs_of


def stats(shape=(2, 3)):
    return {
        "diverging": np.zeros(shape, dtype=bool),
        "energy": np.random.default_rng(0).normal(size=shape),
    }


# Summary


def test_the_summary_is_numpys_over_all_chains(made_posterior):
    posterior = made_posterior(Chinchilla(), StudentT())
    summary = posterior.summary()
    assert summary.index.tolist() == ["E", "A", "B", "alpha", "beta", "sigma", "nu"]
    assert summary.index.name == "parameter"
    assert list(summary.columns) == ["mean", "sd", "q05", "q50", "q95"]
    draws = posterior.params["alpha"].ravel()
    expected = [draws.mean(), draws.std(ddof=1), *np.quantile(draws, [0.05, 0.5, 0.95])]
    np.testing.assert_allclose(summary.loc["alpha"], expected)


def test_where_a_sampler_ran_the_summary_tells_convergence(made_posterior):
    rng = np.random.default_rng(0)
    params = {name: rng.lognormal(size=(4, 200)) for name in ("E", "A", "alpha", "sigma")}
    posterior = made_posterior(PowerLaw(), Normal(), params, sample_stats=stats((4, 200)))
    summary = posterior.summary()
    assert list(summary.columns) == [
        "mean",
        "sd",
        "q05",
        "q50",
        "q95",
        "rhat",
        "ess_bulk",
        "ess_tail",
    ]
    assert summary["rhat"].between(0.99, 1.02).all()
    assert (summary["ess_bulk"] > 400).all()


def test_a_point_fit_is_one_draw_without_spread(made_posterior):
    point = made_posterior(PowerLaw(), Huber(), {"E": 1.5, "A": 9.0, "alpha": 0.1})
    assert point.n_draws == 1
    assert point.summary().loc["E"].tolist() == [1.5, 0.0, 1.5, 1.5, 1.5]


def test_draws_are_chains_one_after_the_other(made_posterior):
    posterior = made_posterior(
        PowerLaw(floor=False), Huber(), {"A": [[1.0, 2.0], [3.0, 4.0]], "alpha": np.ones((2, 2))}
    )
    assert posterior.draws("A").tolist() == [1.0, 2.0, 3.0, 4.0]
    assert posterior.n_draws == 4


def test_the_display_shows_law_runs_table_and_what_is_wrong(made_posterior):
    html = made_posterior(Chinchilla(), Normal(), problems=("The chains disagree.",))._repr_html_()
    for part in (
        "L(N, D) = E + A/N^α + B/D^β",
        "six runs",
        "⚠ The chains disagree.",
        "<table",
        "alpha",
    ):
        assert part in html


# ArviZ


@pytest.fixture(scope="module")
def with_tree(made_posterior):
    """Make a posterior of a law and a noise model with statistics of its sampler, and its tree,
    once for all tests.
    """

    @cache
    def make(law, noise):
        # One chain, as checks at the fitted runs have it, which a file holds: programs are shared.
        posterior = some_draws(made_posterior(law, noise), np.arange(6))
        posterior = replace(posterior, sample_stats=stats((1, 6)))
        return posterior, posterior.to_arviz()

    return make


def test_draws_have_dimensions_chain_and_draw(any_law, any_noise, with_tree):
    posterior, tree = with_tree(any_law, any_noise)
    group = tree["posterior"]
    coefficients = {"coefficients"} if any_noise.shared else set()
    assert (
        set(group.data_vars)
        == {p.name for p in (*any_law.parameters, *any_noise.parameters)} | coefficients
    )
    for name, values in group.data_vars.items():
        assert values.dims[:2] == ("chain", "draw")
        np.testing.assert_array_equal(
            values, posterior.coefficients if name == "coefficients" else posterior.params[name]
        )


def test_groups_are_those_that_arviz_knows(any_law, any_noise, with_tree):
    _, tree = with_tree(any_law, any_noise)
    expected = {"posterior", "sample_stats", "observed_data", "constant_data"}
    if is_likelihood(any_noise):
        expected |= {"log_likelihood", "posterior_predictive"}
        assert tree["log_likelihood"][any_law.response].dims == ("chain", "draw", "run")
        assert tree["posterior_predictive"][any_law.response].dims == ("chain", "draw", "run")
    assert set(tree.children) == expected
    assert tree["observed_data"][any_law.response].dims == ("run",)
    assert set(tree["constant_data"].data_vars) >= set(any_law.inputs)


def test_the_log_likelihood_is_the_density_of_the_loss_itself(made_posterior):
    posterior = made_posterior(
        PowerLaw(), Normal(), {"E": 1.5, "A": 9.0, "alpha": 0.1, "sigma": 0.3}
    )
    found = posterior.to_arviz()["log_likelihood"]["loss"].to_numpy()[0, 0]
    loss, flops = posterior.runs.column("loss"), posterior.runs.column("flops")
    scaled = (np.log(loss) - np.log(1.5 + 9.0 / flops**0.1)) / 0.3
    np.testing.assert_allclose(
        found, -0.5 * scaled**2 - np.log(0.3 * np.sqrt(2 * np.pi)) - np.log(loss), rtol=1e-10
    )


def test_a_known_standard_error_of_the_loss_widens_the_likelihood(made_posterior):
    params = {"E": 1.5, "A": 9.0, "alpha": 0.1, "sigma": 0.03}
    without = made_posterior(PowerLaw(), Normal(), params)
    frame = without.runs.frame.assign(loss_se=0.04 * without.runs.frame["loss"])
    with_errors = Posterior(without.law, without.noise, without.method, Runs(frame), without.params)
    wider = made_posterior(PowerLaw(), Normal(), params | {"sigma": 0.05})
    found, expected = (
        p.to_arviz()["log_likelihood"]["loss"].to_numpy() for p in (with_errors, wider)
    )
    np.testing.assert_allclose(found, expected, rtol=1e-8)


def test_predictive_draws_depend_on_the_seed_alone(made_posterior):
    posterior = made_posterior(Chinchilla(), Normal())
    one, same, other = (
        posterior.to_arviz(seed=s)["posterior_predictive"]["loss"].to_numpy() for s in (1, 1, 2)
    )
    np.testing.assert_array_equal(one, same)
    assert (one != other).all()


def test_arviz_takes_the_tree(made_posterior):
    tree = made_posterior(Chinchilla(), StudentT()).to_arviz()
    assert arviz_base.extract(tree)["alpha"].sizes == {"sample": 6}


# The file


def test_a_posterior_comes_back_from_its_file_as_it_was(
    any_law, any_noise, made_posterior, tmp_path
):
    before = made_posterior(
        any_law,
        any_noise,
        method=NUTS(chains=2, warmup=100, draws=3, seed=11),
        sample_stats=stats(),
        diagnostics={"rhat_max": 1.5, "divergences": 0.0},
        problems=(Complaint("rhat", "The chains disagree.", {"rhat_max": 1.5}),),
        objective=0.25,
        seconds={"fit": 1.5},
        provenance={"device": "cpu", "seed": "11"},
    )
    assert before.save(tmp_path / "post.nc") == tmp_path / "post.nc"
    after = bs.load(tmp_path / "post.nc")
    for name in (
        "law",
        "noise",
        "method",
        "diagnostics",
        "problems",
        "objective",
        "seconds",
        "provenance",
    ):
        assert getattr(after, name) == getattr(before, name), name
    for name in ("params", "sample_stats"):
        one, other = getattr(before, name), getattr(after, name)
        assert list(one) == list(other)
        for key in one:
            np.testing.assert_array_equal(one[key], other[key])
    if any_noise.shared:
        np.testing.assert_array_equal(before.coefficients, after.coefficients)
    for name in ("log_law", "log_departure"):
        np.testing.assert_array_equal(getattr(before, name)(), getattr(after, name)())
    new = inputs_of(any_law, [2e9, 4e9])
    np.testing.assert_array_equal(bs.forecast(before, **new).draws, bs.forecast(after, **new).draws)
    assert (after.runs.name, after.runs.source, after.runs.notes) == (
        "six runs",
        "made by hand",
        ("N counts all.",),
    )
    assert after.runs.sha256 == before.runs.sha256
    assert after.summary().equals(before.summary())


@pytest.mark.parametrize(
    "method",
    [MultiStart(starts=7), Bootstrap(replicates=9, cluster="model, size"), NUTS(seed=2**60 + 1)],
)
def test_every_method_and_its_options_come_back(made_posterior, tmp_path, method):
    made_posterior(Chinchilla(), Normal(), method=method).save(tmp_path / "post.nc")
    assert bs.load(tmp_path / "post.nc").method == method


def test_every_column_that_a_fit_may_use_comes_back(made_posterior, tmp_path):
    posterior = made_posterior(Chinchilla(), Normal())
    rows = len(posterior.runs)
    extra = {
        "flops": 1e20,
        "unique_tokens": 1e9,
        "loss_se": 0.01,
        "weight": 2.0,
        "group": list("aabbcc"),
    }
    named = posterior.runs.frame.set_axis(pd.Index([f"r{i}" for i in range(rows)], name="run_id"))
    runs = Runs.from_frame(named.assign(**extra))
    Posterior(posterior.law, posterior.noise, posterior.method, runs, posterior.params).save(
        tmp_path / "post.nc"
    )
    after = bs.load(tmp_path / "post.nc").runs.frame
    assert_frame_equal(
        after[runs.frame.columns],
        runs.frame,
        check_dtype=False,
        check_index_type=False,
        check_column_type=False,
    )


def read_by_xarray(path):
    with xr.open_datatree(path, engine="h5netcdf") as tree:
        return tree.load()


@pytest.mark.parametrize(
    ("law", "noise"),
    [
        (Chinchilla(), Huber()),
        (Chinchilla(), GroupEffects(Normal())),
        (AccuracyInTokens(), Binomial()),
    ],
    ids=["an objective", "departures and groups", "counts"],
)
def test_a_file_holds_what_arviz_would_have_written(law, noise, made_posterior, tmp_path):
    posterior = made_posterior(law, noise, sample_stats=stats())
    tree = posterior.to_arviz()
    tree.to_netcdf(tmp_path / "by_arviz.nc", engine="h5netcdf")
    by_arviz = read_by_xarray(tmp_path / "by_arviz.nc")
    ours = read_by_xarray(posterior.save(tmp_path / "post.nc"))
    assert set(ours.children) == set(by_arviz.children)
    for name, group in by_arviz.children.items():
        assert ours[name].attrs.keys() == group.attrs.keys()
        xr.testing.assert_equal(ours[name].dataset, group.dataset)
        types = {variable: values.dtype for variable, values in group.variables.items()}
        assert {variable: ours[name][variable].dtype for variable in types} == types


def test_a_file_that_xarray_wrote_gives_the_same_posterior(made_posterior, tmp_path):
    posterior = made_posterior(Chinchilla(), StudentT(), sample_stats=stats())
    read_by_xarray(posterior.save(tmp_path / "post.nc")).to_netcdf(
        tmp_path / "again.nc", engine="h5netcdf"
    )
    again = bs.load(tmp_path / "again.nc")
    assert_frame_equal(again.runs.frame, bs.load(tmp_path / "post.nc").runs.frame)
    for name, draws in (posterior.params | posterior.sample_stats).items():
        found = again.params.get(name, again.sample_stats.get(name))
        np.testing.assert_array_equal(found, draws, strict=True)


def test_a_file_takes_the_place_of_an_older_one(made_posterior, tmp_path):
    made_posterior(Chinchilla(), Normal()).save(tmp_path / "post.nc")
    made_posterior(PowerLaw(), Huber()).save(tmp_path / "post.nc")
    assert bs.load(tmp_path / "post.nc").law == PowerLaw()
    assert [path.name for path in tmp_path.iterdir()] == ["post.nc"]


def test_a_file_that_cannot_be_finished_leaves_the_older_one_and_nothing_else(
    made_posterior, tmp_path, monkeypatch
):
    posterior = made_posterior(Chinchilla(), Normal())
    posterior.save(tmp_path / "post.nc")
    older = (tmp_path / "post.nc").read_bytes()

    def full_disk(path, attributes, groups):
        path.write_bytes(b"half of it")
        raise OSError("No space left on device")

    monkeypatch.setattr(storage, "write_groups", full_disk)
    for name in ("post.nc", "other.nc"):
        with pytest.raises(OSError, match="No space left"):
            posterior.save(tmp_path / name)
    assert [path.name for path in tmp_path.iterdir()] == ["post.nc"]
    assert (tmp_path / "post.nc").read_bytes() == older


def test_a_file_has_the_permissions_of_any_new_file(made_posterior, tmp_path):
    (tmp_path / "plain").touch()
    made_posterior(PowerLaw(), Normal()).save(tmp_path / "post.nc")
    assert (tmp_path / "post.nc").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_a_folder_that_is_not_there_is_refused(made_posterior, tmp_path):
    with pytest.raises(
        InputError, match=r"There is no folder .*absent to write post.nc to; make it first"
    ):
        made_posterior(PowerLaw(), Normal()).save(tmp_path / "absent" / "post.nc")
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_not_there_is_refused_with_what_writes_one(tmp_path):
    with pytest.raises(
        InputError, match=r"There is no file .*post.nc; `bayescale fit --out post.nc` writes one"
    ):
        bs.load(tmp_path / "post.nc")


def test_a_folder_is_no_posterior(tmp_path):
    with pytest.raises(InputError, match="There is no file"):
        bs.load(tmp_path)


@pytest.mark.parametrize(
    "content",
    [b"", b"n_params,n_tokens,loss\n", bytes(range(256)) * 40],
    ids=["empty", "text", "bytes"],
)
def test_a_file_that_is_not_netcdf_is_refused(tmp_path, content):
    (tmp_path / "post.nc").write_bytes(content)
    with pytest.raises(
        InputError, match=r"post.nc is not a netCDF file .*; give what `bayescale fit --out` wrote"
    ):
        bs.load(tmp_path / "post.nc")


def test_a_truncated_file_is_refused(made_posterior, tmp_path):
    path = made_posterior(Chinchilla(), Normal()).save(tmp_path / "post.nc")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(InputError, match=r"post.nc is not a netCDF file"):
        bs.load(path)


def test_a_netcdf_file_of_another_program_is_refused(tmp_path):
    xr.Dataset({"temperature": ("day", [1.0, 2.0])}).to_netcdf(
        tmp_path / "weather.nc", engine="h5netcdf"
    )
    with pytest.raises(InputError, match=r"weather.nc is no posterior of bayescale; give what"):
        bs.load(tmp_path / "weather.nc")


def test_a_posterior_of_a_law_that_is_gone_is_refused(made_posterior, tmp_path):
    path = made_posterior(Chinchilla(), Normal()).save(tmp_path / "whole.nc")
    with xr.open_datatree(path, engine="h5netcdf") as tree:
        tree = tree.load()
    tree.attrs["law"] = tree.attrs["law"].replace("Chinchilla", "Kepler")
    tree.to_netcdf(tmp_path / "post.nc", engine="h5netcdf")
    with pytest.raises(InputError, match=r"bayescale.laws has no dataclass Kepler"):
        bs.load(tmp_path / "post.nc")


# The judgement of chains


def table(rhat=1.0, ess_bulk=1000.0, ess_tail=1000.0):
    good = {"rhat": [1.0, 1.0], "ess_bulk": [1000.0, 1000.0], "ess_tail": [1000.0, 1000.0]}
    frame = pd.DataFrame(good, index=["alpha", "beta"])
    frame.loc["beta"] = [rhat, ess_bulk, ess_tail]
    return frame


def test_chains_that_agree_are_passed_without_a_word():
    worst, problems = judge(table(rhat=1.009, ess_bulk=401.0, ess_tail=400.0), divergences=0)
    assert worst == {
        "rhat_max": 1.009,
        "ess_bulk_min": 401.0,
        "ess_tail_min": 400.0,
        "divergences": 0.0,
    }
    assert problems == ()


@pytest.mark.parametrize(
    ("broken", "divergences", "complaint"),
    [
        (
            {"rhat": 1.011},
            0,
            "R-hat of beta is 1.011, above 1.01: the chains disagree. Use more warm-up",
        ),
        (
            {"ess_bulk": 399.0},
            0,
            "effective bulk sample size of beta is 399, below 400: intervals are rough. Use more "
            "draws",
        ),
        ({"ess_tail": 12.0}, 0, "effective tail sample size of beta is 12, below 400"),
        ({}, 3, "3 divergent transitions: part of the posterior was not explored"),
        ({"rhat": np.nan}, 0, "R-hat of beta is inf, above 1.01"),
        ({"ess_bulk": np.nan}, 0, "effective bulk sample size of beta is 0, below 400"),
    ],
)
def test_each_broken_limit_is_one_sentence_that_says_what_to_do(broken, divergences, complaint):
    _, problems = judge(table(**broken), divergences)
    assert len(problems) == 1
    assert complaint in str(problems[0])


def test_every_broken_limit_is_told():
    assert len(judge(table(rhat=2.0, ess_bulk=3.0, ess_tail=3.0), divergences=1)[1]) == 4


def test_chains_too_short_to_judge_are_complained_of():
    short = convergence({"alpha": np.random.default_rng(0).normal(size=(1, 2))})
    _, problems = judge(short, divergences=0)
    assert problems


def test_chains_that_disagree_are_seen_in_r_hat():
    rng = np.random.default_rng(0)
    apart = rng.normal(size=(4, 500)) + 3.0 * np.arange(4)[:, None]
    found = convergence({"apart": apart, "together": rng.normal(size=(4, 500))})
    assert found.loc["apart", "rhat"] > 1.5
    assert found.loc["together", "rhat"] < 1.01
    assert found.loc["apart", "ess_bulk"] < 100 < found.loc["together", "ess_bulk"]
