"""The pairs of a law and a noise model that the contracts over both are asked of."""

from tests.conftest import _instances, law_and_noise_pairs


def test_every_law_and_every_noise_model_is_in_a_pair():
    pairs = law_and_noise_pairs()
    assert {law for law, _ in pairs} == set(_instances("bayescale.laws"))
    assert {noise for _, noise in pairs} == set(_instances("bayescale.noise"))


def test_there_are_no_more_pairs_than_that_takes():
    laws, noises = (list(_instances(f"bayescale.{kind}")) for kind in ("laws", "noise"))
    assert len(law_and_noise_pairs()) <= len(laws) + len(noises)
