"""One writer in a folder: who it is is told, one that was killed is in nobody's way, and parts go beside each other."""

import errno
import multiprocessing
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from test_run import dataset, job  # noqa: F401 (a fixture)

from gooddrag.bench import lock
from gooddrag.bench.lock import _overlap, held
from gooddrag.bench.run import run

ROOT = Path(__file__).parent.parent.parent
HOLD = """
import sys, time
from pathlib import Path
from gooddrag.bench.lock import held
with held(Path(sys.argv[1]), "bench", (int(sys.argv[2]), int(sys.argv[3]))):
    print("held", flush=True)
    time.sleep(600)
"""


@pytest.fixture
def holding(tmp_path):
    """Other processes that hold a part of ``tmp_path``."""
    processes = []

    def start(index=1, parts=1):
        told = [sys.executable, "-c", HOLD, str(tmp_path), str(index), str(parts)]
        processes.append(subprocess.Popen(told, cwd=ROOT, stdout=subprocess.PIPE, text=True))
        assert processes[-1].stdout.readline() == "held\n"
        return processes[-1]

    yield start
    for process in processes:
        process.kill()
        process.wait()


def test_the_second_is_told_who_writes_there_and_a_killed_one_is_in_nobodys_way(tmp_path, holding):
    first = holding()
    for part in ((1, 1), (2, 3)):
        with pytest.raises(
            ValueError, match=f"process {first.pid} on .* is writing to .* since 20.*give another folder"
        ):
            held(tmp_path, "bench", part).__enter__()
    first.send_signal(signal.SIGKILL)
    first.wait()
    assert (tmp_path / "bench-1of1.lock").is_file()
    with held(tmp_path, "bench", (2, 3)), held(tmp_path, "bench", (1, 3)):
        pass
    with held(tmp_path, "bench"), pytest.raises(ValueError, match=f"process {os.getpid()} on"):
        held(tmp_path, "bench").__enter__()
    assert list(tmp_path.iterdir()) == []


def test_parts_that_share_no_sample_go_beside_each_other(tmp_path, holding):
    holding(1, 2)
    with held(tmp_path, "bench", (2, 2)), held(tmp_path, "gscore"):
        pass
    for part in ((1, 2), (1, 1), (3, 4)):
        with pytest.raises(ValueError, match="is writing to"):
            held(tmp_path, "bench", part).__enter__()
    with held(tmp_path, "bench", (2, 4)):
        pass


def test_parts_overlap_where_they_have_samples_in_common():
    names = range(60)
    parts = [(i, n) for n in (1, 2, 3, 4, 6) for i in range(1, n + 1)]
    for a in parts:
        for b in parts:
            common = set(names[a[0] - 1 :: a[1]]) & set(names[b[0] - 1 :: b[1]])
            assert _overlap(a, b) == bool(common), (a, b)


def test_what_is_no_lock(tmp_path):
    os.mkfifo(tmp_path / "bench-1of1.lock")
    with pytest.raises(ValueError, match="no plain file; move it away"):
        held(tmp_path, "bench").__enter__()
    (tmp_path / "bench-1of1.lock").unlink()
    (tmp_path / "bench-1of1.lock").write_text("[" * 99_999)
    (tmp_path / "bench-1of0.lock").write_text("")
    with held(tmp_path, "bench"), pytest.raises(ValueError, match="is writing to"):
        held(tmp_path, "bench").__enter__()


def test_a_disk_without_locks(tmp_path, holding, monkeypatch):
    """The name of a living process counts."""

    def none(*_):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(lock.fcntl, "flock", none)
    first = holding()
    for part in ((1, 1), (2, 3)):
        with pytest.raises(ValueError, match=f"process {first.pid} on"):
            held(tmp_path, "bench", part).__enter__()
    first.send_signal(signal.SIGKILL)
    first.wait()
    with held(tmp_path, "bench"):
        pass


def test_a_lock_that_its_writer_takes_away_meanwhile(tmp_path, monkeypatch):
    plain, left = lock._lock, []

    def late(opened):
        if not left:
            left.append((tmp_path / "bench-1of1.lock").unlink())
        return plain(opened)

    monkeypatch.setattr(lock, "_lock", late)
    with held(tmp_path, "bench"):
        assert (tmp_path / "bench-1of1.lock").is_file()


@pytest.mark.long
def test_a_bench_holds_its_folder_and_its_workers_do_not(dataset, tmp_path, holding):  # noqa: F811
    given = job(dataset, tmp_path, ("nothing",))
    first = holding(1, 2)
    with pytest.raises(ValueError, match=f"process {first.pid} on"):
        run(given)
    assert not (tmp_path / "results.jsonl").exists()
    told = []

    def tell(*_):
        with pytest.raises(ValueError, match=f"process {os.getpid()} on"):
            held(tmp_path, "bench", (2, 2)).__enter__()
        told.append(len(multiprocessing.active_children()))

    run(given, part=(2, 2), workers=2, tell=tell)
    assert told
    assert not (tmp_path / "bench-2of2.lock").exists()
