"""DragGAN on the demo world's generator: its parts by hand, and a drag."""

import dataclasses

import numpy as np
import pytest
import torch

from gooddrag.bench.datasets import opened
from gooddrag.bench.methods import METHODS, Prepared, gan
from gooddrag.command import bench, parser
from gooddrag.demo import truth, world
from gooddrag.demo.train import psnr


@pytest.fixture
def quick(monkeypatch):
    for name, value in (("CANDIDATES", 32), ("FITTED", 16), ("TUNED", 24)):
        monkeypatch.setattr(gan, name, value)
    gan._library.cache_clear()
    yield
    gan._library.cache_clear()


@pytest.fixture(scope="module")
def sample():
    dataset = opened("demo", scenes=1, long=0)
    return next(e for e in dataset if e.kind == "ears").load()


def prepared(sample, model, vae, text):
    return Prepared(sample, model, vae, text, bench.judged.DEFAULT.replace(lora_steps=0))


def test_features_are_read_at_pixels_of_the_picture():
    side = world.SIZE // 4
    features = torch.arange(side * side, dtype=torch.float32).reshape(1, 1, side, side)
    # the centre of cell (3, 5) is 4 * 3 + 1.5, 4 * 5 + 1.5
    assert gan._at(features, torch.tensor([[13.5, 21.5]])).item() == pytest.approx(5 * side + 3)
    assert gan._at(features, torch.tensor([[-9.0, -9.0]])).item() == 0
    assert gan._at(features, torch.zeros(2, 7, 2)).shape == (2, 7, 1)


def test_tracking_finds_what_moved_and_stays_in_the_picture():
    features = torch.zeros(1, 1, 64, 64)
    features[0, 0, 10, 12] = 1
    found = gan._tracked(features, torch.ones(1, 1), torch.tensor([[45.0, 45.0]]))
    assert (found - torch.tensor([[49.5, 41.5]])).abs().max() <= 0.5
    border = gan._tracked(torch.zeros(1, 1, 64, 64), torch.ones(1, 1), torch.tensor([[2.0, 254.0]]))
    assert ((border >= 0) & (border < world.SIZE)).all()


def test_what_is_supervised_is_a_disc():
    disc = gan._disc(3)
    assert len(disc) == 29
    assert disc.norm(dim=1).max() <= 3


def test_inversion_draws_the_picture(quick, sample):
    picture = torch.from_numpy(sample.picture).permute(2, 0, 1)[None].float() / 127.5 - 1
    known, pictures = gan._library()
    assert known.shape[0] == len(pictures) == 32
    generator, ws = gan.inverted(picture)
    with torch.no_grad():
        tuned, untuned = psnr(generator(ws), picture), psnr(gan._generator()(ws), picture)
    assert tuned > untuned + 1
    assert tuned > 22
    assert torch.equal(
        gan._generator().blocks[0][0].weight, gan.Generator.load().blocks[0][0].weight
    )  # only a copy is tuned


@pytest.mark.long
def test_a_drag_comes_nearer_to_the_truth_than_its_inversion(sample, model, vae, text, monkeypatch):
    edited = METHODS["draggan"].edit(prepared(sample, model, vae, text))
    assert edited.ended == "reached"
    assert edited.left < 2
    monkeypatch.setattr(gan, "OPERATIONS", 0)
    undragged = METHODS["draggan"].edit(prepared(sample, model, vae, text))
    assert undragged.operations == 0
    before, after, wanted = (np.float32(p) / 255 for p in (undragged.picture, edited.picture, sample.truth))
    assert truth.error_ratio(wanted, after, before, sample.mask) < 0.9


def test_other_pictures_are_refused_and_left_out(sample, model, vae, text, tmp_path):
    small = dataclasses.replace(
        sample,
        picture=sample.picture[:128, :128],
        mask=None,
        truth=None,
        points=dataclasses.replace(
            sample.points, handles=((20.0, 20.0),), targets=((40.0, 20.0),), width=128, height=128
        ),
    )
    with pytest.raises(ValueError, match="128x128.*demo world, 256x256: leave draggan out"):
        METHODS["draggan"].edit(prepared(small, model, vae, text))
    (tmp_path / "pictures" / "cat").mkdir(parents=True)
    (tmp_path / "pictures" / "cat" / "points.json").touch()
    for dataset, there in (("demo", True), (str(tmp_path / "pictures"), False)):
        job = bench._job(parser().parse_args(["bench", dataset, "--out", str(tmp_path / "out")]))
        assert ("draggan" in job.methods) == there
