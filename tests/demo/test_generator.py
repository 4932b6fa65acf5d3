"""The generator of the demo world that DragGAN edits: what it draws, its files, and that training makes it."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from gooddrag.demo import train_generator, world
from gooddrag.demo.generator import GENERATOR, Config, Generator, described, difference
from gooddrag.demo.train import held_out, psnr

SMALL = Config(latent=8, hidden=8, blobs=4, widths=(8, 8, 8, 8))


def test_it_draws_scenes_that_it_has_not_seen():
    generator = Generator.load()
    with torch.no_grad():
        made = generator(generator.spread(generator.of([world.scene(i) for i in range(4)])))
        other = generator(generator.spread(generator.of([world.scene(i) for i in range(4, 8)])))
    wanted = held_out(4)
    assert made.shape == wanted.shape
    assert psnr(made, wanted) > 20
    assert psnr(made, wanted) > psnr(other, wanted) + 5


def test_its_files_are_small():
    assert sum(file.stat().st_size for file in GENERATOR.iterdir()) < 2e6


def test_coarse_resolutions_are_what_the_fine_ones_begin_with():
    generator = Generator(SMALL)
    ws = torch.randn(2, generator.layers, 8)
    with torch.no_grad():
        for size in (16, 32, 64, 256):
            assert generator(ws, size).shape == (2, 3, size, size)
        features = generator.drawn(ws)[1]
        assert features.shape == (2, 8, 64, 64)
        after = ws.clone()
        after[:, generator.movable :] += 1
        assert torch.equal(generator.drawn(after)[1], features)  # those layers come later
        after[:, generator.movable - 1] += 1
        assert not torch.equal(generator.drawn(after)[1], features)


def test_a_saved_one_is_the_same_in_half_precision(tmp_path):
    generator = Generator(SMALL).eval()
    generator.save(tmp_path)
    ws = torch.randn(1, generator.layers, 8)
    with torch.no_grad():
        assert torch.allclose(Generator.load(tmp_path)(ws), generator(ws), atol=0.02)


def test_numbers_of_scenes_are_alike_in_size():
    numbers = np.stack([described(world.scene(i)) for i in range(200)])
    assert np.isfinite(numbers).all()
    assert np.abs(numbers.mean(axis=0)).max() < 0.5
    assert numbers.std(axis=0).max() < 2


def test_difference_is_none_for_equal_pictures_and_sees_an_edge_that_moved():
    picture = torch.zeros(1, 3, 16, 16)
    picture[..., 8:] = 1
    assert difference(picture, picture) == 0
    soft = F.avg_pool2d(picture, 5, 1, 2, count_include_pad=False)
    assert difference(picture.roll(1, 3), picture) > difference(soft, picture) > 0


def test_training_goes_on_and_is_of_use(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(train_generator, "Generator", lambda: Generator(SMALL))
    common = ["--out", str(tmp_path), "--pool", "8", "--renew", "0", "--batch", "4", "--held-out", "2"]
    common += ["--every", "20", "--lr", "0.02"]
    monkeypatch.setattr(train_generator, "STAGES", ((1.0, 16),))
    train_generator.main([*common, "--steps", "20"])
    train_generator.main([*common, "--steps", "60", "--release", str(tmp_path / "made")])
    told = capsys.readouterr().out
    assert "resumed at step 20" in told
    losses = [float(line.partition('"loss": ')[2].partition(",")[0]) for line in told.splitlines() if '"loss"' in line]
    assert losses[-1] < losses[0]
    assert Generator.load(tmp_path / "made").config == SMALL


@pytest.mark.parametrize(("share", "size"), [(0.0, 32), (0.49, 32), (0.5, 64), (0.9, 256), (0.999, 256)])
def test_coarse_comes_first(share, size):
    assert train_generator.resolution(share, train_generator.STAGES) == size
