"""The runner: what was stopped goes on, and any number of workers gives the same rows."""

import json
import multiprocessing
import shutil
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from gooddrag import DragConfig
from gooddrag.bench.finished import Finished
from gooddrag.bench.methods import METHODS as methods
from gooddrag.bench.metrics import no_reference
from gooddrag.bench.run import run
from gooddrag.bench.work import Job
from gooddrag.command import main
from gooddrag.command.models import Loader, asked
from gooddrag.libraries import LibraryError

TINY = str(Path(__file__).parent.parent / "parity" / "data")
SHORT = DragConfig(
    inference_steps=6, operations=1, gradient_steps=1, tracking_radius=4, lora_steps=0, background="lock"
)
METHODS = ("gooddrag", "nothing")


@pytest.fixture
def dataset(tmp_path):
    folder = tmp_path / "pictures"
    for i in range(3):
        place = folder / f"cat_{i}"
        place.mkdir(parents=True)
        picture = np.random.default_rng(i).integers(0, 256, (64, 72, 3), dtype=np.uint8)
        Image.fromarray(picture).save(place / "original.png")
        (place / "points.json").write_text(json.dumps({"points": [[20, 20], [40, 30]] if i < 2 else [[1, 1]]}))
    return str(folder)


def job(dataset, out, methods=METHODS):
    return Job(dataset, methods, TINY, Loader(TINY, "cpu"), SHORT, out)


def untimed(row):
    """What is the same with any number of workers."""
    return {k: v for k, v in row.items() if k not in ("seconds", "prepared_seconds")}


def test_rows_pages_and_a_malformed_sample_that_is_skipped(dataset, tmp_path):
    rows = run(job(dataset, tmp_path / "out"))
    assert [(r["sample"], r["method"], "error" in r) for r in rows] == [
        (f"cat_{i}", m, i == 2) for i in range(3) for m in METHODS
    ]
    assert "sample skipped" in rows[-1]["error"]
    assert all(r["dai_1"] >= 0 and r["evaluations"] >= 0 for r in rows[:4])
    for name in ("results.jsonl", "results.csv", "report.md", "index.html", "pictures/gooddrag/cat_0.png"):
        assert (tmp_path / "out" / name).is_file()
    assert "2 of 6 failed" in (tmp_path / "out" / "report.md").read_text()


def test_a_killed_run_goes_on(dataset, tmp_path):
    whole = run(job(dataset, tmp_path / "whole"))
    file = tmp_path / "out" / "results.jsonl"
    run(job(dataset, tmp_path / "out"))
    file.write_text(file.read_text()[:-300])  # in the middle of a line
    told = []
    again = run(job(dataset, tmp_path / "out"), tell=lambda done, total, rows: told.append(rows[0]["sample"]))
    assert [untimed(r) for r in again] == [untimed(r) for r in whole]
    assert "cat_0" not in told


def test_pictures_that_a_run_of_other_settings_wrote_over_are_made_again(dataset, tmp_path):
    mine, other = (
        job(dataset, tmp_path / "out"),
        replace(job(dataset, tmp_path / "out"), config=SHORT.replace(drag_size=9.0)),
    )
    path = mine.picture("gooddrag", "cat_0")
    rows, first = run(mine), path.read_bytes()
    run(other)
    assert path.read_bytes() != first
    judged = Finished.open(tmp_path / "out")
    assert judged.key == other.key
    (tmp_path / "out" / "run.json").write_text(json.dumps({"dataset": dataset, "options": {}, "key": mine.key}))
    assert "cat_0" not in Finished.open(tmp_path / "out").complete(["gooddrag"])
    with pytest.raises(ValueError, match="other settings made it"):
        Finished.open(tmp_path / "out").picture("gooddrag", "cat_0")
    assert [untimed(r) for r in run(mine)] == [untimed(r) for r in rows]
    assert path.read_bytes() == first
    assert "picture" not in (tmp_path / "out" / "results.csv").read_text().splitlines()[0]


def test_a_prompt_that_a_model_cannot_read_is_a_row_that_says_so(dataset, tmp_path):
    place = Path(dataset) / "cat_1" / "points.json"
    place.write_text(json.dumps({**json.loads(place.read_text()), "prompt": "a cat"}))
    rows = run(job(dataset, tmp_path / "out"))
    assert ["error" in r for r in rows] == [False, False, True, True, True, True]
    assert "this model has no text encoder" in rows[2]["error"]


