"""`bayescale laws`: the list, and one law."""


def test_laws_list_names_every_law(bayescale):
    from bayescale._internal.discovery import names

    listed = bayescale("laws", "list").stdout
    assert all(name in listed for name in names("bayescale.laws"))


def test_laws_show_gives_formula_priors_paper_and_published_constants(bayescale):
    shown = bayescale("laws", "show", "chinchilla").stdout
    for fact in (
        "E + A/N^α + B/D^β",
        "LogNormal(-0.5, 0.7)",
        "arXiv:2203.15556",
        "0.3478",
        "units of the data",
    ):
        assert fact in shown


def test_laws_show_takes_options(bayescale):
    assert "B/D^α" in bayescale("laws", "show", "chinchilla:tied=true").stdout


def test_laws_show_gives_the_numbers_that_a_joint_prior_is_of(bayescale):
    shown = bayescale("laws", "show", "coupled").stdout
    for fact in ("prior=library", "floor_log_odds", "dearest runs"):
        assert fact in shown
    assert "LogNormal" not in shown
    assert "LogNormal(-0.3, 0.5)" in bayescale("laws", "show", "coupled:prior=separate").stdout
