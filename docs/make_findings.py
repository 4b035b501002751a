"""Write findings.md, the list of what is found about runs before a fit, from the rules' files.

Run ``python docs/make_findings.py``.
"""

from pathlib import Path

from bayescale.findings import rules
from bayescale.findings.base import SEVERITIES, Rule

PAGE = Path(__file__).with_name("findings.md")

_HEAD = """# Findings about runs

Made from `bayescale/findings/` by `docs/make_findings.py`.

`bs.check(runs)` looks at a table before any fit, in well under a second, and returns findings. \
Each has a `code`, a `severity`, a `sentence` with its numbers, the run ids it is about (`rows`), \
and a `remedy`. `bs.fit` asks the same of the columns that its law takes.

```python
import bayescale as bs

one_budget = bs.datasets.simulate(seed=1, budgets=[1e20])
for finding in bs.check(one_budget).findings:
    print(finding.code, finding.severity, finding.remedy)
```

## Three verdicts

`Posterior.verdicts` says of an answer what speaks against its **data** (these findings), its \
**model** and its **sampling**. An answer is good where all three are. They stand on the page of \
`bayescale fit`, in its `--json` under `verdicts`, and in the report of `bayescale plan --html`.

- *Data*: good where no finding is doubtful. Notes do not count. A fit adds `unlike_library` where \
losses fall as in no sweep of [the library prior](library_prior.md).
- *Model*: posterior predictive checks. Residuals along each input, of budgets, of groups, of \
neighbours, and the farthest run are compared with those of runs that the model makes up. A misfit \
with a probability below 0.005 is doubtful, and named with its runs; where there is none, the \
largest is a note. A point fit has no draws, so that a misfit must be larger to show.
- *Sampling*: the method's diagnostics, `Posterior.problems`.

Exit codes of `fit` and `plan`: 0 answered; 1 refused; 3 the sampling's diagnostics failed; 4 with \
`--strict`, the data or the model are doubtful. Without `--strict` doubts do not change the code, \
so that a pipeline which reads the answer goes on.

| code of a misfit | of |
| --- | --- |
| `residuals_along_INPUT` | means of fifths of the runs, in the order of an input of the law |
| `residuals_by_budget` | means of compute budgets |
| `residuals_by_group` | means of the groups of the column `group` |
| `residuals_of_neighbours` | runs next to each other along the law's last input, off likewise |
| `largest_residual` | the run that lies farthest off |
"""
_TITLES = {
    "refused": "Refused: these runs are not fitted",
    "doubtful": "Doubtful: fitted, and said beside the answer",
    "note": "Notes: the answer may be good",
}


def page() -> str:
    """Return the text of the page: a section for each severity."""
    parts = [_HEAD]
    for severity in SEVERITIES:
        parts.append(f"## {_TITLES[severity]}\n")
        parts += [_section(rule) for rule in rules() if rule.severity == severity]
    return "\n".join(parts)


def _section(rule: Rule) -> str:
    return f"### `{rule.code}`\n\n{rule.meaning}\n\n*What to do.* {rule.remedy}\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
