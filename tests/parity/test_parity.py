"""The parity command agrees with the authors' code, and notices when the method is broken."""

import shutil
from pathlib import Path

import pytest
import torch

from gooddrag.method import handles, state
from gooddrag.method.evaluation import Evaluation
from gooddrag.method.handles import Handles
from tests.parity import __main__ as parity

DATA = Path(__file__).parent / "data"


@pytest.fixture
def only(tmp_path):
    """A folder with one case and no networks: the committed ones are used."""

    def folder(name):
        shutil.copy(DATA / f"{name}.npz", tmp_path)
        return str(tmp_path)

    return folder


@pytest.mark.parametrize("name", sorted(path.stem for path in DATA.glob("*.npz")))
def test_every_golden_run_agrees(only, capsys, name):
    assert parity.main([only(name)]) == 0
    out = capsys.readouterr().out
    assert name in out
    assert "equal" in out
    assert "1 of 1 cases agree" in out


def test_an_empty_folder_is_not_a_success(tmp_path):
    assert parity.main([str(tmp_path)]) == 2


def test_nan_is_not_a_success():
    nan = float("nan")
    assert not parity.Outcome("x", nan, 0, 0, 0, True, (1, 1)).passed
    assert not parity.Outcome("x", 0, 0, 0, 0, False, (1, 1)).passed
    assert parity.Outcome("x", 0, 0, 0, 0, True, (1, 1)).passed


def broken_config(monkeypatch, **changes):
    real = parity.config_of
    monkeypatch.setattr(parity, "config_of", lambda params: real(params).replace(**changes))


def loss_scale(monkeypatch):
    real = handles.feature_loss
    monkeypatch.setattr(handles, "feature_loss", lambda *a, **k: real(*a, **k) * 81 / 64)


def lambda_(monkeypatch):
    broken_config(monkeypatch, mask_weight=0.1)


def tracking_feature_age(monkeypatch):
    """Tracking sees the features after the last update instead of before."""
    evaluate, operated = Evaluation.features, Handles.operated
    last = []

    def remember(self, edits, step):
        last[:] = [lambda: evaluate(self, edits, step)[0][0].detach()]
        return evaluate(self, edits, step)

    monkeypatch.setattr(Evaluation, "features", remember)
    monkeypatch.setattr(
        Handles, "operated", lambda self, _old, reference, loss: operated(self, last[0](), reference, loss)
    )


def adam_reset(monkeypatch):
    """The moments survive from one denoising step to the next."""
    last = []

    class Kept(torch.optim.Adam):
        def __init__(self, params, **options):
            super().__init__(params, **options)
            if last:
                (old,) = last[0].state.values()
                self.state[params[0]] = old
            last[:] = [self]

    monkeypatch.setattr(torch.optim, "Adam", Kept)


def mutual_attention_layers(monkeypatch):
    broken_config(monkeypatch, mutual_blocks=("up_blocks.3",))


def rounding(monkeypatch):
    """Half away from zero instead of half to even."""

    def away(points, grid):
        cells = torch.floor(torch.tensor(points, dtype=torch.float32).flip(-1) / 2 + 0.5)
        return torch.minimum(cells, torch.tensor(grid, dtype=torch.float32) - 1)

    for reader in (state, handles, parity):
        monkeypatch.setattr(reader, "to_grid", away)


@pytest.mark.parametrize(
    ("case", "damage"),
    [
        ("one_pair", loss_scale),
        ("one_pair", lambda_),
        ("one_pair", tracking_feature_age),
        ("one_pair", adam_reset),
        ("reaches_target", mutual_attention_layers),
        ("odd_points", rounding),
    ],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_damage_is_noticed(case, damage, only, monkeypatch, capsys):
    damage(monkeypatch)
    assert parity.main([only(case)]) == 1
    assert "FAILED" in capsys.readouterr().out
