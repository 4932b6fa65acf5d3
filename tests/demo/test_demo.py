"""The demo world is the same everywhere, its drags are true, and its model reconstructs and drags."""

import dataclasses
import json

import numpy as np
import pytest
import torch
from PIL import Image

from gooddrag import DragConfig, demo, edit
from gooddrag.config import PRESETS
from gooddrag.demo import evaluate, train, world
from gooddrag.demo.drags import LONG_KINDS, drag
from gooddrag.network import codec

SEEDS = (1000, 1001, 1002)
KINDS = pytest.mark.parametrize("kind", demo.KINDS)


@pytest.fixture(scope="module")
def loaded():
    return demo.load()


def test_a_scene_is_the_same_picture_every_time():
    first, second = (world.render(world.scene(7)) for _ in range(2))
    assert first.shape == (256, 256, 3)
    assert first.dtype == np.uint8
    assert np.array_equal(first, second)
    assert not np.array_equal(first, world.render(world.scene(8)))


def test_scenes_are_drawn_at_other_sizes():
    small = world.render(world.scene(7), 128)
    big = Image.fromarray(world.render(world.scene(7))).resize((128, 128), Image.Resampling.BOX)
    assert np.abs(small.astype(int) - np.asarray(big)).mean() < 4


def test_what_long_drags_move_is_found_there_in_training():
    scenes = [train.scene(0, number) for number in range(200)]
    assert scenes[1] == train.scene(0, 1)
    for field, (low, high) in {"x": world.ROAM_X, "sun_y": world.ROAM_Y, "arm_l": world.ROAM_ARM}.items():
        values = [getattr(scene, field) for scene in scenes]
        assert low <= min(values) < low + 0.1 * (high - low)
        assert high >= max(values) > high - 0.1 * (high - low)
    assert all(100 <= scene.x <= 156 for scene in scenes[::2])  # the other half as the held-out ones


def test_training_scenes_are_not_the_held_out_ones():
    training = train.picture(0, 1000).add(1).mul(127.5).round().permute(1, 2, 0).numpy()
    assert not np.array_equal(training, world.render(world.scene(1000)))


@KINDS
def test_a_drag_is_one_parameter_of_the_scene(kind):
    for seed in SEEDS:
        chosen = drag(kind, seed)
        assert chosen == drag(kind, seed)
        before, after = dataclasses.asdict(chosen.scene(0)), dataclasses.asdict(chosen.scene(1))
        assert [f for f in before if before[f] != after[f]] == [chosen.field]


@KINDS
def test_points_lie_in_the_picture_and_the_mask_holds_the_change(kind):
    for seed in SEEDS:
        chosen = drag(kind, seed)
        places = np.array(chosen.points.handles + chosen.points.targets)
        assert ((places >= 0) & (places < world.SIZE)).all()
        lengths = np.linalg.norm(np.subtract(chosen.points.handles, chosen.points.targets), axis=1)
        assert lengths.min() > 8  # more than one cell of the latent
        change = np.abs(chosen.picture(0).astype(int) - chosen.picture(1)).max(axis=2)
        assert change[chosen.mask].mean() > 5
        assert (change[~chosen.mask] > 6).mean() < 1e-3


@pytest.mark.parametrize(
    ("kind", "least", "most"), [("move", 105, 121), ("sun", 92, 107), ("cloud", 92, 107), ("arm", 56, 95)]
)
def test_a_long_drag_goes_far_and_stays_in_the_picture(kind, least, most):
    for seed in SEEDS:
        points = drag(kind, seed, long=True).points
        places = np.array(points.handles + points.targets)
        assert ((places >= 0) & (places < world.SIZE)).all()
        lengths = np.linalg.norm(np.subtract(points.handles, points.targets), axis=1)
        assert least <= lengths.min() <= lengths.max() <= most
    assert set(LONG_KINDS) == {"move", "sun", "cloud", "arm"}


def test_a_mouth_has_a_tongue_to_hold():
    """Where a person takes hold of it, at every opening."""
    for opening in (3, 12, 30):
        scene = dataclasses.replace(world.scene(7), mouth=opening)
        x, y = world.anchors(scene)["chin"]
        red, green, _ = world.render(scene)[round(y), round(x + 4)] / 255
        assert red > 1.3 * green


