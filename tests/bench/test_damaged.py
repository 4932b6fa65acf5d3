"""What a benchmark's folder may hold that the runner did not write so: it is passed over, made again or named, and ends nothing."""

import json
import os
import shutil

import numpy as np
import pytest
from finished_run import METHODS, SAMPLES, make
from PIL import Image
from test_run import dataset, job  # noqa: F401 (a fixture)

from gooddrag.bench import study, work
from gooddrag.bench.finished import NOTE, Finished
from gooddrag.bench.gscore.scoring import FILE
from gooddrag.bench.rows import Rows, sound
from gooddrag.bench.run import run
from gooddrag.command import main

DEEP = "[" * 99_999


# pictures


@pytest.fixture
def counted(monkeypatch):
    """The names of samples and methods that are run."""
    ran, plain = [], work.work

    def told(job, name, methods):
        ran.append((name, methods))
        return plain(job, name, methods)

    monkeypatch.setattr("gooddrag.bench.engines.work", told)
    return ran


def cut(path):
    path.write_bytes(path.read_bytes()[:-400])


DAMAGE = {
    "missing": lambda path: path.unlink(),
    "cut": cut,
    "text": lambda path: path.write_text("nonsense"),
    "empty": lambda path: path.write_bytes(b""),
    "a pipe": lambda path: (path.unlink(), os.mkfifo(path)),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_an_edit_without_its_picture_is_made_again(dataset, tmp_path, counted, damage):  # noqa: F811
    shutil.rmtree(tmp_path / "pictures" / "cat_2")
    given = job(dataset, tmp_path / "out", ("nothing",))
    run(given)
    picture, original = given.picture("nothing", "cat_0"), given.picture("original", "cat_1")
    before = picture.read_bytes(), original.read_bytes()
    counted.clear()
    run(given)
    assert counted == []
    for path in (picture, original):
        DAMAGE[damage](path)
    run(given, rows_alone=True)
    assert counted == []  # and the page does not fail
    rows = run(given)
    assert counted == [("cat_0", ("nothing",)), ("cat_1", ())]
    assert [r["sample"] for r in rows] == ["cat_0", "cat_1"]
    assert (picture.read_bytes(), original.read_bytes()) == before


def test_a_damaged_picture_is_shown_to_nobody(tmp_path):
    made = make(tmp_path)
    cut(made.folder / "pictures" / "warp" / "cat_1.png")
    assert made.complete(METHODS) == ["cat_0", "cat_2", "cat_3"]
    assert main(["study", str(made.folder), "--page", str(tmp_path / "p.html")]) == 0
    with pytest.raises(ValueError, match="run the same bench again"):
        made.picture("warp", "cat_1")


# rows

GOOD = {"key": "key", "sample": "cat_0", "kind": "", "method": "warp", "dai_1": 0.1}
UNSOUND = [
    {"kind": None},
    {"kind": "\ud800"},
    {"dai_1": [1]},
    {"dai_1": "0.1"},
    {"dai_1": True},
    {"dai_1": 10**400},
    {"psnr": 1e308},
    {"psnr": {}},
    {"psnr": float("nan")},
    {"psnr": float("inf")},
    {"error": 5},
    {"if_by": 5},
    {"sample": 5},
    {"sample": ["cat_0"]},
    {"method": ["warp"]},
    {"method": "of another version"},
]


@pytest.mark.parametrize("change", UNSOUND, ids=str)
def test_rows_that_are_none_are_as_if_they_were_not_there(tmp_path, change, capfd):
    made = make(tmp_path)
    file = made.folder / "results.jsonl"
    kept = [line for line in file.read_text().splitlines() if '"warp"' not in line or '"cat_0"' not in line]
    wrong = [json.dumps(GOOD | change), json.dumps({k: v for k, v in GOOD.items() if k != "kind"})]
    file.write_text("\n".join([*kept, *wrong, DEEP, "5", '{"a"']) + "\n")
    assert len(Finished.open(made.folder).rows) == len(made.rows) - 1
    people = tmp_path / "p.csv"
    people.write_text(
        "sample,method,rank\n" + "".join(f"{s},{m},{i}\n" for s in SAMPLES for i, m in enumerate(METHODS, 1))
    )
    assert main(["ranks", str(made.folder), "--people", str(people)]) == 0
    assert main(["study", str(made.folder), "--page", str(tmp_path / "p.html")]) == 0
    with file.open("a") as rows:
        for s in SAMPLES:
            rows.write(
                json.dumps(GOOD | {f"dai_{k}": 0.5 for k in (1, 5, 10, 20)} | {"method": "gooddrag", "sample": s})
                + "\n"
            )
            rows.write(
                json.dumps(GOOD | {f"dai_{k}": 0.5 for k in (1, 5, 10, 20)} | change | {"method": "gooddrag"}) + "\n"
            )
    assert main(["figures", "table-1", "--rows", str(made.folder), "--out", str(tmp_path / "t")]) == 0
    table = (tmp_path / "t" / "table-1.md").read_text()
    assert "nan" not in table
    assert "| GoodDrag | 4 | 0.5000 [0.5000, 0.5000] |" in table


def test_an_edit_whose_row_is_none_is_run_again(dataset, tmp_path, counted):  # noqa: F811
    given = job(dataset, tmp_path / "out", ("nothing",))
    whole = run(given)
    file = tmp_path / "out" / "results.jsonl"
    first, *rest = file.read_text().splitlines()
    file.write_text("\n".join([json.dumps({k: v for k, v in json.loads(first).items() if k != "kind"}), *rest]) + "\n")
    counted.clear()
    assert [r["sample"] for r in run(given)] == [r["sample"] for r in whole]
    assert ("cat_0", ("nothing",)) in counted
    assert ("cat_1", ("nothing",)) not in counted


def test_what_the_runner_writes_is_sound(dataset, tmp_path):  # noqa: F811
    assert len(run(job(dataset, tmp_path / "out"))) == 6
    assert all(map(sound, map(json.loads, (tmp_path / "out" / "results.jsonl").read_text().splitlines())))


def test_words_that_are_no_text_are_kept_as_text(tmp_path):
    store = Rows(tmp_path, "key")
    store.add([{**GOOD, "error": "no file cat\udcff.png", "dai_1": float("nan")}])
    assert store.read() == [{**GOOD, "error": r"no file cat\udcff.png", "dai_1": None}]


def test_a_later_failure_does_not_hide_an_edit_nor_an_earlier_one_in_another_file(tmp_path):
    failed = {"key": "key", "sample": "cat_0", "kind": "", "method": "warp", "error": "no"}
    Rows(tmp_path, "key", "-1of2").add([GOOD])
    Rows(tmp_path, "key").add([failed])
    assert Rows(tmp_path, "key").read() == [GOOD]


def test_an_edit_that_was_made_again_in_another_part_counts(tmp_path):
    again = {**GOOD, "dai_1": 0.5}
    Rows(tmp_path, "key").add([GOOD])
    os.utime(tmp_path / "results.jsonl", (1, 1))
    Rows(tmp_path, "key", "-1of2").add([again])
    assert Rows(tmp_path, "key").read() == [again]


ASKED = {"judge": "j", "edits": "key", "methods": list(METHODS), "seed": 0}
SCORES = {"asked": ASKED, "sample": "cat_0", "run": 0, "order": list(METHODS), "scores": [1, 2, 3]}


@pytest.mark.parametrize(
    "change",
    [
        {"asked": None},
        {"asked": {"judge": 5, "edits": "key"}},
        {"sample": []},
        {"run": "0"},
        {"run": 10**400},
        {"order": 5},
        {"order": [["warp"], "warp", "warp"]},
        {"scores": [1, 2]},
        {"scores": [1, 2, 11]},
        {"scores": [1, 2, float("nan")]},
        {"scores": [1, 2, [3]]},
        {"scores": None},
    ],
    ids=str,
)
def test_scores_that_are_none(tmp_path, change):
    made = make(tmp_path)
    good = [SCORES | {"sample": s} for s in SAMPLES]
    lines = [*map(json.dumps, [*good, SCORES | change]), DEEP, "5"]
    (made.folder / FILE).write_text("\n".join(lines))
    people = tmp_path / "p.csv"
    people.write_text(
        "sample,method,rank\n" + "".join(f"{s},{m},{i}\n" for s in SAMPLES for i, m in enumerate(METHODS, 1))
    )
    assert main(["ranks", str(made.folder), "--people", str(people)]) == 0
    assert "| GScore by j | -1.00 [-1.00, -1.00] | 4 |" in (made.folder / "ranks.md").read_text()
    assert main(["figures", "table-2", "--rows", str(made.folder), "--out", str(tmp_path / "t")]) == 0
    assert "| GoodDrag | 4 | 1.00 [" in (tmp_path / "t" / "table-2.md").read_text()


# files that are none


def test_pipes_and_folders_are_not_read(tmp_path, capfd):
    made = make(tmp_path)
    people = tmp_path / "p.csv"
    people.write_text("sample,method,rank\n" + "".join(f"cat_0,{m},1\n" for m in METHODS))
    os.mkfifo(made.folder / "results-x.jsonl")
    (made.folder / "results-y.jsonl").mkdir()
    os.mkfifo(made.folder / FILE)
    assert len(Finished.open(made.folder).rows) == len(made.rows)
    assert main(["ranks", str(made.folder), "--people", str(people)]) == 0
    assert main(["figures", "table-1", "--rows", str(made.folder), "--out", str(tmp_path / "t")]) == 2
    assert main(["figures", "table-2", "--rows", str(made.folder), "--out", str(tmp_path / "t")]) == 2
    assert "has no gscore.jsonl with scores" in capfd.readouterr().err
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    assert main(["ranks", str(made.folder), "--people", str(pipe)]) == 2
    assert "pipe is no plain file" in capfd.readouterr().err
    os.mkfifo(made.folder / study.KEY)
    assert main(["study", str(made.folder), "--page", str(tmp_path / "p.html")]) == 2
    (made.folder / study.KEY).unlink()
    assert main(["study", str(made.folder), "--page", str(tmp_path / "p.html")]) == 0
    assert main(["study", str(made.folder), "--answers", str(pipe)]) == 2
    assert "pipe is no plain file" in capfd.readouterr().err
    (made.folder / NOTE).unlink()
    os.mkfifo(made.folder / NOTE)
    assert main(["ranks", str(made.folder), "--people", str(people)]) == 2
    assert "run.json is damaged" in capfd.readouterr().err
    with pytest.raises(ValueError, match="no plain file; move it away"):
        Rows(made.folder, "key", "-x").add([GOOD])


def test_a_pipe_in_a_dataset_is_no_sample(dataset, tmp_path, capfd):  # noqa: F811
    (tmp_path / "none" / "dog").mkdir(parents=True)
    os.mkfifo(tmp_path / "none" / "dog" / "points.json")
    assert main(["bench", str(tmp_path / "none"), "--out", str(tmp_path / "out")]) == 2
    assert "no sample was found" in capfd.readouterr().err


# what says what the rows are of


@pytest.mark.parametrize(
    "text",
    [
        '{"dataset": "demo", "options": {"x": 1}, "key": "k"}',
        '{"dataset": "demo", "options": [], "key": "k"}',
        '{"dataset": "demo", "options": {"scenes": 1e9, "long": 0, "limit": 1}, "key": "k"}',
        '{"dataset": "demo", "options": {"scenes": 1000000000, "long": 0, "limit": 1}, "key": "k"}',
        '{"dataset": "demo", "options": {"scenes": -1}, "key": "k"}',
        '{"dataset": "demo", "options": {"limit": 0}, "key": "k"}',
        '{"dataset": "demo", "options": {"shift": 1}, "key": "k"}',
        '{"dataset": 5, "options": {}, "key": "k"}',
        '{"dataset": "\\ud800", "options": {}, "key": "k"}',
        '{"dataset": "demo", "options": {}, "key": 5}',
        '{"dataset": "demo"}',
        "5",
        "[]",
        "",
        DEEP,
    ],
    ids=lambda text: text[:70],
)
def test_a_damaged_note(tmp_path, text, capfd):
    made = make(tmp_path)
    (made.folder / NOTE).write_text(text)
    for told in (
        ["ranks", str(made.folder), "--people", "p.csv"],
        ["study", str(made.folder), "--page", str(tmp_path / "p.html")],
    ):
        assert main(told) == 2
        assert "run.json is damaged; run the same bench again to mend it" in capfd.readouterr().err


def test_a_file_for_a_folder(tmp_path, capfd):
    (tmp_path / "p.csv").write_text("")
    for told in (
        ["ranks", "{}", "--people", "x"],
        ["study", "{}", "--page", "{}.html"],
        ["study", "{}", "--answers", "a.json"],
        ["gscore", "{}", "--judge", "j", "--url", "http://localhost:1"],
    ):
        assert main([t.format(tmp_path / "p.csv") for t in told]) == 2
        assert "p.csv is no folder; give the one that" in capfd.readouterr().err


@pytest.mark.parametrize(
    "text", [DEEP, "5", "{}", '[{"study": "s", "question": "quality", "codes": 5}]', '[{"codes": 5}]', "[5]", "",
             '[{"study": [], "question": "quality", "codes": {}}]', '[{"study": "s", "question": "q", "codes": {"a": 5}}]']
)  # fmt: skip
def test_a_damaged_key_of_a_study(tmp_path, text, capfd):
    made = make(tmp_path)
    (made.folder / study.KEY).write_text(text)
    answers = tmp_path / "a.json"
    answers.write_text('{"study": "s", "person": "a", "ranks": {"b": 1}}')
    for told in (["--answers", str(answers)], ["--page", str(tmp_path / "p.html")]):
        assert main(["study", str(made.folder), *told]) == 2
        assert "study.json is damaged" in capfd.readouterr().err
    assert (made.folder / study.KEY).read_text() == text


@pytest.mark.parametrize(
    "change",
    [DEEP, "5", '{"codes": 5}', {"study": []}, {"ranks": 5}, {"ranks": [["b", 1]]}, {"ranks": {"b": 10**400}}, {"ranks": {"b": 0}},
     {"ranks": {"b": [1]}}, {"ranks": {"b": float("inf")}}, {"ranks": {"b": True}}, {"person": "\ud800"}, {"person": []}],
    ids=lambda change: str(change)[:40],
)  # fmt: skip
def test_damaged_answers(tmp_path, change, capfd):
    made = make(tmp_path)
    assert main(["study", str(made.folder), "--page", str(tmp_path / "p.html")]) == 0
    known = json.loads((made.folder / study.KEY).read_text())[0]
    good = {"study": known["study"], "person": "ann", "ranks": dict.fromkeys(known["codes"], 1)}
    answers = tmp_path / "a.json"
    answers.write_text(change if isinstance(change, str) else json.dumps(good | change))
    assert main(["study", str(made.folder), "--answers", str(answers)]) == 2
    told = capfd.readouterr().err.splitlines()[-1]
    assert f"error: {answers} is no file of answers" in told
    assert len(told) < 400


def test_a_cell_that_is_a_whole_file(tmp_path, capfd):
    made = make(tmp_path)
    people = tmp_path / "p.csv"
    for text in ("sample,method,rank\n" + "x" * 140_000, "x" * 140_000):
        people.write_text(text)
        assert main(["ranks", str(made.folder), "--people", str(people)]) == 2
        assert "field larger than field limit" in capfd.readouterr().err
    people.write_text("sample,method,rank\ncat_0,warp,1e300\n")
    assert main(["ranks", str(made.folder), "--people", str(people)]) == 2
    assert "line 2: the rank is '1e300'" in capfd.readouterr().err


def test_names_that_no_report_can_hold_are_named_before_anything(tmp_path, capfd):
    place = tmp_path / "pictures" / "cat\udcff"
    place.mkdir(parents=True)
    Image.fromarray(np.zeros((64, 72, 3), np.uint8)).save(place / "original.png")
    (place / "points.json").write_text(json.dumps({"points": [[20, 20], [40, 30]]}))
    out = ["--out", str(tmp_path / "out")]
    for told in (["bench", str(tmp_path / "pictures"), *out], ["bench", "demo", "--model", "cat\udcff", *out]):
        assert main(told) == 2
        assert "holds bytes that are no text (UTF-8); rename it" in capfd.readouterr().err
