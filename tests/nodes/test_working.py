"""A large picture: points on it, a small picture in the model, and the edit carried back."""

import pytest
import torch

pytest.importorskip("comfy", reason="COMFYUI_DIR is not set; python3 dev.py test nodes sets it")

import nodes as stock

SHORT = {"operations": 18, "operations_per_step": 6, "gradient_steps": 2, "learning_rate": 0.055, "drag_size": 8.0}
LARGE = 1024


@pytest.fixture
def scene(part):
    """The demo scene four times as large, with grain that no small picture has, its drag and its mask."""
    drag, world = part("gooddrag.demo.drags").drag("ears", 1), part("gooddrag.demo.world")
    image = torch.from_numpy(world.render(drag.before, LARGE)).float()[None] / 255
    grain = torch.rand(1, LARGE, LARGE, 1, generator=torch.Generator().manual_seed(0)) * 0.1 - 0.05
    mask = torch.from_numpy(drag.mask).float()[None, None]
    mask = torch.nn.functional.interpolate(mask, (LARGE, LARGE))[0]
    return (image + grain).clamp(0, 1), drag.points.fitted((LARGE, LARGE)), mask


@pytest.fixture
def dragged(run, execute, demo, scene):
    image, points, mask = scene
    (small,) = run("GoodDrag_Fit", image=image, size=256)
    assert small.shape == (1, 256, 256, 3)
    common = {k: demo[k] for k in ("model", "vae", "positive")}
    inversion, _ = run("GoodDrag_Invert", **common, image=small, steps=10)
    return execute("GoodDrag_Sampler", model=demo["model"], inversion=inversion, points=points, mask=mask, **SHORT)


def test_a_large_picture_is_edited_small_and_comes_back_whole(run, execute, demo, scene, dragged, nodes, part):
    image, points, mask = scene
    (latent, trace, _), said = dragged
    assert "The points were placed on a 1024x1024 picture and are moved along to the inverted one of 256x256." in said
    assert trace.trace.points == points.fitted((256, 256))
    shown = part("nodes.types").result_for_page(trace)
    assert shown["points"] == {"handles": points.handles, "targets": points.targets}
    moved = [path[-1][1] - path[0][1] for path in shown["paths"]]
    assert min(moved) < -20  # upwards, in pixels of the large picture

    edited, _, _, source = run("GoodDrag_Decode", vae=demo["vae"], latent=latent, trace=trace)
    assert source.shape == edited.shape
    (full,), said = execute("GoodDrag_CarryBack", image=image, edited=edited, mask=mask, source=source)
    assert said == []
    assert full.shape == image.shape
    outside = mask == 0
    assert torch.equal(full[outside], image[outside])
    assert (full - image).abs().max() > 0.2
    # where the edit left the picture as it was the grain is there, where it moved something the old grain is gone
    apart = torch.nn.functional.avg_pool2d((edited - source).movedim(-1, 1).abs().amax(1, keepdim=True), 9, 1, 4)
    apart = torch.nn.functional.interpolate(apart, (LARGE, LARGE))[0]
    back = full.movedim(-1, 1)
    fine = (back - torch.nn.functional.avg_pool2d(back, 3, 1, 1)).abs().mean(1)
    inside = torch.nn.functional.max_pool2d(1 - mask, 65, 1, 32) == 0
    assert fine[inside & (apart > 0.15)].mean() < 0.25 * fine[outside].mean()
    assert fine[inside & (apart < 0.02)].mean() > 0.9 * fine[outside].mean()


def test_the_undragged_picture_needs_a_trace(run, demo, dragged):
    *_, source = run("GoodDrag_Decode", vae=demo["vae"], latent=dragged[0][0])
    assert "connect GoodDrag Sampler's" in source.message


def test_an_enlarged_edit_is_carried_back_too(run, demo, scene, dragged):
    image, _, mask = scene
    (larger,) = stock.LatentUpscaleBy().upscale(dragged[0][0], "bislerp", 2.0)
    edited, *_ = run("GoodDrag_Decode", vae=demo["vae"], latent=larger)
    assert edited.shape == (1, 512, 512, 3)
    (full,) = run("GoodDrag_CarryBack", image=image, edited=edited, mask=mask)
    assert torch.equal(full[mask == 0], image[mask == 0])


def test_small_pictures_are_handed_on_and_all_kinds_of_shapes_fit(run):
    image = torch.rand(1, 300, 400, 3)
    assert torch.equal(run("GoodDrag_Fit", image=image, size=768)[0], image)
    assert run("GoodDrag_Fit", image=torch.rand(1, 900, 1600, 3), size=256)[0].shape == (1, 192, 341, 3)


def test_what_does_not_belong_together_is_refused(run, execute):
    image, mask = torch.rand(1, 300, 400, 3), torch.ones(1, 300, 400)
    with pytest.raises(ValueError, match="the edit is 100x100 and the picture 400x300, which is another shape"):
        run("GoodDrag_CarryBack", image=image, edited=torch.rand(1, 100, 100, 3), mask=mask)
    with pytest.raises(ValueError, match="`image` holds 2 pictures"):
        run("GoodDrag_CarryBack", image=image.repeat(2, 1, 1, 1), edited=image, mask=mask)
    with pytest.raises(ValueError, match="`edited` holds no picture"):
        run("GoodDrag_CarryBack", image=image, edited=image[:0])
    (several,), said = execute("GoodDrag_CarryBack", image=image, edited=torch.rand(3, 75, 100, 3), mask=mask)
    assert several.shape == (3, 300, 400, 3)
    assert said == []


def test_an_edit_that_is_next_to_nothing_is_said(execute):
    image = torch.rand(1, 192, 192, 3)
    (full,), said = execute("GoodDrag_CarryBack", image=image, edited=torch.rand(1, 1, 1, 3))
    assert full.shape == image.shape
    assert said == [
        "`edited` is 1x1, smaller than any picture that is dragged (64 a side), so that the edit is nearly flat: connect "
        "GoodDrag Decode's."
    ]
    for side in (64, 192):
        assert execute("GoodDrag_CarryBack", image=image, edited=torch.rand(1, side, side, 3))[1] == []
