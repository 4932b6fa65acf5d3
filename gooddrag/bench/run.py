"""A benchmark: every method on every sample, gone on with where it was stopped, with tables and a contact sheet at its end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from .. import files
from . import finished
from .engines import ENGINES, Task
from .rows import Row, Rows
from .sheet import sheet
from .tables import as_csv, report
from .work import Job

Tell = Callable[[int, int, list[Row]], None]


def run(
    job: Job, *, workers: int = 1, engine: str = "local", part: tuple[int, int] = (1, 1), tell: Tell | None = None
) -> list[Row]:
    """Run what is missing of ``job`` and write ``results.jsonl``, ``results.csv``, ``report.md`` and ``index.html`` to its folder.

    Gives all rows, in the order of samples and methods, whatever the order in which they were done. ``part`` ``(i, n)``: only
    every n-th sample from the i-th on, for a machine that shares the work with others; without it the rows of all are
    gathered. ``tell`` hears of samples done, samples in all, and rows.
    """
    if engine not in ENGINES:
        raise ValueError(f"the engine is {engine!r}; it must be one of {', '.join(ENGINES)}")
    index, parts = part
    if not 1 <= index <= parts:
        raise ValueError(f"the part is {index}/{parts}; write it as 1/{parts} to {parts}/{parts}")
    job.out.mkdir(parents=True, exist_ok=True)
    finished.note(job.out, job.dataset, job.options, job.key)
    names = [e.name for e in job.samples()]
    store = Rows(job.out, job.key, f"-{index}of{parts}" if parts > 1 else "")
    done = {(r["sample"], r["method"]) for r in store.read() if "error" not in r}
    missing = ((name, tuple(m for m in job.methods if (name, m) not in done)) for name in names[index - 1 :: parts])
    tasks: list[Task] = [task for task in missing if task[1]]
    for i, rows in enumerate(ENGINES[engine](job, tasks, workers), 1):
        store.add(rows)
        if tell:
            tell(i, len(tasks), rows)
    rows = ordered(store.read(), names, job.methods)
    write(job.out, rows, job)
    return rows


def ordered(rows: Sequence[Row], names: Sequence[str], methods: Sequence[str]) -> list[Row]:
    """Those that were asked for, by sample and method."""
    place = {(name, method): i for i, (name, method) in enumerate((n, m) for n in names for m in methods)}
    wanted = [r for r in rows if (r["sample"], r["method"]) in place]
    return sorted(wanted, key=lambda r: place[r["sample"], r["method"]])


def write(folder: Path, rows: list[Row], job: Job) -> None:
    title = f"{job.samples().name}, model {job.model}"
    files.write(folder / "results.csv", as_csv(rows).encode())
    files.write(folder / "report.md", report(rows, title).encode())
    files.write(folder / "index.html", sheet(rows, title, job.picture).encode())
