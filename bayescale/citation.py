"""Citations: BibTeX of the laws, priors, noise models, processes, methods and data behind a
result.
"""

import dataclasses
import re
import unicodedata
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from typing import NamedTuple, TypeAlias

from bayescale._internal.discovery import name_of
from bayescale.datasets.descriptor import describe, names
from bayescale.errors import InputError
from bayescale.inference.base import Method
from bayescale.laws.base import Law
from bayescale.noise.base import Noise
from bayescale.posterior.posterior import Posterior
from bayescale.priors.base import Prior
from bayescale.processes.base import Process
from bayescale.runs import Runs

# ``Authors year, title, place in the paper, arXiv:number``, perhaps behind what it is cited for.
_PAPER = re.compile(r"(?:[^:\d]*: )?(?P<authors>[^:\d]+?) (?P<year>\d{4})(?P<rest>.*)")
_ARXIV = re.compile(r"arXiv:(\d{4}\.\d{4,5})")
_PLACE = re.compile(r"(eq\.|section|table|chapter|function|for) ")
_Part: TypeAlias = Law | Prior | Noise | Process | Method | Runs
_KINDS = {
    Law: "Law",
    Prior: "Prior",
    Noise: "Noise model",
    Process: "Process",
    Method: "Method",
}


class Reference(NamedTuple):
    """One paper, or one data set.

    Attributes
    ----------
    authors : str
        Surnames, as in a text: ``Lange, Little and Taylor``, ``Hoffmann et al.``
    year : str
    title : str
    arxiv : str
        Its number; empty where there is none.
    """

    authors: str
    year: str
    title: str
    arxiv: str

    @property
    def key(self) -> str:
        """The first surname, the year and the last word of the title."""
        surname = re.split(r", | and | et al", self.authors)[0]
        return _ascii(surname) + self.year + _ascii(self.title.rpartition(" ")[2])

    @property
    def bibtex(self) -> str:
        """The entry of a bibliography."""
        authors = self.authors.replace(" et al.", " and others").replace(", ", " and ")
        fields = {"author": authors, "title": f"{{{self.title}}}", "year": self.year}
        if self.arxiv:
            fields |= {"eprint": self.arxiv, "archivePrefix": "arXiv"}
        return _entry("misc", self.key, fields)


def cite(result: object) -> str:
    """Return BibTeX entries of all that a result stands on.

    Parameters
    ----------
    result : Posterior, Runs, Law, Prior, Noise, Process, Method, or a result that holds posteriors
        A result of `compare`, `stack` or `batch` holds several.

    Returns
    -------
    str
        One entry a paper, a data set and for bayescale itself, each below a line that says what it
        is cited for. Author lists that papers shorten end in ``others``.

    Raises
    ------
    InputError
        Where the result holds no posterior.

    Examples
    --------
    >>> import bayescale as bs
    >>> print(bs.cite(bs.laws.Chinchilla()).split("@software")[0])
    % Law chinchilla
    @misc{hoffmann2022models,
      author = {Hoffmann and others},
      title = {{Training Compute-Optimal Large Language Models}},
      year = {2022},
      eprint = {2203.15556},
      archivePrefix = {arXiv},
    }
    <BLANKLINE>
    % This software
    <BLANKLINE>
    """
    reasons: dict[Reference, list[str]] = {}
    for part in _parts(result):
        for reference in _references(part):
            cited_for = reasons.setdefault(reference, [])
            if _reason(part) not in cited_for:
                cited_for.append(_reason(part))
    entries = [f"% {', '.join(why)}\n{reference.bibtex}" for reference, why in reasons.items()]
    software = {
        "author": "{The bayescale developers}",
        "title": "{bayescale: Bayesian fits of neural scaling laws}",
        "version": version("bayescale"),
    }
    own = "% This software\n" + _entry("software", "bayescale", software)
    entries.append(own)
    return "\n\n".join(entries)


def references(paper: str) -> list[Reference]:
    """Return the papers that a text such as `Law.paper` names, set apart by semicolons.

    Examples
    --------
    >>> from bayescale.citation import references
    >>> references("Wahba 1978, Improper priors, spline smoothing, section 2")[0].title
    'Improper priors, spline smoothing'
    """
    found = map(_reference, paper.split("; "))
    return [reference for reference in found if reference is not None]


def _reference(text: str) -> Reference | None:
    matched = _PAPER.fullmatch(text)
    if matched is None:
        return None
    pieces = matched["rest"].removeprefix(", ").split(", ")
    title = [piece for piece in pieces if not _ARXIV.match(piece) and not _PLACE.match(piece)]
    number = _ARXIV.search(text)
    arxiv = number[1] if number else ""
    return Reference(matched["authors"], matched["year"], ", ".join(title), arxiv)


def _parts(result: object) -> Iterator[_Part]:
    """Yield the laws, priors, noise models, processes, methods and runs of a result."""
    if isinstance(result, Posterior):
        yield from _of_law(result.law)
        yield from _of_noise(result.noise)
        yield result.method
        yield result.runs
    elif isinstance(result, Noise):
        yield from _of_noise(result)
    elif isinstance(result, Law):
        yield from _of_law(result)
    elif isinstance(result, Prior | Process | Method | Runs):
        yield result
    else:
        for posterior in _posteriors(result):
            yield from _parts(posterior)


def _of_law(law: Law) -> Iterator[Law | Prior]:
    yield law
    for field in dataclasses.fields(law):
        held = getattr(law, field.name)
        if isinstance(held, Prior):
            yield held


def _of_noise(noise: Noise) -> Iterator[Noise | Process]:
    yield noise
    for field in dataclasses.fields(noise):
        base = getattr(noise, field.name)
        if isinstance(base, Noise):
            yield from _of_noise(base)
    yield from noise.shared


def _posteriors(result: object) -> list[Posterior]:
    held = getattr(result, "posteriors", getattr(result, "posterior", ()))
    several = list(held.values()) if isinstance(held, Mapping) else held
    found = [several] if isinstance(several, Posterior) else list(several)
    if not found or not all(isinstance(one, Posterior) for one in found):
        raise InputError(
            f"cite: a {type(result).__name__} holds no posterior; give the posterior that it was "
            f"made from, or a law, a noise model, a method or runs."
        )
    return found


def _references(part: _Part) -> list[Reference]:
    if not isinstance(part, Runs):
        return references(part.paper)
    if part.name not in names():
        return []
    about = describe(part.name)
    number = _ARXIV.search(about.paper)
    arxiv = number[1] if number else ""
    return [Reference(about.authors, str(about.year), about.title, arxiv)]


def _reason(part: _Part) -> str:
    if isinstance(part, Runs):
        return f"Data {part.name}"
    kind = next(name for base, name in _KINDS.items() if isinstance(part, base))
    return f"{kind} {name_of(part)}"


def _entry(kind: str, key: str, fields: Mapping[str, str]) -> str:
    lines = "".join(f"  {name} = {{{value}}},\n" for name, value in fields.items())
    return f"@{kind}{{{key},\n{lines}}}"


def _ascii(word: str) -> str:
    plain = unicodedata.normalize("NFKD", word.lower())
    return re.sub(r"[^a-z0-9]", "", plain.encode("ascii", "ignore").decode())