def test_rows_of_the_demo_model_as_it_was_before_do_not_count(dataset, tmp_path, monkeypatch):
    mine, demos = (
        job(dataset, tmp_path),
        [job("demo", tmp_path), *(replace(job(dataset, tmp_path), model=m) for m in ("demo", "demo in bf16"))],
    )
    assert mine.model != "demo"
    before = [mine.key, *(j.key for j in demos)]
    monkeypatch.setattr("gooddrag.demo.version", lambda: "another")
    assert mine.key == before[0]
    assert all(j.key != key for j, key in zip(demos, before[1:]))


def test_another_model_under_the_same_name_is_another(dataset, tmp_path):
    folder = tmp_path / "model" / "unet"
    folder.mkdir(parents=True)
    weights = folder / "diffusion_pytorch_model.safetensors"
    weights.write_bytes(bytes(200_000))
    loader = Loader(str(tmp_path / "model"), "cpu")
    before = replace(job(dataset, tmp_path), weights=loader.weights)
    weights.write_bytes(bytes(100_000) + b"x" + bytes(99_999))
    assert replace(before, weights=loader.weights).key != before.key
    assert Loader("demo", "cpu").weights == Loader(str(tmp_path / "none"), "cpu").weights == ""


def test_a_model_that_is_a_link_keeps_its_name(tmp_path):
    """As in the cache of the model hub, where what it leads to has no ending by which it could be read."""
    (tmp_path / "abc123").write_bytes(b"weights")
    link = tmp_path / "model.safetensors"
    link.symlink_to(tmp_path / "abc123")
    args = SimpleNamespace(model=str(link), device="cpu", precision="float32", channels_last=False, compile=False)
    assert asked(args).name == str(link)


def test_a_worker_that_is_killed_ends_the_run(dataset, tmp_path):
    for i in range(3, 9):
        shutil.copytree(Path(dataset) / "cat_0", Path(dataset) / f"cat_{i}")
    whole = run(job(dataset, tmp_path / "whole"))

    def kill(_done, _total, _rows):
        for process in multiprocessing.active_children():
            process.kill()

    with pytest.raises(LibraryError, match="with fewer --workers goes on"):
        run(job(dataset, tmp_path / "out"), workers=2, tell=kill)
    assert [untimed(r) for r in run(job(dataset, tmp_path / "out"))] == [untimed(r) for r in whole]


def test_the_report_says_what_all_share_and_dragdiffusion_takes_nothing_of_ours(dataset, tmp_path):
    shared = replace(job(dataset, tmp_path / "out"), config=SHORT.replace(warp_start=True, exact_source=True))
    run(shared)
    assert "shared by all: " in (tmp_path / "out" / "report.md").read_text().splitlines()[0]
    assert "exact_source true" in shared.title
    theirs = methods["dragdiffusion"].edit.config(shared.config)
    assert not theirs.warp_start
    assert not theirs.exact_source
    assert methods["gooddrag"].edit.config(shared.config).warp_start


def test_a_run_that_did_nothing_changes_nothing(dataset, tmp_path, monkeypatch):
    run(job(dataset, tmp_path / "out"))
    monkeypatch.setattr("gooddrag.bench.run.ENGINES", {"local": _away})
    with pytest.raises(OSError, match="away"):
        run(replace(job(dataset, tmp_path / "out"), config=SHORT.replace(drag_size=9.0)))
    assert Finished.open(tmp_path / "out").complete(METHODS)


def test_a_shorter_run_with_nothing_to_do_leaves_the_longer_one_as_it_was(dataset, tmp_path):
    shutil.rmtree(Path(dataset) / "cat_2")
    run(job(dataset, tmp_path / "out"))
    short = replace(job(dataset, tmp_path / "out"), options={"limit": 1})
    for fewer in (short, replace(short, methods=("sde-drag",))):
        run(fewer)
        assert len(Finished.open(tmp_path / "out").complete(METHODS)) == 2
    (tmp_path / "out" / "run.json").write_text(
        json.dumps({"dataset": dataset, "options": {"limit": 1}, "key": short.key})
    )
    run(job(dataset, tmp_path / "out"))
    assert len(Finished.open(tmp_path / "out").complete(METHODS)) == 2


