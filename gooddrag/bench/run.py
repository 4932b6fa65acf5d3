"""A benchmark: every method on every sample, gone on with where it was stopped, with tables and a contact sheet at its end."""

from __future__ import annotations

import reprlib
from collections.abc import Callable, Sequence
from pathlib import Path

from .. import files
from . import finished
from .engines import ENGINES, Task
from .lock import held
from .rows import Row, Rows
from .sheet import sheet
from .stored import stored
from .tables import as_csv, report
from .work import Job

Tell = Callable[[int, int, list[Row]], None]


def run(
    job: Job,
    *,
    workers: int = 1,
    engine: str = "local",
    part: tuple[int, int] = (1, 1),
    rows_alone: bool = False,
    tell: Tell | None = None,
) -> list[Row]:
    """Run what is missing of ``job`` and write ``results.jsonl``, ``results.csv``, ``report.md`` and ``index.html`` to its folder.

    Gives all rows, in the order of samples and methods, whatever the order in which they were done. ``part`` ``(i, n)``: only
    every n-th sample from the i-th on, for a machine that shares the work with others; without it the rows of all are gathered. An
    edit is done when it has a row and its picture, which a run of other settings in that folder may have written over, or a row
    only with ``rows_alone``. ``tell`` hears of samples done, samples in all, and rows. Raises ``ValueError`` when another process
    is writing there.
    """
    if engine not in ENGINES:
        raise ValueError(f"the engine is {reprlib.repr(engine)}; it must be one of {', '.join(ENGINES)}")
    index, parts = part
    if not 1 <= index <= parts:
        raise ValueError(f"the part is {index}/{parts}; write it as 1/{parts} to {parts}/{parts}")
    job.out.mkdir(parents=True, exist_ok=True)
    with held(job.out, "bench", part):
        names = [e.name for e in job.samples()]
        store = Rows(job.out, job.key, f"-{index}of{parts}" if parts > 1 else "")
        tasks = missing(job, store.read(), names[index - 1 :: parts], rows_alone=rows_alone)
        for i, rows in enumerate(ENGINES[engine](job, tasks, workers), 1):
            store.add(rows)
            if i == 1:  # a run that does nothing leaves what the folder is of
                _note(job, names)
            if tell and rows:
                tell(i, len(tasks), rows)
        if not tasks:
            _note(job, names)
        rows = ordered(store.read(), names, job.methods)
        write(job.out, rows, job)
    return rows


def _note(job: Job, names: Sequence[str]) -> None:
    """A shorter run leaves what a longer one has noted."""
    if not finished.tells(job.out, job.dataset, job.key, names):
        finished.note(job.out, job.dataset, job.options, job.key)


def missing(job: Job, rows: Sequence[Row], names: Sequence[str], *, rows_alone: bool = False) -> list[Task]:
    """Samples with what is still to be done of them; one of which only the picture itself or the true result is gone has no
    methods."""

    good = {(r["sample"], r["method"]): r for r in rows if "error" not in r}

    def there(method: str, name: str) -> bool:
        known = good.get((name, method), {}).get("picture")
        return rows_alone or stored(job.picture(method, name), known) is not None

    tasks = []
    for name in names:
        methods = tuple(m for m in job.methods if (name, m) not in good or not there(m, name))
        known = any("ratio" in good.get((name, m), {}) for m in job.methods)
        around = ("original", "truth") if known else ("original",)
        if methods or not all(there(m, name) for m in around):
            tasks.append((name, methods))
    return tasks


def ordered(rows: Sequence[Row], names: Sequence[str], methods: Sequence[str]) -> list[Row]:
    """Those that were asked for, by sample and method."""
    place = {(name, method): i for i, (name, method) in enumerate((n, m) for n in names for m in methods)}
    wanted = [r for r in rows if (r["sample"], r["method"]) in place]
    return sorted(wanted, key=lambda r: place[r["sample"], r["method"]])


def write(folder: Path, rows: list[Row], job: Job) -> None:
    files.write(folder / "results.csv", as_csv(rows).encode())
    files.write(folder / "report.md", report(rows, job.title).encode())
    files.write(folder / "index.html", sheet(rows, job.title, job.picture).encode())
