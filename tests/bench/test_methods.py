"""Methods on the tiny model: what they share, and what each does to a latent."""

import dataclasses

import numpy as np
import pytest

from gooddrag import DragConfig, DragPoints
from gooddrag.bench import judge, tables
from gooddrag.bench.methods import METHODS, Edited, Prepared, sde
from gooddrag.bench.sample import Sample
from gooddrag.method import source
from gooddrag.method.source import Source

SHORT = DragConfig(
    inference_steps=8, operations=2, operations_per_step=1, gradient_steps=1, tracking_radius=4, lora_steps=0
)


@pytest.fixture
def prepared(model, vae, text):
    picture = np.random.default_rng(0).integers(0, 256, (96, 128, 3), dtype=np.uint8)
    mask = np.zeros((96, 128), bool)
    mask[16:80, 24:104] = True
    points = DragPoints(((48, 48),), ((80, 48),), 128, 96)
    config = SHORT.replace(background="lock")
    return Prepared(Sample("a", picture, points, mask), model, vae, text, config)


@pytest.mark.parametrize("name", [name for name, method in METHODS.items() if not method.worldly])
def test_every_method_gives_a_picture_and_only_changes_what_may_change(prepared, name, monkeypatch):
    monkeypatch.setattr(sde, "STEPS", 5)
    with prepared.fitted() as count:
        edited = METHODS[name].edit(prepared)
    assert edited.picture.shape == (96, 128, 3)
    assert edited.picture.dtype == np.uint8
    assert (count.evaluations > 0) == (name != "nothing")
    assert (edited.picture != prepared.undragged).any() == (name != "nothing")


@pytest.mark.parametrize("kept", [True, False])
def test_the_unedited_picture_is_shared_and_the_edits_are_those_of_one_that_is_alone(prepared, kept, monkeypatch):
    if not kept:
        monkeypatch.setattr(source, "free_bytes", lambda device: 0)
    names = ("gooddrag", "without-aldd", "warp", "exact-source", "ip-once")
    work, rows, alone = [], {}, {}
    predict = Source._look
    monkeypatch.setattr(Source, "_look", lambda self, *args: work.append(1) or predict(self, *args))
    for name in names:
        with prepared.fitted() as count:
            rows[name] = METHODS[name].edit(prepared), count.evaluations, count.gradients
    together = len(work)
    for name in names:
        lone = Prepared(prepared.sample, prepared.model, prepared.vae, prepared.text, prepared.config)
        with lone.fitted():
            lone.inversion()
        with lone.fitted() as count:
            alone[name] = METHODS[name].edit(lone), count.evaluations, count.gradients
    prepared_evaluations = len(prepared.inversion().schedule.timesteps)
    for name in names:
        np.testing.assert_array_equal(rows[name][0].picture, alone[name][0].picture)
        assert rows[name][0].left == alone[name][0].left
        first = prepared_evaluations * (name == "gooddrag")  # here it also inverts
        assert rows[name][1:] == (alone[name][1] + first, alone[name][2])
    if kept:
        assert together == 2 * prepared_evaluations  # as denoised and as read from the inversion


def test_without_copying_sde_drag_gives_the_picture_back(prepared, monkeypatch):
    monkeypatch.setattr(sde, "_copied", lambda z, *_: z)
    assert np.abs(sde.sde_drag(prepared, 10).picture.astype(int) - prepared.undragged).max() <= 1


def test_lpips_compares_with_the_truth_where_it_is_installed(prepared, monkeypatch):
    """With a stand-in for the network, whose weights are a download of their own."""
    sample = dataclasses.replace(prepared.sample, truth=prepared.sample.picture)
    prepared = dataclasses.replace(prepared, sample=sample)
    monkeypatch.setattr(judge, "likeness", lambda: ("1 - LPIPS", lambda a, b: 1 - float(np.abs(a - b).mean())))
    assert judge.Judge(prepared).row(Edited(sample.picture))["true_lpips"] == 0
    assert judge.Judge(prepared).row(Edited(255 - sample.picture))["true_lpips"] > 0.1


def test_sde_drag_copies_no_pins(prepared):
    pinned = DragPoints(((48, 48), (64, 64)), ((80, 48), (64, 64)), 128, 96)
    alone = sde.sde_drag(prepared, 5).picture
    held = dataclasses.replace(prepared, sample=dataclasses.replace(prepared.sample, points=pinned))
    np.testing.assert_array_equal(sde.sde_drag(held, 5).picture, alone)


def test_every_measure_has_a_direction(prepared):
    """A distance whose direction is forgotten correlates with the wrong sign."""
    sample = dataclasses.replace(prepared.sample, truth=prepared.sample.picture)
    row = judge.Judge(dataclasses.replace(prepared, sample=sample)).row(Edited(sample.picture))
    higher = {"if", "if_bg", "if_s2t", "psnr", "done", "true_psnr", "true_ssim"}
    neither = {"if_by", "operations", "ended"}
    assert set(row) - neither - higher <= tables.LOWER_IS_BETTER
    assert not higher & tables.LOWER_IS_BETTER
    assert {"if_s2s", "true_lpips"} <= tables.LOWER_IS_BETTER
