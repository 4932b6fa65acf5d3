"""Files that a person names: none lies over what a benchmark keeps, and what cannot be written is said in a sentence."""

import os
from pathlib import Path

import numpy as np
import pytest
from finished_run import make
from PIL import Image

from gooddrag.command import main


def everything(folder):
    return {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.fixture
def bench(tmp_path):
    """With all that may lie in such a folder."""
    made = make(tmp_path)
    for name in ("study.json", "index.html", "report.md", "results.csv", "gscore.jsonl", "gscore.md", "ranks.md"):
        (made.folder / name).write_text("[]")
    (tmp_path / "link").symlink_to(made.folder)
    return made.folder


OWN = ["index.html", "INDEX.HTML", "results.html", "pictures/warp/x.html", "Pictures/x.html", "../link/index.html"]


@pytest.mark.parametrize("name", OWN)
def test_a_page_is_not_written_over_a_bench(bench, tmp_path, name, capfd):
    if name.startswith("Pictures"):
        os.rename(bench / "pictures", bench / "Pictures")
    before = everything(bench)
    elsewhere = make(tmp_path / "other").folder
    for folder in (bench, elsewhere):
        assert main(["study", str(folder), "--page", str(bench / name)]) == 2
        assert "is a file of the benchmark in that folder; give another name" in capfd.readouterr().err
    assert everything(bench) == before


@pytest.mark.parametrize(
    "name", ["results.jsonl", "run.json", "study.json", "pictures/warp/cat_0.png", "page", "page.txt", ".html"]
)
def test_a_page_is_a_page(bench, name, capfd):
    before = everything(bench)
    assert main(["study", str(bench), "--page", str(bench / name)]) == 2
    assert "must end in .html or .htm; give it such a name" in capfd.readouterr().err
    assert everything(bench) == before


@pytest.mark.parametrize(
    ("option", "says"),
    [
        (["--page", "{}/none/p.html"], "none does not exist; make it first"),
        (["--page", "{}/folder.html"], "folder.html is a folder; give the name of a file"),
        (["--page", "{}/pipe.html"], "pipe.html is no plain file"),
        (["--page", "/proc/p.html"], "--page /proc/p.html cannot be written"),
        (["--page", "{}/" + "x" * 252 + ".html"], "is longer than 255 bytes; give another name"),
        (["--page", "{}/\ud800.html"], "holds characters that no name can have; give another name"),
        (["--answers", "{}/a.json", "--out", "{}/a.json"], "must end in .csv"),
        (["--answers", "{}/a.csv", "--out", "{}/A.csv"], "are the same file"),
        (["--answers", "{}/a.json", "--out", "{}/out/results.csv"], "is a file of the benchmark"),
        (["--answers", "{}/a.json", "--out", "{}/none/p.csv"], "does not exist; make it first"),
        (["--answers", "{}/a.json", "--out", "{}/out"], "is a folder"),
    ],
)
def test_what_a_study_cannot_write(bench, tmp_path, option, says, capfd):
    os.mkfifo(tmp_path / "pipe.html")
    (tmp_path / "folder.html").mkdir()
    (bench / "study.json").unlink()
    before = everything(tmp_path)
    assert main(["study", str(bench), *(o.format(tmp_path) for o in option)]) == 2
    told = capfd.readouterr().err
    assert says in told
    assert ".part" not in told
    assert everything(tmp_path) == before


def test_an_output_that_is_a_folder_is_named_and_not_its_part(bench, tmp_path, capfd):
    (bench / "ranks.md").unlink()
    (bench / "ranks.md").mkdir()
    people = tmp_path / "p.csv"
    people.write_text("sample,method,rank\ncat_0,warp,1\ncat_0,gooddrag,2\n")
    assert main(["ranks", str(bench), "--people", str(people)]) == 1
    told = capfd.readouterr().err
    assert "ranks.md" in told
    assert ".part" not in told


def test_a_page_may_lie_in_the_folder_and_be_made_again(bench):
    (bench / "study.json").unlink()
    for _ in range(2):
        assert main(["study", str(bench), "--page", str(bench / "Study.HTM")]) == 0
    assert (bench / "Study.HTM").read_text().startswith("<!doctype html>")


@pytest.mark.parametrize("command", [["figures", "4"], ["figures", "table-1"], ["bench", "demo"]])
def test_no_folder_is_made_among_the_pictures_of_a_bench(bench, command, capfd):
    before = everything(bench)
    assert main([*command, "--out", str(bench / "pictures" / "warp")]) == 2
    assert "is a file of the benchmark" in capfd.readouterr().err
    assert main([*command, "--out", str(bench / ("x" * 256))]) == 2
    assert "is longer than 255 bytes; give another name" in capfd.readouterr().err
    assert everything(bench) == before


@pytest.mark.parametrize("option", ["-o", "--trace", "--lora"])
def test_an_edit_is_not_written_over_a_bench(bench, tmp_path, option, capfd):
    Image.fromarray(np.zeros((64, 72, 3), np.uint8)).save(tmp_path / "in.png")
    before = everything(bench)
    for name in ("pictures/warp/cat_0.png", "run.json", "results.jsonl"):
        given = {"-o": tmp_path / "o.png", option: bench / name}
        told = [str(w) for pair in given.items() for w in pair]
        assert main(["edit", str(tmp_path / "in.png"), "--points", "20,20>40,30", *told]) == 2
        assert f"{option} {bench / name} is a file of the benchmark" in capfd.readouterr().err
    assert everything(bench) == before
    assert not Path(tmp_path / "o.png").exists()
