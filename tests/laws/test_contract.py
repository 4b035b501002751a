"""Every scaling law keeps the contract: a new file in bayescale/laws is tested here without
registering it.

Whatever needs the compiler is computed once for a law, by one compiled program (`computed`), at the
same points for every law.
"""

import re
from functools import cache
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
import pytest
from numpyro.distributions.transforms import biject_to

from bayescale._internal.compiling import Use
from bayescale._internal.discovery import describe, entry, names
from bayescale._internal.precision import float64
from bayescale.errors import InputError
from bayescale.laws.base import ROLES, STAGES, SYMBOLS, Law, unit_of
from bayescale.laws.farseer import Farseer
from bayescale.responses import RESPONSES
from bayescale.sweep import Sweep
from tests.laws.written import value_of

# Random points at which a formula is computed, of different constants each.
POINTS = 120


def constrain_some(law, seed, shape=()):
    """Constants, positive but for those that may have either sign, at which no term is negligible
    at inputs near one.
    """
    rng = np.random.default_rng(seed)
    return {
        p.name: rng.uniform(-0.5, 0.5, size=shape)
        if signed(p)
        else np.exp(rng.uniform(-1.0, 0.5, size=shape))
        for p in law.parameters
    }


def signed(parameter):
    """Return whether a parameter may have either sign."""
    return parameter.prior.support is dist.constraints.real


def constants_at(law, coordinates):
    """Constants from logarithms of what is fitted, or from that itself where it may have either
    sign.
    """
    fitted = {
        p.name: biject_to(p.prior.support)(c)
        for p, c in zip(law.coordinates, coordinates, strict=True)
    }
    return law.from_coordinates(fitted, Sweep())


def log_inputs_of(law, seed, shape=()):
    rng = np.random.default_rng(seed + 1)
    # A power of a power soon leaves the range of numbers.
    far = 1.0 if isinstance(law, Farseer) else 3.0
    return {name: centre_of(law, name) + rng.uniform(-far, far, size=shape) for name in law.inputs}


def centre_of(law, name):
    """Return the logarithm of an input where it is one in the units of the law, or of equal
    shares.
    """
    if name.startswith("share_"):
        return -np.log(len(law.inputs))
    return np.log(law.reference_tokens) if isinstance(law, Farseer) and name == "n_tokens" else 0.0


def by_formula(law, params, log_inputs, log_loss):
    """The response on its scale from the formula that people are shown; where that is an equation
    that L solves, log L plus what is amiss.
    """
    equation, *definitions = law.formula.split("; ")
    inputs = {name: np.exp(values) for name, values in log_inputs.items()}
    known = {
        **inputs,
        **{SYMBOLS[name]: inputs[name] for name in inputs if name in SYMBOLS},
        **params,
    }
    # What stands later may be used before.
    for definition in reversed(definitions):
        name, _, value = definition.partition(" = ")
        known[name] = value_of(value, known)
    left, _, right = equation.partition(" = ")
    if equation_gives(law):
        return RESPONSES[law.response].to_scale(value_of(right, known))
    left, right = (value_of(side, {**known, "L": np.exp(log_loss)}) for side in (left, right))
    return log_loss + np.log(right) - np.log(left)


def equation_gives(law):
    """Return whether the formula gives the response, and is not an equation to be solved for it."""
    return re.match(r"^\w+\(", law.formula) is not None


def tolerance(law):
    """Return the tolerance of a loss by the formula: an equation that is solved for L takes
    differences of nearly equal losses.
    """
    exact = equation_gives(law) and "E_z" not in law.formula
    return dict.fromkeys(("rtol", "atol"), 1e-12 if exact else 1e-8)


