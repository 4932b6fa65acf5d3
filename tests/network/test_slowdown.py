"""What a precision costs is measured where it is computed, and said before hours are spent on it."""

import argparse

import pytest
import torch

from gooddrag import doctor
from gooddrag.command import models
from gooddrag.demo import train
from gooddrag.network import precision
from gooddrag.network.precision import slowdown


def test_it_is_measured():
    assert 0.3 < slowdown(torch.float32) < 3
    assert slowdown(torch.bfloat16) > 0


@pytest.mark.parametrize(("taken", "times"), [(0.3, 3), (0.05, 0.5)])
def test_it_is_the_ratio_to_float32(monkeypatch, taken, times):
    monkeypatch.setattr(precision, "_seconds", lambda dtype, device: taken if dtype == torch.float16 else 0.1)
    assert slowdown(torch.float16) == pytest.approx(times)


def test_training_computes_in_what_is_faster_unless_told(monkeypatch, capsys):
    def decided(times: float, *argv: str) -> bool:
        monkeypatch.setattr(train, "slowdown", lambda *_: times)
        parser = argparse.ArgumentParser()
        parser.add_argument("--device", default="cpu")
        train.add_bf16(parser)
        args = parser.parse_args(argv)
        train.decide_bf16(args)
        return args.bf16

    assert decided(0.4)
    assert not decided(70)
    assert "bfloat16 takes 70 times float32's" in capsys.readouterr().out
    assert decided(70, "--bf16")
    assert not decided(0.4, "--no-bf16")
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("chosen", "times", "said"), [("bf16", 71.4, "71 times"), ("bf16", 0.6, ""), ("float32", 99, "")]
)
def test_a_command_says_that_a_processor_only_imitates_a_precision(monkeypatch, capsys, chosen, times, said):
    monkeypatch.setattr(models, "slowdown", lambda *_: times)
    parser = argparse.ArgumentParser()
    models.arguments(parser)
    models.asked(parser.parse_args(["--precision", chosen, "--device", "cpu"]))
    told = capsys.readouterr().err
    assert said in told
    assert bool(told) == bool(said)


def test_the_doctor_says_so_too(monkeypatch):
    monkeypatch.setattr(doctor, "slowdown", lambda *_: 12.3)
    assert "bfloat16 takes about 12 times as long" in str(doctor.examine("cpu", torch.bfloat16, test=False))
    assert "times as long" not in str(doctor.examine("cpu", test=False))
