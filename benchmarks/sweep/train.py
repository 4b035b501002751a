"""Train one model on its own share of the corpus and measure it: a row of the sweep."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from corpus import Corpus
from model import CONTEXT, EMBEDDINGS, Params, Shape, initialise, losses

BATCH = 4
BATCH_BYTES = BATCH * CONTEXT
WARM_UP = 0.1
# A block's matrices learn at the rate of the embeddings times 4/width, so that a step changes what
# they give by as much at every width.
BLOCK_RATE = 4.0
CLIP = 1.0
BETAS = (0.9, 0.99)
# Steps between looks at the clock, and windows measured at once.
CHUNK = 100
MEASURED = 64


@dataclass(frozen=True)
class Task:
    """One run to be made.

    Attributes
    ----------
    shape : Shape
    steps : int
        Batches of 512 bytes, none read twice.
    learning_rate : float
        Of the embeddings at its peak, after warm-up; blocks have 4/width of it.
    seed : int
        Of the initial matrices and of the order of the corpus.
    role : str
        ``base``, ``rebuild`` or ``frontier``; ``tune`` or ``check`` where the learning rate is what
        is tried.
    budget : float
        Nominal 6·N·D, FLOPs.
    """

    shape: Shape
    steps: int
    learning_rate: float
    seed: int
    role: str
    budget: float

    @property
    def name(self) -> str:
        rate = f"-lr{self.learning_rate:.3e}" if self.role in ("tune", "check") else ""
        return f"{self.role}-{self.budget:.1e}-w{self.shape.width}-s{self.seed}{rate}"

    @property
    def n_bytes(self) -> int:
        return self.steps * BATCH_BYTES

    @property
    def flops(self) -> int:
        return self.shape.flops_per_byte * self.n_bytes


def schedule(step: jax.Array, steps: jax.Array) -> jax.Array:
    """Share of the peak learning rate at a step: linear over the first tenth of the run, then half
    a cosine to zero.
    """
    warm = jnp.maximum(1.0, WARM_UP * steps)
    done = (step + 0.5 - warm) / (steps - warm)
    return jnp.where(
        step < warm, (step + 1.0) / warm, 0.5 * (1 + jnp.cos(jnp.pi * jnp.clip(done, 0, 1)))
    ).clip(max=1.0)


OPTIMIZER = optax.chain(optax.clip_by_global_norm(CLIP), optax.scale_by_adam(*BETAS))
State = tuple[Params, Any]


@partial(jax.jit, static_argnames="shape", donate_argnames="state")
def advance(
    state: State,
    batches: jax.Array,
    first: jax.Array,
    count: jax.Array,
    steps: jax.Array,
    rate: jax.Array,
    shape: Shape,
) -> State:
    """Take ``count`` steps on as many of the batches, shape (chunk, batch, context); ``first`` is
    the number of the first.
    """
    rates = {name: 1.0 if name in EMBEDDINGS else BLOCK_RATE / shape.width for name in state[0]}

    def step(i: jax.Array, state: State) -> State:
        params, moments = state
        gradient = jax.grad(lambda p: losses(p, batches[i], shape).mean())(params)
        updates, moments = OPTIMIZER.update(gradient, moments)
        now = rate * schedule(first + i, steps)
        return {
            name: leaf - now * rates[name] * updates[name] for name, leaf in params.items()
        }, moments

    return jax.lax.fori_loop(0, count, step, state)


@partial(jax.jit, static_argnames="shape")
def measure(params: Params, windows: jax.Array, shape: Shape) -> jax.Array:
    """Mean loss of each window, nats per byte; windows in blocks, shape (blocks, windows, context)."""
    return jax.lax.map(lambda block: losses(params, block, shape).mean(axis=1), windows).ravel()


def batches(corpus: Corpus, task: Task) -> np.ndarray:
    """Which windows each step reads, shape (steps, batch); none is read twice.

    Raises
    ------
    ValueError
        Where the corpus is shorter than the run.
    """
    wanted = task.steps * BATCH
    if wanted > len(corpus.training):
        raise ValueError(
            f"{task.name} reads {task.n_bytes} bytes; the corpus has {corpus.training.size}."
        )
    return corpus.order(task.seed)[:wanted].reshape(task.steps, BATCH)


def train(
    task: Task, corpus: Corpus, saved: Path | None = None, every: float = 120.0
) -> Iterator[int | dict[str, Any]]:
    """Train and measure: gives the steps done from time to time, and at last the row.

    Parameters
    ----------
    task : Task
    corpus : Corpus
    saved : Path, optional
        Where to keep the state, so that a run that was killed goes on from there and ends as it
        would have; removed at the end.
    every : float
        Seconds between two savings.
    """
    read = batches(corpus, task)
    params = initialise(task.shape, jax.random.key(task.seed))
    state: State = (params, OPTIMIZER.init(params))
    done, seconds, cpu_seconds = 0, 0.0, 0.0
    if saved is not None and saved.exists():
        state, done, seconds, cpu_seconds = _restored(saved, state)
    begun = kept = time.monotonic()
    cpu_begun = time.process_time()
    while done < task.steps:
        count = min(CHUNK, task.steps - done)
        chunk = np.zeros((CHUNK, BATCH, CONTEXT), np.uint8)
        chunk[:count] = corpus.training[read[done : done + count]]
        state = advance(
            state, chunk, done, count, float(task.steps), task.learning_rate, task.shape
        )
        jax.block_until_ready(state)
        done += count
        if saved is not None and time.monotonic() - kept > every:
            _save(
                saved,
                state,
                done,
                seconds + time.monotonic() - begun,
                cpu_seconds + time.process_time() - cpu_begun,
            )
            kept = time.monotonic()
        yield done
    blocks = corpus.validation.reshape(-1, min(MEASURED, len(corpus.validation)), CONTEXT)
    measured = np.asarray(measure(state[0], blocks, task.shape), np.float64)
    seconds += time.monotonic() - begun
    cpu_seconds += time.process_time() - cpu_begun
    yield {
        "run_id": task.name,
        "role": task.role,
        "budget": task.budget,
        "width": task.shape.width,
        "depth": task.shape.depth,
        "n_params": task.shape.n_params,
        "n_params_non_embedding": task.shape.n_params_non_embedding,
        "n_tokens": task.n_bytes,
        "flops": task.flops,
        "loss": float(measured.mean()),
        "validation_se": float(measured.std(ddof=1) / np.sqrt(len(measured))),
        "seed": task.seed,
        "learning_rate": task.learning_rate,
        "steps": task.steps,
        "seconds": round(seconds, 1),
        "cpu_seconds": round(cpu_seconds, 1),
        "corpus": corpus.source,
        "corpus_sha256": corpus.sha256,
    }
    if saved is not None:
        saved.unlink(missing_ok=True)


def _save(path: Path, state: State, done: int, seconds: float, cpu_seconds: float) -> None:
    leaves = {f"leaf{i}": np.asarray(leaf) for i, leaf in enumerate(jax.tree.leaves(state))}
    partial_file = path.with_suffix(".partial")
    with partial_file.open("wb") as file:
        np.savez(file, done=done, seconds=seconds, cpu_seconds=cpu_seconds, **leaves)
    partial_file.replace(path)


def _restored(path: Path, like: State) -> tuple[State, int, float, float]:
    with np.load(path) as kept:
        leaves = [jnp.asarray(kept[f"leaf{i}"]) for i in range(len(jax.tree.leaves(like)))]
        state = jax.tree.unflatten(jax.tree.structure(like), leaves)
        return state, int(kept["done"]), float(kept["seconds"]), float(kept["cpu_seconds"])
