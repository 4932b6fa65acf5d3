"""Who works: this process, several of this machine, or Ray's on several machines. All give the same rows."""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool

from ..libraries import LibraryError
from .optional import needed
from .rows import Row
from .work import Job, work

MOST = 61
"""Processes that Windows can wait for at once."""
KILLED = (
    "a worker ended, mostly because the memory did not hold them all; what was done is kept, and the same command with fewer "
    "--workers goes on"
)
Task = tuple[str, tuple[str, ...]]
"""A sample's name and the methods that are still to be run on it."""


def local(job: Job, tasks: Sequence[Task], workers: int) -> Iterator[list[Row]]:
    """In ``workers`` processes, or in this one; rows arrive as they are done. Raises ``LibraryError`` when one is killed."""
    if workers == 1:
        yield from (work(job, *task) for task in tasks)
        return
    before = multiprocessing.active_children()
    # spawn: a fork of a process whose libraries have threads may hang
    spawn = multiprocessing.get_context("spawn")
    most = min(workers, len(tasks), MOST if os.name == "nt" else workers)
    pool = ProcessPoolExecutor(most or 1, spawn, initializer=_end_with_parent)
    try:
        for done in as_completed([pool.submit(work, job, *task) for task in tasks]):
            yield done.result()
    except BrokenProcessPool as error:
        raise LibraryError(f"{KILLED} ({error})") from None
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        for process in set(multiprocessing.active_children()) - set(before):
            process.terminate()  # whoever cancels does not wait for the edits that have begun


def _end_with_parent() -> None:
    """A worker whose parent was killed would wait for ever, with a model in its memory."""

    def watch() -> None:
        multiprocessing.parent_process().join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


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
