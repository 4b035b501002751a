"""`bs.check`: findings as a result."""

import bayescale as bs
from bayescale.terminal.check import Understood, print_check
from tests.findings.examples import accuracies, sweep


def test_clean_runs_are_good():
    check = bs.check(bs.datasets.simulate(seed=1))
    assert (check.verdict, check.findings, check.problems) == ("good", (), ())


def test_the_verdict_is_the_gravest_finding():
    assert bs.check(accuracies()).verdict == "refused"


def test_problems_are_what_is_worse_than_a_note():
    check = bs.check(bs.datasets.simulate(seed=1, budgets=[1e20]))
    assert [problem.code for problem in check.problems] == ["one_budget"]


def test_a_law_says_which_columns_are_looked_at():
    frame = sweep().assign(n_params=1e9)
    by_law = bs.check(bs.Runs(frame), bs.laws.PowerLaw(input="flops"))
    assert "one_size" not in by_law.summary().index
    assert "one_size" in bs.check(bs.Runs(frame)).summary().index


def test_the_page_has_each_finding_with_its_remedy(capsys):
    runs = bs.Runs(accuracies())
    print_check(Understood(runs), bs.check(runs))
    page = " ".join(capsys.readouterr().out.split())
    assert "Refused: a fit would not answer" in page
    assert "rising_metric:" in page and "1 − accuracy" in page and "(runs: all 12)" in page


def test_the_page_of_clean_runs_says_so(capsys):
    runs = bs.datasets.simulate(seed=1)
    print_check(Understood(runs), bs.check(runs))
    assert "Nothing is wrong" in capsys.readouterr().out
