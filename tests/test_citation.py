"""`cite` names the papers and data behind a result."""

import re

import pytest

import bayescale as bs
from bayescale._internal.discovery import entry, names
from bayescale.citation import references
from bayescale.errors import InputError

PACKAGES = (
    "bayescale.laws",
    "bayescale.priors",
    "bayescale.noise",
    "bayescale.processes",
    "bayescale.inference",
)


def test_every_paper_of_ours_is_a_reference_with_authors_year_and_title():
    bad = []
    for package in PACKAGES:
        for name in names(package):
            paper = entry(package, name).paper
            found = references(paper)
            whole = len(found) == len(paper.split("; ")) if paper else True
            if not whole or not all(one.authors and one.title for one in found):
                bad.append(f"{name}: {paper}")
    assert not bad


def test_a_posterior_cites_its_law_noise_processes_method_data_and_this_software(made_posterior):
    noise = bs.noise.Discrepancy(bs.noise.StudentT(nu=4.0), (bs.processes.Matern(),))
    posterior = made_posterior(bs.laws.Chinchilla(), noise)
    told = bs.cite(posterior)
    for reason in (
        "% Law chinchilla",
        "% Noise model discrepancy",
        "% Noise model student_t",
        "% Process matern",
        "% Method nuts",
        "% This software",
    ):
        assert reason in told, reason
    assert "eprint = {2203.15556}" in told


def test_a_law_with_a_prior_that_was_published_cites_it():
    told = bs.cite(bs.laws.Coupled())
    assert "% Law coupled" in told
    assert "% Prior library" in told
    assert "@misc{efron2010prediction," in told
    assert "% Prior" not in bs.cite(bs.laws.Coupled(bs.priors.Separate()))


def test_every_entry_has_a_key_of_its_own(made_posterior):
    told = "".join(bs.cite(entry("bayescale.laws", name)()) for name in names("bayescale.laws"))
    papers = set(re.findall(r"(@misc\{\w+,\n.*?\n\})", told, flags=re.DOTALL))
    keys = [re.match(r"@misc\{(\w+),", paper)[1] for paper in papers]
    assert len(set(keys)) == len(keys)


def test_a_paper_of_two_parts_is_cited_once_for_both():
    told = bs.cite(bs.noise.GroupEffects(bs.noise.Normal()))
    assert told.count("@misc{lindley1972model,") == 1
    assert "% Noise model group_effects, Process shared_effect" in told


def test_data_of_the_catalogue_are_cited_by_their_authors():
    told = bs.cite(bs.datasets.load("dey2023_pile"))
    assert "% Data dey2023_pile" in told
    assert "author = {Dey and others}" in told
    assert "eprint = {2304.03208}" in told


def test_runs_of_the_users_own_are_not_cited():
    assert bs.cite(bs.datasets.simulate(seed=1)).count("@") == 1


def test_what_holds_no_posterior_is_refused():
    with pytest.raises(InputError, match="cite: a float holds no posterior; give the posterior"):
        bs.cite(1.0)
