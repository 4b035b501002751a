"""Training and measurement of one model on its part of the corpus: a row of the sweep."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax
import rows
from corpus import Corpus
from model import CONTEXT, EMBEDDINGS, Params, Shape, initialise, losses

BATCH = 4
BATCH_BYTES = BATCH * CONTEXT
WARM_UP = 0.1
# The learning rate of a block's matrices is that of the embeddings times 4/width, so that a step
# changes their outputs equally at every width.
BLOCK_RATE = 4.0
CLIP = 1.0
BETAS = (0.9, 0.99)
# Number of steps between readings of the clock, and of windows measured together.
CHUNK = 100
MEASURED = 64


@dataclass(frozen=True)
class Task:
    """A run to train.

    Attributes
    ----------
    shape : Shape
    steps : int
        Number of batches of 512 bytes, none read twice.
    learning_rate : float
        Peak learning rate of the embeddings, after warm-up; blocks have 4/width of it.
    seed : int
        Seed of the initial matrices and of the order of the corpus.
    role : str
        ``base``, ``rebuild`` or ``frontier``; ``tune`` or ``check`` for trials of learning rates.
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
        """Name of the run, unique in the sweep."""
        rate = f"-lr{self.learning_rate:.3e}" if self.role in ("tune", "check") else ""
        return f"{self.role}-{self.budget:.1e}-w{self.shape.width}-s{self.seed}{rate}"

    @property
    def n_bytes(self) -> int:
        """Number of bytes read in training."""
        return self.steps * BATCH_BYTES

    @property
    def flops(self) -> int:
        """Exact FLOPs of training."""
        return self.shape.flops_per_byte * self.n_bytes


def schedule(step: jax.Array, steps: jax.Array) -> jax.Array:
    """Return the share of the peak learning rate at a step.

    It rises linearly over the first tenth of the run, then falls by half a cosine to zero.
    """
    warm = jnp.maximum(1.0, WARM_UP * steps)
    rising = (step + 1.0) / warm
    done = jnp.clip((step + 0.5 - warm) / (steps - warm), 0, 1)
    falling = 0.5 * (1 + jnp.cos(jnp.pi * done))
    return jnp.where(step < warm, rising, falling).clip(max=1.0)


OPTIMIZER = optax.chain(optax.clip_by_global_norm(CLIP), optax.scale_by_adam(*BETAS))
State = tuple[Params, optax.OptState]


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
    """Take ``count`` steps on the first batches, shape (chunk, batch, context).

    ``first`` is the number of the first step.
    """
    rates = {name: 1.0 if name in EMBEDDINGS else BLOCK_RATE / shape.width for name in state[0]}

    def step(i: jax.Array, state: State) -> State:
        params, moments = state
        gradient = jax.grad(lambda p: losses(p, batches[i], shape).mean())(params)
        updates, moments = OPTIMIZER.update(gradient, moments)
        now = rate * schedule(first + i, steps)
        moved = {name: leaf - now * rates[name] * updates[name] for name, leaf in params.items()}
        return moved, moments

    return jax.lax.fori_loop(0, count, step, state)


@partial(jax.jit, static_argnames="shape")
def measure(params: Params, windows: jax.Array, shape: Shape) -> jax.Array:
    """Return the mean loss of each window, nats per byte.

    Windows are in blocks, shape (blocks, windows, context).
    """
    return jax.lax.map(lambda block: losses(params, block, shape).mean(axis=1), windows).ravel()


def batches(corpus: Corpus, task: Task) -> np.ndarray:
    """Return the windows that each step reads, shape (steps, batch); none is read twice.

    Raises
    ------
    ValueError
        If the corpus is shorter than the run.
    """
    wanted = task.steps * BATCH
    if wanted > len(corpus.training):
        raise ValueError(
            f"{task.name} reads {task.n_bytes} bytes; the corpus has {corpus.training.size}."
        )
    return corpus.order(task.seed)[:wanted].reshape(task.steps, BATCH)


def train(
    task: Task, corpus: Corpus, saved: Path | None = None, every: float = 120.0
) -> Iterator[int | rows.Row]:
    """Train and measure: yield the number of finished steps from time to time, then the row.

    Parameters
    ----------
    task : Task
    corpus : Corpus
    saved : Path, optional
        File for the state, so that a run that was killed continues there with the same result;
        removed at the end.
    every : float
        Seconds between two saves.
    """
    read = batches(corpus, task)
    params = initialise(task.shape, jax.random.key(task.seed))
    state: State = (params, OPTIMIZER.init(params))
    done = 0
    seconds = 0.0
    cpu_seconds = 0.0
    if saved is not None and saved.exists():
        state, done, seconds, cpu_seconds = _restored(saved, state)
    begun = time.monotonic()
    last_saved = begun
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
        if saved is not None and time.monotonic() - last_saved > every:
            seconds_now = seconds + time.monotonic() - begun
            cpu_seconds_now = cpu_seconds + time.process_time() - cpu_begun
            _save(saved, state, done, seconds_now, cpu_seconds_now)
            last_saved = time.monotonic()
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
    structure = jax.tree.structure(like)
    with np.load(path) as file:
        leaves = [jnp.asarray(file[f"leaf{i}"]) for i in range(structure.num_leaves)]
        state = jax.tree.unflatten(structure, leaves)
        return state, int(file["done"]), float(file["seconds"]), float(file["cpu_seconds"])