@KINDS
def test_the_measure_finds_the_fraction_that_was_drawn(kind):
    chosen = drag(kind, SEEDS[0])
    for fraction in (0.0, 0.5, 1.0):
        picture = chosen.picture(fraction).astype(np.float32)
        assert evaluate.fraction_done(chosen, picture) == pytest.approx(fraction, abs=0.051)
    undragged = chosen.picture(0).astype(np.float32)
    assert evaluate.error_ratio(chosen, undragged, undragged) == 1
    assert evaluate.error_ratio(chosen, chosen.picture(1).astype(np.float32), undragged) == 0


def test_an_unknown_kind_is_refused():
    with pytest.raises(ValueError, match="'wing'; it must be one of move, lean"):
        drag("wing", 0)


def test_the_weights_stay_small():
    total = sum(path.stat().st_size for path in demo.WEIGHTS.rglob("*.safetensors"))
    assert 0 < total <= 25e6
    fit = json.loads((demo.WEIGHTS / "preview.json").read_text())
    assert np.shape(fit["factors"]) == (4, 3)
    assert np.shape(fit["bias"]) == (3,)


def test_the_autoencoder_reconstructs_held_out_scenes(loaded):
    _, vae = loaded
    pictures = train.held_out(16)
    with torch.no_grad():
        z = vae.encoder(pictures)
        assert train.psnr(vae.decoder(z), pictures) >= 36
    assert 0.8 < float(z.std()) < 1.25


@pytest.mark.long
def test_training_makes_a_model_from_nothing_and_resumes(tmp_path, capsys):
    def run(unet_steps: int, *more: str) -> str:
        small = {"vae-steps": 2, "vae-batch": 2, "unet-batch": 2, "pool": 4, "renew": 1, "every": 2, "held-out": 4}
        sizes = [f"--{name}={value}" for name, value in small.items()]
        train.main(["--out", str(tmp_path), *sizes, f"--unet-steps={unet_steps}", "--no-bf16", *more])
        return capsys.readouterr().out

    assert '"step": 2' in run(2)
    weights = tmp_path / "weights"
    again = run(4, "--release", str(weights))
    assert "unet: resumed at step 2" in again
    assert '"step": 4' in again
    assert sorted(p.name for p in weights.iterdir()) == ["preview.json", "unet", "vae"]

    run(1, "--out", str(tmp_path / "half"), "--stage=vae", "--release", str(tmp_path / "half"))
    assert sorted(p.name for p in (tmp_path / "half").iterdir()) == ["vae", "vae.pt"]
    further = run(1, "--out", str(tmp_path / "further"), "--known", str(weights), "--vae-lr=0", "--unet-lr=0")
    assert '"step": 1' in further
    for part in ("vae", "unet"):
        state = torch.load(tmp_path / "further" / f"{part}.pt", weights_only=True)["model"]
        first = torch.load(tmp_path / f"{part}.pt", weights_only=True)["average"]
        assert all(torch.allclose(state[name], weight, atol=1e-3) for name, weight in first.items())


def test_a_drag_moves_the_creature_towards_the_truth(loaded):
    """The product's own path on the demo model; the figures over many drags are in docs/demo-model.md."""
    chosen = drag("move", 1000)
    result, done = evaluate.run(chosen, *loaded, PRESETS["fast"].replace(lora_steps=2))
    assert result.done >= 0.5
    assert result.ratio < 0.9
    assert result.outside < 3
    assert result.reconstruction > 30
    assert done.image.shape == (1, 3, 256, 256)


@pytest.mark.long
def test_nothing_moves_without_operations(loaded):
    chosen = drag("move", 1000)
    model, vae = loaded
    image = codec.to_tensor(Image.fromarray(chosen.picture(0)))
    config = DragConfig(background="lock", lora_steps=0, operations=0)
    result = edit(model, vae, demo.text(model), image, chosen.points, torch.from_numpy(chosen.mask), config)
    assert torch.equal(result.image, result.source)
