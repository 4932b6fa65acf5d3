"""One sample by several methods: what a worker does, in whatever process or machine it lives."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch

from .. import demo
from ..config import PAPER, DragConfig
from .datasets import opened
from .judge import Judge
from .methods import METHODS, Prepared
from .rows import Row, picture
from .sample import Dataset
from .stored import digest, keep


@dataclass(frozen=True)
class Job:
    """What is run: it is sent to the workers, which open dataset and model themselves. ``load`` gives the model, its autoencoder
    and a function of prompt and size to text. On a CPU every worker computes with ``threads`` threads, so that sums are the same
    whatever their number. ``weights`` is a fingerprint of the model's, where it is not the demo model."""

    dataset: str
    methods: tuple[str, ...]
    model: str
    load: Callable[[], Any]
    config: DragConfig
    out: Path
    options: dict = field(default_factory=dict)
    seed: int = 0
    threads: int = 1
    no_reference: bool = False
    weights: str = ""

    def __post_init__(self) -> None:
        if unknown := [m for m in self.methods if m not in METHODS]:
            raise ValueError(f"there is no method {', '.join(unknown)}; there are {', '.join(METHODS)}")

    def samples(self) -> Dataset:
        return opened(self.dataset, **self.options)

    @property
    def changes(self) -> dict[str, Any]:
        """The shared settings that are not the paper's."""
        paper = asdict(PAPER)
        return {k: v for k, v in asdict(self.config).items() if v != paper[k]}

    @property
    def title(self) -> str:
        """What was run, for people."""
        shared = ", ".join(f"{k} {str(v).lower()}" for k, v in self.changes.items())
        return f"{self.samples().name}, model {self.model}; {f'shared by all: {shared}' if shared else 'settings of the paper'}"

    @property
    def key(self) -> str:
        """Of all that is asked for and decides what a row says; rows of another key are not taken for this run's. Of the settings
        only what is not the paper's counts, so that rows outlive a new one; models count by their weights, and folders
        by their name, wherever they lie. That a method's code has changed is not noticed: give it an empty folder."""
        options = {k: v for k, v in self.options.items() if k == "shift"}
        told = [
            Path(self.dataset).name,
            "" if self.weights else self.model,
            self.changes,
            options,
            self.seed,
            *(["pyiqa"] * self.no_reference),
        ]
        told += [self.weights] * bool(self.weights)
        told += [demo.version()] * ("demo" in (self.dataset, self.model.partition(" in ")[0]))
        return hashlib.sha256(json.dumps(told, default=str).encode()).hexdigest()[:12]

    def picture(self, method: str, sample: str) -> Path:
        """Where an edited picture lies."""
        return picture(self.out, method, sample)


@lru_cache(maxsize=1)
def _loaded(load: Callable[[], Any], threads: int) -> Any:
    torch.set_num_threads(threads)
    return load()


def work(job: Job, name: str, methods: tuple[str, ...]) -> list[Row]:
    """Edit one sample by ``methods``, keep the pictures, and give a row for each. What fails is a row that says why.
    Without methods only the picture itself is kept, and the true result."""
    try:
        entry = job.samples()[name]
        sample = entry.load()
    except ValueError as error:
        return [{"sample": name, "kind": "", "method": m, "error": f"sample skipped: {error}"} for m in methods]
    keep(job.picture("original", name), sample.picture)
    if sample.truth is not None:
        keep(job.picture("truth", name), sample.truth)
    if not methods:
        return []
    loaded = _loaded(job.load, job.threads)
    start = time.monotonic()
    rows = []
    try:
        text = loaded.encode_text(sample.prompt, sample.size)
        prepared = Prepared(sample, loaded.model, loaded.vae, text, job.config, job.seed)
        with prepared.fitted():
            prepared.inversion()
        judge = Judge(prepared, no_reference=job.no_reference)
    except Exception as error:
        return [_failed(entry.name, entry.kind, m, error) for m in methods]
    before = time.monotonic() - start
    for method in methods:
        try:
            start = time.monotonic()
            with prepared.fitted() as count:
                edited = METHODS[method].edit(prepared)
            seconds = time.monotonic() - start + count.spared_seconds
            row = {"sample": name, "kind": entry.kind, "method": method, **judge.row(edited)}
            row |= {"evaluations": count.evaluations, "gradients": count.gradients}
            row |= {"seconds": round(seconds, 2), "prepared_seconds": round(before, 2)}
            row["picture"] = digest(edited.picture)
            keep(job.picture(method, name), edited.picture)
            rows.append(row)
        except Exception as error:
            rows.append(_failed(name, entry.kind, method, error))
    return rows


def _failed(sample: str, kind: str, method: str, error: Exception) -> Row:
    return {"sample": sample, "kind": kind, "method": method, "error": f"{type(error).__name__}: {str(error)[:300]}"}