@cache
@float64
def computed(law):
    """Return all that the contracts ask of a law's own functions, by one compiled program.

    Attributes of the result
    ------------------------
    predicted, mapped : array, shape (points,)
        `Law.predict` at ``params`` and ``log_inputs``, over arrays and under ``jax.vmap``.
    broadcast, alone : array, shapes (5, 3) and ()
        Of draws, shape (5, 1), and runs, shape (3,); and of the last of both.
    undone : array, shape (coordinates, points)
        `Law.recorrelate` of `Law.decorrelate` of ``logs``.
    slopes : array, shape (10, coordinates, coordinates)
        Jacobians of `Law.decorrelate` at ten of ``logs``.
    extremes : list of (value, slopes)
        `Law.predict` and its gradient where every power would over- or underflow.
    """
    k = len(law.coordinates)
    given = {
        "params": constrain_some(law, 0, (POINTS,)),
        "log_inputs": log_inputs_of(law, 0, (POINTS,)),
        "draws": constrain_some(law, 1, (5, 1)),
        "runs": log_inputs_of(law, 1, (3,)),
        "logs": np.random.default_rng(2).normal(0.0, 2.0, size=(k, POINTS)),
        "extremes": extremes_of(law),
    }

    def functions(params, log_inputs, draws, runs, logs, extremes):
        last_draw = {name: values[4, 0] for name, values in draws.items()}
        last_run = {name: values[2] for name, values in runs.items()}
        constants, places = extremes
        return {
            "predicted": law.predict(params, log_inputs),
            "mapped": jax.vmap(law.predict)(params, log_inputs),
            "broadcast": law.predict(draws, runs),
            "alone": law.predict(last_draw, last_run),
            "undone": jnp.stack(law.recorrelate(law.decorrelate(list(logs)))),
            "slopes": jax.vmap(jax.jacobian(lambda at: jnp.stack(law.decorrelate(list(at)))))(
                logs[:, :10].T
            ),
            "extremes": [
                jax.value_and_grad(law.predict)(constants, log_inputs) for log_inputs in places
            ],
        }

    program = jax.jit(functions, compiler_options=Use.BRIEF.options)
    found = jax.device_get(program(**given))
    return SimpleNamespace(**given | found)


def extremes_of(law):
    """Constants and two places at which every power would over- or underflow."""
    # What may have either sign enters as it is, and is as large as its constants make it.
    huge, steep, far = (1.0, 1.0, 3.0) if any(map(signed, law.parameters)) else (1e300, 40.0, 50.0)
    constants = {p.name: steep if p.role == "exponent" else huge for p in law.parameters}
    return constants, [dict.fromkeys(law.inputs, place) for place in (-far, far)]


def test_it_is_declared_a_law(any_law):
    assert isinstance(any_law, Law)


def test_it_says_what_it_is_and_whose(any_law):
    assert any_law.title
    assert any_law.stage in STAGES
    assert re.search(r"\b(19|20)\d\d\b", any_law.paper), "the paper's year"
    assert len(any_law.inputs) >= 1


def test_equal_options_make_equal_laws_so_that_they_share_compiled_kernels(any_law):
    again = type(any_law)(**vars(any_law))
    assert again == any_law
    assert hash(again) == hash(any_law)


def test_names_of_parameters_are_unique_and_beside_those_of_any_noise(any_law):
    for noise in (entry("bayescale.noise", name)() for name in names("bayescale.noise")):
        both = [p.name for p in (*any_law.parameters, *noise.parameters)]
        assert len(set(both)) == len(both), describe(noise)


def test_every_parameter_has_a_prior_and_says_what_it_means(any_law):
    for parameter in any_law.parameters:
        assert isinstance(parameter.prior, dist.Distribution), parameter.name
        assert len(parameter.doc) > 10, parameter.name
        assert parameter.role in ROLES, parameter.name


def test_every_prior_has_density_at_points_of_its_support(any_law):
    for parameter in any_law.parameters:
        points = biject_to(parameter.prior.support)(jnp.linspace(-3.0, 3.0, 5))
        assert np.isfinite(parameter.prior.log_prob(points)).all(), parameter.name


