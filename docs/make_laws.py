"""Write laws.md, the table of all laws, from the files of the laws.

Run ``python docs/make_laws.py``.
"""

from pathlib import Path

from bayescale._internal.discovery import entry, names
from bayescale.laws.base import STAGES, Law

PAGE = Path(__file__).with_name("laws.md")

_HEAD = """# Laws

Made from `bayescale/laws/` by `docs/make_laws.py`. `bayescale laws show NAME` adds priors, \
options and published constants.
"""
_COLUMNS = ("law", "formula", "predicts", "from", "parameters", "paper")


def page() -> str:
    """Return the text of the page: a table for each stage."""
    laws = {name: entry("bayescale.laws", name)() for name in names("bayescale.laws")}
    parts = [_HEAD]
    for stage in STAGES:
        lines = [
            f"## {stage.capitalize()}",
            "",
            _line(_COLUMNS),
            "| --- " * len(_COLUMNS) + "|",
        ]
        for name, law in laws.items():
            if law.stage == stage:
                lines.append(_row(name, law))
        parts.append("\n".join(lines) + "\n")
    return "\n".join(parts)


def _row(name: str, law: Law) -> str:
    parameters = ", ".join(f"`{parameter.name}`" for parameter in law.parameters)
    inputs = ", ".join(f"`{column}`" for column in law.inputs)
    formula = law.formula.replace("; ", "<br>")
    return _line((f"`{name}`", formula, f"`{law.response}`", inputs, parameters, law.paper))


def _line(cells: tuple[str, ...]) -> str:
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