def test_rows_outlive_a_dataset_and_a_model_that_were_moved(dataset, tmp_path):
    shutil.rmtree(Path(dataset) / "cat_2")
    first = replace(job(dataset, tmp_path / "out"), weights="fingerprint")
    rows = run(first)
    moved = tmp_path / "elsewhere" / Path(dataset).name
    moved.parent.mkdir()
    shutil.move(dataset, moved)
    second = replace(first, dataset=str(moved), model="./other/name")
    told = []
    assert run(second, tell=lambda *given: told.append(given)) == rows
    assert told == []
    assert Finished.open(tmp_path / "out").complete(METHODS)
    assert replace(second, weights="another").key != second.key
    assert replace(second, dataset=str(tmp_path)).key != second.key


def test_options_of_the_demo_world_are_refused_with_a_folder(dataset, tmp_path, capsys):
    for option in (["--shift"], ["--scenes", "2"], ["--long", "0"]):
        assert main(["bench", dataset, "--out", str(tmp_path / "none"), *option]) == 2
        assert f"{option[0]} is for the dataset demo alone" in capsys.readouterr().err
    assert not (tmp_path / "none").exists()


def _away(*_):
    raise OSError("away")


def test_two_workers_and_two_parts_give_the_same_rows(dataset, tmp_path):
    one = run(job(dataset, tmp_path / "one"))
    two = run(job(dataset, tmp_path / "two"), workers=2)
    for i in (1, 2):
        run(job(dataset, tmp_path / "parts"), part=(i, 2))
    parts = run(job(dataset, tmp_path / "parts"))
    assert [untimed(r) for r in one] == [untimed(r) for r in two] == [untimed(r) for r in parts]


def test_ray_gives_the_same_rows(dataset, tmp_path):
    pytest.importorskip("ray", reason="the package ray is not installed")
    one, clustered = run(job(dataset, tmp_path / "one")), run(job(dataset, tmp_path / "ray"), engine="ray", workers=2)
    assert [untimed(r) for r in one] == [untimed(r) for r in clustered]


def test_an_engine_that_is_not_there_is_named(dataset, tmp_path):
    with pytest.raises(ValueError, match="local, ray"):
        run(job(dataset, tmp_path / "out"), engine="dask")


def test_the_command_says_what_is_wrong(dataset, tmp_path, capsys):
    assert main(["bench", str(tmp_path / "none"), "--out", str(tmp_path / "o")]) == 2
    assert "is no folder" in capsys.readouterr().err


def test_quality_without_a_reference_is_a_column_where_pyiqa_is_there(dataset, tmp_path, monkeypatch):
    """With a stand-in for pyiqa, whose networks are a download of their own: it is asked for the paper's three, of each edit."""
    asked = []

    def create_metric(name, device):
        asked.append(name)
        return lambda x: x.mean() if x.shape[:2] == (1, 3) and 0 <= x.min() <= x.max() <= 1 else None

    monkeypatch.setitem(sys.modules, "pyiqa", SimpleNamespace(create_metric=create_metric))
    no_reference._metrics.cache_clear()
    given = replace(job(dataset, tmp_path / "out", ("nothing",)), no_reference=True)
    rows = [r for r in run(given) if "error" not in r]
    assert asked == ["tres", "musiq", "topiq_nr"]
    picture = np.asarray(Image.open(tmp_path / "out" / "pictures" / "nothing" / "cat_0.png"))
    assert rows[0]["musiq"] == pytest.approx(picture.mean() / 255, abs=1e-5)
    assert "MUSIQ" in (tmp_path / "out" / "report.md").read_text()
    no_reference._metrics.cache_clear()


def test_without_pyiqa_it_is_named(dataset, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyiqa", None)
    no_reference._metrics.cache_clear()
    rows = run(replace(job(dataset, tmp_path / "out", ("nothing",)), no_reference=True))
    assert "pyiqa" in rows[0]["error"]
    assert "pip install pyiqa" in rows[0]["error"]
    assert main(["bench", "demo", "--out", str(tmp_path / "other"), "--no-reference"]) == 1
    assert not (tmp_path / "other" / "results.jsonl").exists()
