"""Write laws.md, the table of all laws, from the files of the laws: ``python docs/make_laws.py``."""

from pathlib import Path

from bayescale._internal.discovery import entry, names
from bayescale.laws.base import STAGES, Law

PAGE = Path(__file__).with_name("laws.md")

_HEAD = """# Laws

Made from `bayescale/laws/` by `docs/make_laws.py`. `bayescale laws show NAME` adds priors, options and published constants.
"""


def page() -> str:
    """The whole page: a table for each stage."""
    laws = {name: entry("bayescale.laws", name)() for name in names("bayescale.laws")}
    parts = [_HEAD]
    for stage in STAGES:
        rows = [_row(name, law) for name, law in laws.items() if law.stage == stage]
        head = f"## {stage.capitalize()}\n\n| law | formula | predicts | from | parameters | paper |\n{'| --- ' * 6}|"
        parts.append("\n".join([head, *rows]) + "\n")
    return "\n".join(parts)


def _row(name: str, law: Law) -> str:
    parameters = ", ".join(f"`{parameter.name}`" for parameter in law.parameters)
    inputs = ", ".join(f"`{column}`" for column in law.inputs)
    return f"| `{name}` | {law.formula.replace('; ', '<br>')} | `{law.response}` | {inputs} | {parameters} | {law.paper} |"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