def test_the_code_computes_the_formula_that_people_are_shown(any_law):
    at = computed(any_law)
    expected = by_formula(any_law, at.params, at.log_inputs, at.predicted)
    np.testing.assert_allclose(at.predicted, expected, **tolerance(any_law))


def test_the_terms_that_a_law_declares_if_any_add_up_to_its_loss(any_law):
    at = computed(any_law)
    terms = [
        at.params[term.level]
        if term.exponent is None
        else at.params[term.level] * np.exp(-at.params[term.exponent] * at.log_inputs[term.input])
        for term in any_law.terms
    ]
    if terms:
        np.testing.assert_allclose(at.predicted, np.log(sum(terms)), **tolerance(any_law))


def test_draws_and_runs_broadcast(any_law):
    at = computed(any_law)
    assert at.broadcast.shape == (5, 3)
    assert at.broadcast[4, 2] == pytest.approx(float(at.alone), rel=1e-14)


@float64
def test_compiled_or_over_a_batch_it_computes_what_it_computes_plainly(any_law):
    at = computed(any_law)
    plain = any_law.predict(at.params, at.log_inputs)
    for transformed in (at.predicted, at.mapped):
        np.testing.assert_allclose(transformed, plain, rtol=1e-12, atol=1e-12)


def test_one_process_can_trace_it_in_both_precisions(any_law):
    params = {p.name: np.float64(1.3) for p in any_law.parameters}
    # JAX keeps what it traced by shapes, so those of the other order are others.
    for runs, order in ((2, (False, True)), (3, (True, False))):
        log_inputs = {name: np.ones(runs) for name in any_law.inputs}
        traced = [
            trace_in(double, lambda c, at=log_inputs: any_law.predict(c, at), params)
            for double in order
        ]
        assert traced == [np.float64 if double else np.float32 for double in order]


def trace_in(double, function, params):
    """Return the type that a function gives in float64 or in float32, without compiling it."""
    with jax.enable_x64(double):
        return jax.jit(function).lower(params).out_info.dtype


@float64
def test_more_of_what_a_law_declares_never_raises_its_loss(any_law):
    params = constrain_some(any_law, 0, (POINTS, 1))
    elsewhere = log_inputs_of(any_law, 0, (POINTS, 1))
    centre = {name: centre_of(any_law, name) for name in any_law.inputs}
    for name in any_law.decreasing_in:
        rising = {name: centre[name] + np.linspace(-5.0, 5.0, 21)}
        anywhere, at_centre = (
            np.asarray(any_law.predict(params, others | rising)) for others in (elsewhere, centre)
        )
        # To rounding: far out every law is flat.
        assert (np.diff(anywhere, axis=-1) <= 1e-14).all()
        assert (at_centre[:, -1] < at_centre[:, 0]).all()
        # Elsewhere there may be as many unique tokens as any law can use.
        falls = (anywhere[:, -1] < anywhere[:, 0]).all()
        assert falls or "unique_tokens" in any_law.inputs


@float64
def test_rescaled_constants_give_the_same_loss_in_counts_and_nats(any_law):
    params = constrain_some(any_law, 0, (POINTS, 1))
    log_inputs = log_inputs_of(any_law, 0, (POINTS, 4))
    units = np.random.default_rng(4).uniform(-40.0, 40.0, size=(12, POINTS, 1))
    # The ends of the range too, and units of one.
    units[:, :3, 0] = (-40.0, 0.0, 40.0)
    own = dict(zip((*any_law.inputs, any_law.response), units, strict=False))
    log_unit = {
        name: np.zeros((POINTS, 1))
        if name in any_law.unscaled_inputs
        else own[unit_of(name, any_law.inputs)]
        for name in own
    }
    if not RESPONSES[any_law.response].centred:
        log_unit[any_law.response] = np.zeros((POINTS, 1))
    rescaled = any_law.rescale(params, {name: np.exp(value) for name, value in log_unit.items()})
    in_counts = any_law.predict(
        rescaled, {name: values + log_unit[name] for name, values in log_inputs.items()}
    )
    in_units = any_law.predict(params, log_inputs) + log_unit[any_law.response]
    np.testing.assert_allclose(in_counts, in_units, rtol=1e-10, atol=1e-10)


