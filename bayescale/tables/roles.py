"""Roles that a column may have, and how surely a heading names one."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from bayescale.tables.headings import Heading, heading

SURE = 50
"""Score from which a heading is taken without being asked for."""

_EXACT = 1000
_PLANNED = {"planned": -25, "target": -25, "label": -28, "nominal": -25, "estimated": -15}
_OF_EVALUATION = frozenset({"eval", "val", "test"})


@dataclass(frozen=True)
class Role:
    """A role that a column may have.

    Attributes
    ----------
    name : str
        Standard name of the column.
    means : str
        What it counts, for people.
    whole : mapping of str to int
        Scores of headings whose words are these, joined by spaces.
    any_of : mapping of str to int
        Scores of single words, of which the heading has one.
    vetoes : frozenset of str
        Words that make the heading something else.
    changes : mapping of str to int
        Words that make it surer, or less sure.
    unless : mapping of str to set of str
        Words that make the heading something else unless one of some others stands beside them.
    """

    name: str
    means: str
    whole: Mapping[str, int]
    any_of: Mapping[str, int] = field(default_factory=dict)
    vetoes: frozenset[str] = frozenset()
    changes: Mapping[str, int] = field(default_factory=dict)
    unless: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def score(self, of: Heading) -> int:
        """Return how surely a heading names the role: 0 for not at all, `SURE` for surely."""
        if of.text == self.name:
            return _EXACT
        for word, others in self.unless.items():
            if of.has(word) and not of.has(*others):
                return 0
        whole = self.whole.get(" ".join(of.words))
        if whole is None and self.vetoes.intersection(of.words):
            return 0
        best = whole or max((self.any_of.get(word, 0) for word in of.words), default=0)
        if not best and "." in of.text:
            # Names of nested objects, such as config.seq_len.
            last = heading(of.text.rpartition(".")[2])
            best = self.whole.get(" ".join(last.words), 0)
        if not best:
            return 0
        changes = sum(self.changes.get(word, 0) for word in set(of.words))
        return max(best + changes, 1)


_COUNT_VETOES = frozenset({"per", "ratio", "vocab", "loss", "second", "time", "cost", "vs"})

N_PARAMS = Role(
    "n_params",
    "parameters",
    {
        "n": 90,
        "n non embedding": 85,
        "n total": 88,
        "n active": 84,
        "n params": 98,
        "params": 96,
        "model params": 95,
        "params count": 96,
    },
    {"params": 80},
    _COUNT_VETOES | {"hyper", "flops", "tokens", "embeddings", "data"},
    {"total": -1, "trainable": -2, "eff": -3, "active": -4, "non": -5, "scaling": -3} | _PLANNED,
    # Parameters of embeddings alone are none of the model.
    {"embedding": frozenset({"non", "with", "incl", "including", "total"})},
)
SIZE_LABEL = Role(
    "n_params",
    "parameters",
    {"size": 60, "model size": 62, "model scale": 54},
    {"params": 45, "size": 40, "count": 40, "scale": 40, "model": 30, "name": 25, "run": 25}
    | {"id": 20, "label": 20, "config": 20, "preset": 20, "variant": 20, "architecture": 20}
    | {"experiment": 20, "checkpoint": 20, "series": 15, "llm": 30, "network": 20, "unnamed": 15},
    frozenset({"per", "batch", "vocab", "file", "block", "dataset", "data", "steps", "sample"})
    | {"context", "sequence", "length", "tokens", "flops", "compute", "loss", "hidden", "budget"},
)
N_TOKENS = Role(
    "n_tokens",
    "training tokens",
    {"d": 90, "n tokens": 98, "tokens": 96, "train tokens": 97, "d tokens": 97},
    {"tokens": 80},
    _COUNT_VETOES
    | _OF_EVALUATION
    | {"unique", "thinking", "prompt", "context", "max", "batch", "served", "inference"}
    | {"sequence", "length", "generated", "params", "epoch", "reasoning", "output", "input"},
    {"train": 2, "total": 1, "seen": 1} | _PLANNED,
)
LOSS = Role(
    "loss",
    "nats per token",
    {"l": 60, "l nats": 60, "loss": 95, "val loss": 97},
    {"loss": 80, "entropy": 78, "nll": 78, "bits": 72, "perplexity": 60},
    frozenset({"se", "std", "sd", "var", "error", "delta", "reduction", "gain", "improvement"})
    | {"ratio", "aux", "auxiliary", "z", "balance", "load", "router", "spikes", "spike", "weight"}
    | {"scale", "type", "function", "fn", "drop", "predicted", "pred", "accuracy", "params"}
    | {"steps", "time", "slope", "log", "mask", "unigram", "id"},
    {"val": 10, "eval": 9, "test": 8, "final": 2, "best": 1, "train": -22, "ema": -3, "min": -12}
    | {"max": -25, "smoothed": -3, "first": -25, "initial": -25, "start": -25, "token": 0},
)
FLOPS = Role(
    "flops",
    "training compute",
    {"c": 85, "flops": 96, "train flops": 97, "compute": 80, "train compute": 82},
    {"flops": 82, "compute": 65, "budget": 52},
    _COUNT_VETOES
    | {"params", "tokens", "util", "utilization", "mfu", "peak", "hardware", "label", "optimal"}
    | {"hours", "usd", "dollars", "capability", "multiplier", "inference", "node", "n"},
    {"achieved": 5, "actual": 5, "measured": 5, "budget": -2, "train": 2} | _PLANNED,
)
STEPS = Role(
    "steps",
    "training steps",
    {"steps": 90, "n steps": 90, "n of steps": 90, "train steps": 92, "global steps": 88},
    {"steps": 60},
    _COUNT_VETOES | _OF_EVALUATION | {"warmup", "decay", "tokens", "size", "save", "log", "every"},
)
BATCH_SIZE = Role(
    "batch_size",
    "sequences in a batch",
    {"batch size": 90, "batch": 70, "global batch size": 92, "train batch size": 91},
    {"batch": 52},
    _COUNT_VETOES | _OF_EVALUATION | {"micro", "device", "gpu", "local", "tokens", "n"},
)
BATCH_TOKENS = Role(
    "batch_tokens",
    "tokens in a batch",
    {"batch tokens": 90, "tokens per batch": 92, "tokens per steps": 92, "batch size tokens": 92}
    | {"batch size in tokens": 92, "global batch size tokens": 92, "tokens batch": 80},
)
SEQUENCE_LENGTH = Role(
    "sequence_length",
    "tokens in a sequence",
    {"sequence length": 90, "context length": 85, "block size": 80, "sequence": 55}
    | {"max sequence length": 85, "n context": 80, "context": 55, "context size": 80}
    | {"context window": 80, "train sequence length": 90},
)
DATASET_TOKENS = Role(
    "dataset_tokens",
    "tokens of a data set",
    {"dataset tokens": 80, "corpus tokens": 80, "unique tokens": 80, "tokens per epoch": 80}
    | {"dataset size": 70, "dataset size tokens": 80, "tokens in dataset": 80},
)
EPOCHS = Role(
    "epochs", "passes over a data set", {"epoch": 80, "n epoch": 80, "epochs": 80, "n epochs": 80}
)
TOKENS_PER_PARAM = Role(
    "tokens_per_param",
    "tokens for each parameter",
    {"tokens per params": 90, "tokens params ratio": 85, "params data ratio": 80}
    | {"data params ratio": 80, "tokens to params ratio": 85, "d n": 80, "d per n": 85}
    | {"tokens params": 80, "tpp": 80, "tokens per active params": 70},
)
LOSS_SE = Role(
    "loss_se", "standard error of the loss", {"loss se": 80, "val loss se": 80, "se loss": 70}
)
UNIQUE_TOKENS = Role("unique_tokens", "tokens that differ", {"unique tokens": 80})
GROUP = Role(
    "group",
    "the group",
    {"family": 70, "model family": 72, "convention": 60, "series": 60, "suite": 60, "group": 80}
    | {"recipe": 55, "lineage": 55, "model series": 60}
    # A model of several runs is a family of them.
    | {"model": 40, "model name": 40, "architecture": 40, "models": 40},
)
RUN_ID = Role(
    "run_id",
    "the name of the run",
    {"run id": 90, "run": 70, "run name": 80, "name": 60, "id": 55, "experiment": 55}
    | {"model": 52, "model name": 54, "experiment name": 55},
)


def _by_name(*roles: Role) -> dict[str, Role]:
    return {role.name: role for role in roles}


QUANTITIES = _by_name(N_PARAMS, N_TOKENS, LOSS, FLOPS)
"""Roles of the numbers that a fit is about, by standard name."""

INGREDIENTS = _by_name(STEPS, BATCH_SIZE, BATCH_TOKENS, SEQUENCE_LENGTH)
INGREDIENTS |= _by_name(DATASET_TOKENS, EPOCHS, TOKENS_PER_PARAM)
"""Roles of the numbers from which tokens follow, by name."""

OPTIONAL = _by_name(
    LOSS_SE,
    UNIQUE_TOKENS,
    Role("weight", "the weight of the run", {}),
    Role("n_correct", "right answers", {}),
    Role("n_samples", "answers asked for", {}),
)
"""Roles of other numbers that a fit may use, by standard name."""

_ACCURACIES = frozenset(
    {"accuracy", "top1", "top5", "f1", "em", "reward", "score", "bleu", "rouge"}
)
_ACCURACIES |= {"mmlu", "gsm8k", "hellaswag", "winrate", "elo", "auc", "precision", "recall"}
_ACCURACIES |= {"return", "correct", "solved"}
# Bits per byte of a benchmark's answers are a loss, though the benchmark is named.
_LOSSES = frozenset({"loss", "error", "perplexity", "entropy", "nll", "bits", "bpb", "nats"})


def names_an_accuracy(text: str) -> bool:
    """Return whether a heading names what rises as models improve, and so no loss."""
    parts = heading(text)
    is_top_k = parts.has("top") and parts.has("1", "5")
    return (is_top_k or parts.has(*_ACCURACIES)) and not parts.has(*_LOSSES)


def role_of(name: str) -> Role:
    """Return the role of a standard name; of others, one that its own words name."""
    known = QUANTITIES | INGREDIENTS | OPTIONAL | {"group": GROUP, "run_id": RUN_ID}
    if name in known:
        return known[name]
    return Role(name, name.replace("_", " "), {" ".join(heading(name).words): 90})
