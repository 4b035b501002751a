"""Source files of the project, each parsed once for all the questions that are asked of it."""

import ast
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]

# The packages of the distribution, and the folder of the repository that each is built from.
PACKAGES = {
    "bayescale": "bayescale",
    "bayescale.kernels": "kernels",
    "bayescale.datasets": "datasets",
}
SHIPPED = tuple(PACKAGES.values())
EVERY = (*SHIPPED, "tests", "benchmarks")


@dataclass(frozen=True)
class Source:
    """One source file."""

    path: Path
    text: str
    tree: ast.Module

    @property
    def name(self) -> str:
        """Path relative to the root of the repository, for messages."""
        return str(self.path.relative_to(ROOT))

    @property
    def module(self) -> str:
        """Dotted name under which a file of a package is imported."""
        folder, *inside = self.path.relative_to(ROOT).with_suffix("").parts
        (package,) = (package for package, at in PACKAGES.items() if at == folder)
        return ".".join((package, *inside))

    def at(self, line: int, what: str = "") -> str:
        """Describe a place in the file: its path, its line and what stands there."""
        return f"{self.name}:{line} {what}".rstrip()


@cache
def _read(path: Path) -> Source:
    text = path.read_text(encoding="utf-8")
    return Source(path, text, ast.parse(text))


@cache
def sources(*folders: str) -> tuple[Source, ...]:
    """Return the Python files of folders of the repository, without those of a build."""
    return tuple(
        _read(path)
        for folder in folders
        for path in sorted((ROOT / folder).rglob("*.py"))
        if "build" not in path.relative_to(ROOT).parts
    )
