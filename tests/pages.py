"""Pages of the documentation, for tests that follow them."""

import re
from pathlib import Path

DOCS = Path(__file__).parents[1] / "docs"


def code_of(page: str) -> str:
    """The one piece of Python on a page."""
    (code,) = re.findall(r"```python\n(.*?)```", page, flags=re.DOTALL)
    return str(code)
