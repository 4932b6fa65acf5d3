"""The paper's figures on the tiny model: rows, a finding and a drawing each, and bad input of the command."""

import csv
import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from gooddrag import DragConfig, DragPoints
from gooddrag.bench import tables
from gooddrag.bench.figures import FIGURES, drift, fewer, noises
from gooddrag.bench.methods import Prepared
from gooddrag.bench.sample import Sample
from gooddrag.command import main
from gooddrag.network.memory import NotEnoughMemory

SHORT = DragConfig(
    inference_steps=6, operations=2, operations_per_step=1, gradient_steps=1, tracking_radius=4, lora_steps=0
)


@pytest.fixture
def pictures(model, vae, text):
    mask = np.zeros((64, 96), bool)
    mask[8:56, 8:88] = True
    points = DragPoints(((32, 32), (10, 10)), ((64, 32), (10, 10)), 96, 64)
    return [
        Prepared(
            Sample(name, np.random.default_rng(i).integers(0, 256, (64, 96, 3), dtype=np.uint8), points, mask),
            model,
            vae,
            text,
            SHORT.replace(background="lock"),
        )
        for i, name in enumerate("ab")
    ]


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_has_rows_words_and_a_drawing(name, pictures, monkeypatch, tmp_path):
    monkeypatch.setattr(noises, "NOISES", 3)
    monkeypatch.setattr(fewer, "OPERATIONS", (2, 1))
    monkeypatch.setattr(drift, "MAPS_AFTER", (1, 2))
    shown = FIGURES[name].show(iter(pictures[: 2 if name == "4" else 1]))
    assert {r["sample"] for r in shown.rows} == ({"a", "b"} if name == "4" else {"a"})
    assert (
        "over 2 pictures, with 95 % intervals" if name == "4" else "of one drag, without an interval"
    ) in shown.finding
    assert "nan" not in shown.finding
    (tmp_path / "f.png").write_bytes(shown.png())
    with Image.open(tmp_path / "f.png") as image:
        assert len(image.convert("L").resize((64, 64)).getcolors()) > 8  # not a blank sheet


def test_the_three_ways_add_the_same_noise():
    drawn = torch.randn(noises.NOISES, 1, 4, 3, 3)
    for way in noises.WAYS:
        added = [noises._added(way, drawn, i) for i in range(12)]
        assert torch.allclose(sum(a for a in added if a is not None), drawn.sum(dim=0))
    assert noises._added("at once", drawn, 1) is None
    assert noises._added("at once, later", drawn, 0) is None


def test_noise_that_is_none_changes_nothing(pictures, monkeypatch):
    monkeypatch.setattr(noises, "DEVIATION", 0.0)
    monkeypatch.setattr(noises, "NOISES", 3)
    assert {r["psnr"] for r in noises.show(iter(pictures[:1])).rows} == {100.0}


def test_where_nothing_was_dragged_the_heat_map_is_nothing_at_the_handle_alone(pictures):
    prepared = pictures[0]
    with prepared.fitted():
        config = prepared.config.replace(learning_rate=1e-9)
        there = drift.heat(prepared.model, prepared.drag(config), config)
    assert there.shape == (9, 9)
    assert np.unravel_index(np.nanargmin(there), there.shape) == (4, 4)
    assert there[4, 4] < 1e-4 < 1e-2 < np.nanmin(np.delete(there.ravel(), 40))


def test_the_command_writes_a_figure_of_a_folder(tmp_path, monkeypatch):
    place = tmp_path / "pictures" / "cat"
    place.mkdir(parents=True)
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 72, 3), dtype=np.uint8)).save(place / "original.png")
    (place / "points.json").write_text(json.dumps({"points": [[20, 20], [40, 30]]}))
    broken = tmp_path / "pictures" / "dog"
    broken.mkdir()
    (broken / "points.json").write_text("{}")
    tiny = str(Path(__file__).parent.parent / "parity" / "data")
    told = [
        "figures",
        "4",
        "--dataset",
        str(tmp_path / "pictures"),
        "--model",
        tiny,
        "--lora-steps",
        "0",
        "--like",
        "fast",
    ]
    assert main([*told, "--out", str(tmp_path / "out")]) == 0
    rows = list(csv.DictReader((tmp_path / "out" / "figure-4.csv").open()))
    assert [r["way"] for r in rows] == list(noises.WAYS)
    assert (tmp_path / "out" / "figure-4.png").read_bytes().startswith(b"\x89PNG")
    assert "dB better than all at z_T" in (tmp_path / "out" / "figure-4.md").read_text()


