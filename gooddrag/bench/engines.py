"""Who works: this process, several of this machine, or Ray's on several machines. All give the same rows."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator, Sequence

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
        yield from pool.imap_unordered(_Worker(job), tasks)


class _Worker:
    """``work`` on a job; a closure cannot be sent to another process."""

    def __init__(self, job: Job):
        self.job = job

    def __call__(self, task: Task) -> list[Row]:
        return work(self.job, *task)


def ray(job: Job, tasks: Sequence[Task], workers: int) -> Iterator[list[Row]]:
    """On the Ray cluster that the environment names, or on one that is started here. Raises ``ValueError`` when Ray is missing."""
    try:
        import ray as cluster
    except ImportError as error:
        raise ValueError(
            f"--engine ray needs the package ray ({error}); pip install ray, or use --engine local"
        ) from None
    started = not cluster.is_initialized()
    if started:
        cluster.init(num_cpus=workers, include_dashboard=False, log_to_driver=False)
    try:
        remote = cluster.remote(num_cpus=1)(_Worker(job).__call__)
        waiting = [remote.remote(task) for task in tasks]
        while waiting:
            done, waiting = cluster.wait(waiting)
            yield from cluster.get(done)
    finally:
        if started:
            cluster.shutdown()


ENGINES = {"local": local, "ray": ray}