def test_units_of_one_change_no_constant(any_law):
    params = constrain_some(any_law, 0)
    rescaled = any_law.rescale(params, dict.fromkeys((*any_law.inputs, any_law.response), 1.0))
    assert list(rescaled) == list(params)
    np.testing.assert_allclose(
        list(rescaled.values()), list(params.values()), rtol=1e-6, atol=1e-12
    )


def test_recorrelating_undoes_decorrelating(any_law):
    at = computed(any_law)
    assert len(any_law.decorrelate(list(at.logs))) == len(at.logs)
    np.testing.assert_allclose(at.undone, at.logs, rtol=1e-10, atol=1e-10)


def test_decorrelating_preserves_volume(any_law):
    volumes = abs(np.linalg.det(computed(any_law).slopes))
    np.testing.assert_allclose(volumes, 1.0, rtol=1e-9)


@float64
def test_loss_at_the_centre_is_a_straight_coordinate(any_law):
    logs = np.random.default_rng(0).normal(0.0, 1.0, size=len(any_law.coordinates))
    of_shares = any_law.inputs[0].startswith("share_")
    if set(any_law.inputs) <= set(any_law.unscaled_inputs) and not of_shares:
        # What is counted one by one has no centre to be at.
        assert any_law.decorrelate(list(logs)) == list(logs)
        return
    params = constants_at(any_law, logs)
    log_inputs = {name: centre_of(any_law, name) for name in any_law.inputs}
    # The centre of the data's tokens says nothing of how many of them are unique: none of them is
    # seen again there. Beside counts, a share is of a format that no run of the centre has.
    log_inputs |= dict.fromkeys({"unique_tokens"} & set(any_law.inputs), 800.0)
    if not of_shares:
        log_inputs |= {name: -800.0 for name in log_inputs if name.startswith("share_")}
    at_centre = any_law.predict(params, log_inputs)
    assert float(any_law.decorrelate(list(logs))[0]) == pytest.approx(float(at_centre), rel=1e-12)


@pytest.mark.parametrize(
    ("law", "published"),
    [
        pytest.param(law, published, id=f"{describe(law)}-{published.source}")
        for law in (entry("bayescale.laws", name)() for name in names("bayescale.laws"))
        for published in law.published
    ],
)
@float64
def test_published_constants_give_a_plausible_loss(law, published):
    frontier = {
        "n_params": 70e9,
        "n_tokens": 1.4e12,
        "flops": 5.88e23,
        "unique_tokens": 1.4e12,
        "loss": 2.0,
    }
    plausible = {
        "loss": (1.0, 3.0),
        "error": (0.2, 0.6),
        "learning_rate": (1e-5, 1e-3),
        "batch_tokens": (1e6, 1e7),
    }
    assert re.search(r"\b20\d\d\b", published.source)
    on_scale = law.predict(
        published.params, {name: np.log(value) for name, value in frontier.items()}
    )
    least, most = plausible[law.response]
    assert least < float(RESPONSES[law.response].from_scale(on_scale)) < most


def test_slopes_are_finite_where_every_power_would_over_or_underflow(any_law):
    for value, slopes in computed(any_law).extremes:
        assert np.isfinite(value)
        assert all(np.isfinite(slope) for slope in slopes.values())


def test_what_a_law_predicts_is_refused_as_its_input():
    laws = [entry("bayescale.laws", name) for name in names("bayescale.laws")]
    with_input = [law for law in laws if hasattr(law, "input")]
    assert len(with_input) >= 5
    for law in with_input:
        with pytest.raises(InputError, match=f"input={law.response} is what the law predicts"):
            law(input=law.response)
