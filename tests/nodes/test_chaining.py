"""The results of a drag in other nodes: refined, enlarged, decoded in tiles, dragged again."""

import pytest
import torch

pytest.importorskip("comfy", reason="COMFYUI_DIR is not set; python3 dev.py test nodes sets it")

import comfy_extras.nodes_post_processing  # noqa: F401 (others import it in a circle)
import folder_paths
from comfy_extras.nodes_images import SaveAnimatedWEBP
from comfy_extras.nodes_video import CreateVideo
from PIL import Image

import nodes as stock

ROUNDING = 1e-6
"""Of the model's scaling of a latent, there and back."""

SHORT = {"operations": 2, "operations_per_step": 1, "gradient_steps": 1}


def square(width, height, left, top, right, bottom):
    mask = torch.zeros(1, height, width)
    mask[:, top:bottom, left:right] = 1
    return mask


@pytest.fixture
def dragged(run, demo, part):
    """The sampler's latent and trace, of the demo scene cut to ``width`` x ``height``."""

    def make(width=256, height=256, mask=None, image=None, pairs=((60, 64), (76, 70)), **settings):
        image = demo["image"][:, :height, :width] if image is None else image
        points = part("gooddrag.picture.geometry").DragPoints.from_pairs([pairs], width, height)
        inputs = {k: demo[k] for k in ("model", "vae", "positive")}
        inversion, _ = run("GoodDrag_Invert", **inputs, image=image, steps=4)
        settings = {**SHORT, **settings}
        return run("GoodDrag_Sampler", model=demo["model"], inversion=inversion, points=points, mask=mask, **settings)

    return make


@pytest.fixture
def refine(demo):
    """By a stock KSampler."""

    def refined(latent, seed=3, denoise=0.5):
        with torch.inference_mode():
            (result,) = stock.KSampler().sample(
                demo["model"], seed, 4, 1.0, "euler", "normal", demo["positive"], demo["positive"], latent, denoise
            )
        return result

    return refined


def change(before, after):
    """The largest in each cell."""
    return (after["samples"] - before["samples"]).abs().amax(dim=(0, 1))


@pytest.mark.parametrize("size", [(256, 256), (203, 165)])
def test_a_refining_ksampler_touches_only_what_the_mask_lets_change(dragged, refine, size):
    width, height = size
    latent, *_ = dragged(*size, square(*size, 40, 40, 120, width))  # down to the lower border
    assert latent["noise_mask"].shape == (1, 1, -(-height // 8) * 8, -(-width // 8) * 8)
    changed = change(latent, refine(latent))
    assert changed[5:, 5:15].min() > 1e-3
    changed[5:, 5:15] = 0
    assert changed.max() < ROUNDING


def test_padding_does_not_move_the_mask(dragged, refine):
    """203 pixels are 26 cells, of which the mask's right edge is the 24th; stretched it would be the 25th."""
    latent, *_ = dragged(203, 165, square(203, 165, 40, 40, 192, 120))
    changed = change(latent, refine(latent))
    assert changed[5:15, 23].min() > 1e-3
    assert changed[:, 24:].max() < ROUNDING


@pytest.mark.parametrize(
    "mask", [None, torch.ones(1, 256, 256), torch.zeros(1, 256, 256)], ids=["none", "white", "black"]
)
def test_where_everything_may_change_there_is_no_noise_mask(dragged, refine, mask):
    latent, *_ = dragged(mask=mask)
    assert "noise_mask" not in latent
    assert change(latent, refine(latent)).min() > 0


def test_an_enlarged_latent_is_refined_in_the_same_place(run, demo, dragged, refine):
    latent, *_ = dragged(250, 200, square(250, 200, 40, 40, 120, 120))
    (larger,) = stock.LatentUpscaleBy().upscale(latent, "bislerp", 2.0)
    refined = refine(larger)
    changed = change(larger, refined)
    assert changed[10:30, 10:30].min() > 1e-3
    changed[9:31, 9:31] = 0
    assert changed.max() < ROUNDING
    image, *_ = run("GoodDrag_Decode", vae=demo["vae"], latent=refined)
    assert image.shape == (1, 400, 500, 3)


def test_a_white_noise_mask_lets_all_be_refined_again(dragged, refine):
    """What the help page advises behind a latent upscale."""
    latent, *_ = dragged(mask=square(256, 256, 40, 40, 120, 120))
    (free,) = stock.SetLatentNoiseMask().set_mask(latent, torch.ones(1, 64, 64))
    assert change(free, refine(free)).min() > 0


def test_variants_are_refined_each(run, demo, dragged, refine):
    mask = square(256, 256, 40, 40, 120, 120)
    variants = run("GoodDrag_Variants", points=demo["points"], count=2)[0]
    inputs = {k: demo[k] for k in ("model", "vae", "positive", "image")}
    inversion, _ = run("GoodDrag_Invert", **inputs, steps=4)
    latent, *_ = run("GoodDrag_Sampler", model=demo["model"], inversion=inversion, points=variants, mask=mask, **SHORT)
    changed = refine(latent)["samples"] - latent["samples"]
    assert changed.shape[0] == 2
    assert changed[:, :, 6:14, 6:14].abs().amax(dim=(1, 2, 3)).min() > 1e-3
    assert changed[:, :, :5].abs().max() < ROUNDING
    assert stock.LatentFromBatch().frombatch(latent, 1, 1)[0]["noise_mask"].shape == (1, 1, 256, 256)


@pytest.mark.parametrize("size", [(256, 256), (250, 201)])
def test_the_trajectory_is_saved_as_an_animation_and_as_a_video(run, demo, dragged, tmp_path, monkeypatch, size):
    monkeypatch.setattr(folder_paths, "output_directory", str(tmp_path))
    latent, trace, _ = dragged(*size)
    _, _, trajectory, _ = run("GoodDrag_Decode", vae=demo["vae"], latent=latent, trace=trace)
    even = (size[0], size[1] + size[1] % 2)
    assert trajectory.shape == (3, *reversed(even), 3)
    SaveAnimatedWEBP.hidden = None
    SaveAnimatedWEBP.execute(trajectory, 2.0, "steps", True, 80, "fastest")
    (file,) = tmp_path.glob("steps*.webp")
    with Image.open(file) as animation:
        assert (animation.n_frames, animation.size) == (3, even)
    (video,) = CreateVideo.execute(trajectory, 2.0).args
    video.save_to(str(tmp_path / "steps.mp4"))
    import av

    with av.open(str(tmp_path / "steps.mp4")) as container:
        assert [(frame.width, frame.height) for frame in container.decode(video=0)] == [even] * 3
