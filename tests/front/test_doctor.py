"""The doctor says that all is well where it is, and names what is not."""

import getpass
import platform
import sys
from pathlib import Path

import pytest
import torch

from gooddrag import doctor
from gooddrag.command import main
from gooddrag.libraries import LibraryError


def test_all_is_well_here(capsys):
    assert main(["doctor", "--device", "cpu"]) == 0
    text, told = capsys.readouterr()
    assert "--no-test leaves it out" in told.splitlines()[0]
    assert "inverting" in told
    assert text.endswith("All well.\n")
    for part in (
        "Python",
        "torch",
        "diffusers",
        "GB free",
        "SDXL",
        "1024x1024",
        "Self-test: inverted to",
        "of the drag done",
    ):
        assert part in text
    assert not {str(Path.home()), getpass.getuser() + "@", platform.node()} & set(text.split())


@pytest.mark.long
def test_wrong_numbers_are_a_problem(monkeypatch):
    monkeypatch.setattr(doctor, "INVERTED", (0.5, *doctor.INVERTED[1:]))
    monkeypatch.setattr(doctor, "RATIO", 0.1)
    monkeypatch.setattr(doctor, "_needs", lambda *_: [])
    report = doctor.examine("cpu")
    assert [p[:32] for p in report.problems] == ["the inverted latent is off by 0.", "the drag of the self-test left 5"]
    assert "PROBLEM: the inverted latent" in str(report)
    assert "All well" not in str(report)


def test_whoever_cancels_gets_no_report(monkeypatch):
    def cancel(_):
        raise LookupError("cancelled")

    monkeypatch.setattr(doctor, "_needs", lambda *_: [])
    with pytest.raises(LookupError, match="cancelled"):
        doctor.examine("cpu", callback=cancel)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (torch.OutOfMemoryError("CUDA out of memory"), "not enough memory for"),
        (RuntimeError("odd"), "an error in the"),
    ],
)
def test_a_self_test_that_fails_is_a_problem(monkeypatch, error, said):
    def broken(*_):
        raise error

    monkeypatch.setattr(doctor.codec, "encode", broken)
    monkeypatch.setattr(doctor, "_needs", lambda *_: [])
    report = doctor.examine("cpu")
    assert len(report.problems) == 1
    assert said in report.problems[0]


def test_a_broken_library_is_named_and_nothing_else_tried(monkeypatch):
    def broken(name):
        raise LibraryError(f"{name} is broken; see {Path.home()}/venv")

    monkeypatch.setattr(doctor.importlib, "import_module", broken)
    report = doctor.examine("cpu")
    assert len(report.problems) == 3
    assert "Self-test" not in str(report)
    assert "see ~/venv" in str(report)


def test_neither_home_nor_the_folder_of_python_is_told(monkeypatch):
    monkeypatch.setattr(sys, "prefix", "/disk/jane/ComfyUI/python")
    monkeypatch.setattr(sys, "executable", "/disk/jane/ComfyUI/python/bin/python3")

    def broken(name):
        raise LibraryError(
            f'see /disk/jane/ComfyUI/python/lib/x.so; to mend it: "{sys.executable}" -m pip install {name}'
        )

    monkeypatch.setattr(doctor.importlib, "import_module", broken)
    report = doctor.examine("cpu")
    assert "python -m pip install diffusers" in str(report)
    assert "jane" not in str(report)


def test_without_the_self_test_it_is_quick(capsys):
    assert main(["doctor", "--device", "cpu", "--no-test"]) == 0
    text, told = capsys.readouterr()
    assert "Self-test" not in text
    assert told == ""


def test_each_line_is_told_when_it_is_known(monkeypatch):
    told = []
    monkeypatch.setattr(doctor, "_test", lambda report, *_: told.append("the self-test begins"))
    report = doctor.examine("cpu", tell=told.append)
    assert told == [*report.lines, "the self-test begins"]
    assert len(report.lines) == 5


def test_a_device_that_is_none(capsys):
    assert main(["doctor", "--device", "toaster"]) == 2
    assert "--device toaster cannot be used" in capsys.readouterr().err