def _measured(folder, drags, methods, dataset="demo"):
    rows = [
        {"key": "k", "sample": f"s{s}", "kind": "", "method": m, "ratio": 0.5}
        | {f"dai_{g}": 0.1 * (i + 1) for g in (1, 5, 10, 20)}
        for s in range(drags)
        for i, m in enumerate(methods)
    ]
    folder.mkdir()
    (folder / "results.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))
    (folder / "run.json").write_text(json.dumps({"dataset": dataset, "options": {}, "key": "k"}))
    return rows


def test_a_table_has_every_method_that_was_measured_and_says_what_the_papers_column_is_of(tmp_path, capfd):
    _measured(tmp_path / "rows", 1, ("warp", "gooddrag", "nothing"))
    with (tmp_path / "rows" / "results.jsonl").open("a") as file:
        file.write(
            json.dumps({"key": "k", "sample": "s0", "kind": "", "method": "sde-drag", "error": "ValueError: odd"})
            + "\n"
        )
    assert main(["figures", "table-1", "--rows", str(tmp_path / "rows"), "--out", str(tmp_path / "out")]) == 0
    words = (tmp_path / "out" / "table-1.md").read_text()
    assert words.strip() in capfd.readouterr().err
    assert [line.split(" | ")[0] for line in words.splitlines() if line.startswith("| ")][2:] == [
        "| GoodDrag",
        "| the inverted latent warped once, as FastDrag does",
        "| no edit",
    ]
    assert "of one drag, without an interval" in words
    assert "95 %" not in words
    assert "of other pictures (Drag100)" in words
    assert "The paper's table has DragDiffusion, DragDiffusion*, GoodDrag; the other rows" in words
    assert "Left out, since none of their edits succeeded: SDE-Drag." in words


def test_a_table_is_of_the_settings_that_ran_last(tmp_path, capfd):
    _measured(tmp_path / "rows", 3, ("gooddrag",))
    more = [{**r, "key": "earlier"} for r in _measured(tmp_path / "others", 2, ("gooddrag",))]
    with (tmp_path / "rows" / "results.jsonl").open("a") as file:
        file.write("".join(json.dumps(r) + "\n" for r in more))
    told = ["figures", "table-1", "--rows", str(tmp_path / "rows"), "--out", str(tmp_path / "out")]
    assert main(told) == 0
    assert [r["drags"] for r in csv.DictReader((tmp_path / "out" / "table-1.csv").open())] == ["3"]
    (tmp_path / "others" / "results.jsonl").write_text("".join(json.dumps(r) + "\n" for r in more))
    assert main(["figures", "table-1", "--rows", str(tmp_path / "others"), "--out", str(tmp_path / "out")]) == 2
    assert "all 2 rows" in capfd.readouterr().err
    (tmp_path / "rows" / "run.json").unlink()
    assert main(told) == 2
    assert "rows of several settings" in capfd.readouterr().err


def test_the_papers_own_pictures_are_no_others(tmp_path):
    _measured(tmp_path / "rows", 2, ("gooddrag",), dataset=str(tmp_path / "Drag100"))
    assert main(["figures", "table-1", "--rows", str(tmp_path / "rows"), "--out", str(tmp_path / "out")]) == 0
    words = (tmp_path / "out" / "table-1.md").read_text()
    assert "| the paper's DAI(1), of Drag100 |" in words
    assert "over 2 drags, with 95 % intervals" in words
    assert "Left out" not in words


@pytest.mark.parametrize(("drags", "there"), [(1, "there is one"), (2, "there are 2"), (3, None)])
def test_few_drags_have_no_table_of_differences(tmp_path, drags, there):
    words = tables.report(_measured(tmp_path / "rows", drags, ("gooddrag", "nothing")), "demo")
    if there:
        assert f"take 3 drags that both methods have; {there}." in words
        assert "95 %" not in words
    else:
        assert "Medians, with 95 % intervals" in words
        assert "Mean paired differences to GoodDrag" in words


@pytest.mark.parametrize(
    ("told", "says"),
    [
        (["table-1"], "give --rows"),
        (["table-1", "--rows", "{tmp}"], "has no results"),
        (["table-2", "--rows", "{tmp}"], "has no gscore.jsonl"),
        (["4", "--dataset", "{tmp}/nowhere"], "nowhere"),
    ],
)
def test_bad_input(told, says, tmp_path, capfd):
    given = ["figures", *(t.replace("{tmp}", str(tmp_path)) for t in told), "--out", str(tmp_path / "out")]
    assert main(given) == 2
    assert not (tmp_path / "out").exists()
    assert says in capfd.readouterr().err


def test_without_matplotlib_nothing_is_computed(tmp_path, monkeypatch, capfd):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.delitem(sys.modules, "matplotlib.figure", raising=False)
    assert main(["figures", "4", "--out", str(tmp_path)]) == 1
    told = capfd.readouterr().err
    assert "drawing a figure needs the package matplotlib" in told
    assert "pip install matplotlib" in told
    assert "[1/" not in told


def test_an_output_that_cannot_be_written(tmp_path, capfd):
    (tmp_path / "file").write_text("")
    for command in (["bench", "demo"], ["figures", "4"]):
        assert main([*command, "--out", str(tmp_path / "file" / "out")]) == 2
        assert "cannot be written to" in capfd.readouterr().err


@pytest.mark.parametrize(
    "told", [["--scenes", "0"], ["--scenes", "-3"], ["--long", "-1"], ["--seed", "-1"], ["--limit", "0"]]
)
def test_counts_that_are_none(told, tmp_path, capfd):
    with pytest.raises(SystemExit):
        main(["bench", "demo", "--out", str(tmp_path), *told])
    assert "is no number from" in capfd.readouterr().err


@pytest.mark.parametrize("name", ["4", "12", "13", "14"])
def test_where_every_sample_is_skipped_nothing_is_written(name, tmp_path, capfd):
    place = tmp_path / "cats" / "cat_0"
    place.mkdir(parents=True)
    Image.new("RGB", (64, 64)).save(place / "original.png")
    (place / "points.json").write_text(json.dumps({"points": [[20, 20], [40, 30]], "prompt": "a cat"}))
    out = tmp_path / "out"
    assert main(["figures", name, "--dataset", str(tmp_path / "cats"), "--out", str(out)]) == 2
    said = capfd.readouterr().err
    assert "cat_0 skipped: " in said
    assert "no sample is left to make a figure of" in said
    assert not any(out.iterdir())


@pytest.mark.parametrize(
    "error", [NotEnoughMemory("too little; use smaller pictures"), MemoryError(), RuntimeError("out of memory")]
)
def test_too_little_memory_is_said(error, tmp_path, monkeypatch, capfd):
    def show(_pictures):
        raise error

    monkeypatch.setitem(FIGURES, "4", replace(FIGURES["4"], show=show))
    assert main(["figures", "4", "--out", str(tmp_path / "out")]) == 1
    assert "use smaller pictures" in capfd.readouterr().err
