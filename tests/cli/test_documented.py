"""Every command line that help, README, docs and messages print: read by the real parser, and run
where that is cheap.
"""

import re
import shlex
import shutil
from pathlib import Path

import click
import pytest
import typer

import bayescale as bs
from bayescale.cli.app import app
from tests.known_posteriors import known_posterior

ROOT = Path(__file__).parents[2]
PROGRAM = typer.main.get_command(app)
BLOCK = re.compile(r"^```\w*\n(.*?)^```", re.DOTALL | re.MULTILINE)
INLINE = re.compile(r"`+(bayescale [a-z-][^`\n]*)`+")
# Commands that fit nothing: their documented lines are run as they stand.
CHEAP = {
    "allocate",
    "check",
    "datasets list",
    "datasets show",
    "design",
    "devices",
    "forecast",
    "laws list",
    "laws show",
}


def commands(command=PROGRAM, path=()):
    """Yield each command with the words that lead to it."""
    yield path, command
    for name in getattr(command, "commands", {}):
        yield from commands(command.commands[name], (*path, name))


def without_comment(line):
    return re.sub(r"\s+#.*$", "", line.removeprefix("$ ").strip())


def lines_of_help():
    for path, command in commands():
        for line in (command.epilog or "").splitlines():
            if line.startswith("$ bayescale"):
                yield " ".join(("help of", *path)), without_comment(line)


def pages():
    yield from ROOT.glob("*.md")
    yield from (ROOT / "docs").rglob("*.md")


def lines_of_pages():
    for page in pages():
        for block in BLOCK.findall(page.read_text(encoding="utf-8")):
            for line in block.replace("\\\n", " ").splitlines():
                text = without_comment(line)
                if text.startswith("bayescale "):
                    yield page.name, text


def mentions():
    """Yield commands that sentences name, in pages and in the package."""
    files = [*pages(), *(ROOT / "bayescale").rglob("*.py")]
    for file in files:
        for text in INLINE.findall(file.read_text(encoding="utf-8")):
            # What a message fills in is no part of a command.
            if "{" not in text and "…" not in text:
                yield file.name, text


LINES = sorted({*lines_of_help(), *lines_of_pages()})
MENTIONS = sorted(set(mentions()))


def resolved(words):
    """Return the command that words name, and the words that are left."""
    command, rest = PROGRAM, list(words)
    while rest and rest[0] in getattr(command, "commands", {}):
        command = command.commands[rest.pop(0)]
    return command, rest


def test_documented_lines_are_found():
    assert len(LINES) >= 25
    assert {"README.md", "your_table.md"} <= {place for place, _ in LINES}
    assert len({place for place, _ in LINES if place.startswith("help of")}) >= 10
    assert len(MENTIONS) >= 10


@pytest.mark.parametrize(("place", "line"), LINES)
def test_a_documented_line_is_one_that_the_program_takes(place, line):
    command, rest = resolved(shlex.split(line)[1:])
    assert not isinstance(command, click.Group) or rest in ([], ["--help"]), line
    if rest != ["--help"]:
        # Raises click.UsageError where an option is unknown, or an argument lacking or no number.
        command.make_context(line, rest)


@pytest.mark.parametrize(("place", "text"), MENTIONS)
def test_a_command_in_a_sentence_is_there_with_its_options(place, text):
    command, rest = resolved(text.split()[1:])
    assert command is not PROGRAM or rest[:1] in (["--help"], ["--version"]), text
    known = {"--help", "--version"}
    for parameter in command.params:
        known |= {*parameter.opts, *parameter.secondary_opts}
    named = {word.split("=")[0].rstrip(".,;:") for word in rest if word.startswith("--")}
    assert named <= known, f"{text!r} in {place}"


def is_cheap(line):
    words = shlex.split(line)[1:]
    return words[-1] == "--help" or any(
        words[: len(name.split())] == name.split() for name in CHEAP
    )


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A folder with the files that documented lines name: tables, and posteriors of no fit."""
    folder = tmp_path_factory.mktemp("documented")
    runs = bs.datasets.simulate(seed=1)
    frame = runs.frame.rename(columns={"loss": "val_loss"})
    frame["non_embedding_params"] = 0.9 * frame["n_params"]
    frame.to_csv(folder / "sweep.csv", index=False)
    frame.to_excel(folder / "sweep.xlsx", index=False)
    saved = known_posterior(runs).save(folder / "post.nc")
    shutil.copy(saved, folder / "sweep.nc")
    return folder


@pytest.mark.parametrize("line", sorted({line for _, line in LINES if is_cheap(line)}))
def test_a_documented_line_that_fits_nothing_runs(bayescale, files, monkeypatch, line):
    monkeypatch.chdir(files)
    result = bayescale(*shlex.split(line)[1:])
    assert result.exit_code == 0, result.stderr
    assert result.stdout


@pytest.mark.parametrize("path", [path for path, _ in commands()], ids=" ".join)
def test_every_command_has_help(bayescale, path):
    assert bayescale(*path, "--help").exit_code == 0
