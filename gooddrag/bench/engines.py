"""Who works: this process, several of this machine, or Ray's on several machines. All give the same rows."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator, Sequence

from .optional import needed
from .rows import Row
from .work import Job, work

Task = tuple[str, tuple[str, ...]]
"""A sample's name and the methods that are still to be run on it."""


def local(job: Job, tasks: Sequence[Task], workers: int) -> Iterator[list[Row]]:
    """In ``workers`` processes, or in this one; rows arrive as they are done."""
    if workers == 1:
        yield from (work(job, *task) for task in tasks)
        return
    # spawn: a fork of a process whose libraries have threads may hang
    with multiprocessing.get_context("spawn").Pool(min(workers, len(tasks)) or 1) as pool:
        yield from pool.imap_unordered(_worked, [(job, *task) for task in tasks])


def _worked(given: tuple) -> list[Row]:
    """``work``; a lambda cannot be sent to another process."""
    return work(*given)


def ray(job: Job, tasks: Sequence[Task], workers: int) -> Iterator[list[Row]]:
    """On the Ray cluster that the environment names, or on one that is started here. Raises ``LibraryError`` without Ray."""
    cluster = needed("ray", "--engine ray")
    started = not cluster.is_initialized()
    if started:
        cluster.init(num_cpus=workers, include_dashboard=False, log_to_driver=False)
    try:
        remote = cluster.remote(num_cpus=1)(work)
        waiting = [remote.remote(job, *task) for task in tasks]
        while waiting:
            done, waiting = cluster.wait(waiting)
            yield from cluster.get(done)
    finally:
        if started:
            cluster.shutdown()


ENGINES = {"local": local, "ray": ray}
