"""Headings of a table: the words in them, and the unit that they name."""

import re
import unicodedata
from functools import cache
from itertools import zip_longest
from typing import NamedTuple

import pandas as pd

_FLOPS = re.compile(r"(?i)([kmgtpezy]?)flops?")
_PETAFLOP_DAYS = re.compile(r"(?i)p(?:eta)?[ _-]?f(?:lops?)?s?(?:[ _/-]?s)?[ _-]?days?")
_POWER = re.compile(r"(?:[x×*]\s*)?(?:1e\+?|10\s*(?:\^|\*\*)\s*)(\d{1,2})")
_SECONDS_IN_A_DAY = 86_400.0
_PREFIXES = {"": 1.0, "k": 1e3, "m": 1e6, "g": 1e9, "t": 1e12, "p": 1e15, "e": 1e18, "z": 1e21}
_PREFIXES |= {"y": 1e24}
_UNITS = {"k": 1e3, "thousand": 1e3, "thousands": 1e3, "kilo": 1e3}
_UNITS |= {"m": 1e6, "mn": 1e6, "mio": 1e6, "million": 1e6, "millions": 1e6, "mega": 1e6}
_UNITS |= {"b": 1e9, "bn": 1e9, "g": 1e9, "billion": 1e9, "billions": 1e9, "giga": 1e9}
_UNITS |= {"t": 1e12, "tn": 1e12, "trillion": 1e12, "trillions": 1e12, "tera": 1e12}

# Words that are written together or in several ways, as the words that they stand for.
_JOINED = {
    "nparams": "n params",
    "nparam": "n params",
    "numparams": "n params",
    "ntokens": "n tokens",
    "numtokens": "n tokens",
    "parameters": "params",
    "parameter": "params",
    "param": "params",
    "token": "tokens",
    "toks": "tokens",
    "tok": "tokens",
    "num": "n",
    "number": "n",
    "valloss": "val loss",
    "validloss": "val loss",
    "evalloss": "eval loss",
    "testloss": "test loss",
    "trainloss": "train loss",
    "losses": "loss",
    "valid": "val",
    "validation": "val",
    "dev": "val",
    "heldout": "val",
    "training": "train",
    "trained": "train",
    "testing": "test",
    "evaluation": "eval",
    "evaluated": "eval",
    "xent": "cross entropy",
    "crossentropy": "cross entropy",
    "ce": "cross entropy",
    "ppl": "perplexity",
    "pplx": "perplexity",
    "bpb": "bits per byte",
    "bpc": "bits per character",
    "bpt": "bits per token",
    "bpw": "bits per word",
    "embeddings": "embedding",
    "embed": "embedding",
    "emb": "embedding",
    "embd": "embedding",
    "nonembedding": "non embedding",
    "nonembed": "non embedding",
    "nonemb": "non embedding",
    "noembed": "non embedding",
    "noemb": "non embedding",
    "no": "non",
    "without": "non",
    "excluding": "non",
    "excl": "non",
    "batchsize": "batch size",
    "bs": "batch size",
    "bsz": "batch size",
    "seqlen": "sequence length",
    "seq": "sequence",
    "len": "length",
    "ctx": "context",
    "iterations": "steps",
    "iteration": "steps",
    "iters": "steps",
    "iter": "steps",
    "step": "steps",
    "updates": "steps",
    "acc": "accuracy",
    "families": "family",
    "lr": "learning rate",
    "stderr": "se",
    "sec": "second",
    "seconds": "second",
}
_NOUNS = ("params", "tokens")
_PREFIXED = re.compile(r"([kmbgt])(params|tokens)")
# After these words a single letter is a unit.
_COUNTED = {"params", "tokens", "n", "d", "c", "size", "compute", "flops", "dataset", "count", "in"}


class Heading(NamedTuple):
    """A heading, taken apart.

    Attributes
    ----------
    text : str
        The heading as it stands in the table.
    words : tuple of str
        Its words, in lower case and one spelling, without the unit.
    scale : float
        How many the unit counts: 1e9 for billions; 1 where none is named.
    unit : str
        The unit as it stands in the heading; empty where none is named.
    """

    text: str
    words: tuple[str, ...]
    scale: float = 1.0
    unit: str = ""

    def has(self, *words: str) -> bool:
        """Return whether the heading has one of the words."""
        return not set(self.words).isdisjoint(words)


def headings_of(frame: pd.DataFrame) -> list[str]:
    """Return the headings of a table."""
    return list(map(str, frame.columns))


@cache
def heading(text: str) -> Heading:
    """Take a heading apart.

    Examples
    --------
    >>> heading("N_params_B").words, heading("N_params_B").scale
    (('n', 'params'), 1000000000.0)
    >>> heading("Val BPB").words
    ('val', 'bits', 'per', 'byte')
    """
    plain = unicodedata.normalize("NFKC", text).strip().replace("#", " n ")
    days = _PETAFLOP_DAYS.search(plain)
    if days:
        rest = plain[: days.start()] + " flops " + plain[days.end() :]
        return Heading(text, _words(rest)[0], 1e15 * _SECONDS_IN_A_DAY, days[0])
    power = _POWER.search(plain)
    if power:
        rest = plain[: power.start()] + " " + plain[power.end() :]
        words, scale, _ = _words(rest)
        return Heading(text, words, scale * float(f"1e{power[1]}"), power[0])
    return Heading(text, *_words(plain))


def _words(text: str) -> tuple[tuple[str, ...], float, str]:
    """Return the words of a text, how many its unit counts, and the unit."""
    words: list[str] = []
    scale, unit = 1.0, ""
    pieces = _pieces(text)
    for piece, following in zip_longest(pieces, pieces[1:], fillvalue=""):
        word = piece.lower()
        is_before_noun = _JOINED.get(following.lower(), following.lower()) in _NOUNS
        flops = _FLOPS.fullmatch(word)
        prefixed = _PREFIXED.fullmatch(word)
        if flops:
            words.append("flops")
            scale, unit = _scaled(scale, unit, _PREFIXES[flops[1]], piece)
        elif prefixed:
            words.append(prefixed[2])
            scale, unit = _scaled(scale, unit, _UNITS[prefixed[1]], piece)
        elif word in _UNITS and (len(word) > 2 or is_before_noun or _COUNTED.intersection(words)):
            scale, unit = _scaled(scale, unit, _UNITS[word], piece)
        else:
            words += _JOINED.get(word, word).split()
    return tuple(words), scale, unit


def _scaled(scale: float, unit: str, more: float, piece: str) -> tuple[float, str]:
    return (scale * more, piece) if more != 1 else (scale, unit)


def _pieces(text: str) -> list[str]:
    """Return the runs of letters and digits of a text, cut where a capital follows a small letter
    or a digit.
    """
    pieces: list[str] = []
    for run in re.findall(r"[^\W_]+", text):
        if _FLOPS.fullmatch(run):
            pieces.append(run)
        else:
            pieces += re.split(r"(?<=[a-z0-9])(?=[A-Z])", run)
    return pieces
