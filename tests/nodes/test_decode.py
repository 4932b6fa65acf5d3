"""GoodDrag Decode behind stock latent nodes: the whole picture, cropped only where the padding is known."""

import pytest
import torch

pytest.importorskip("comfy", reason="COMFYUI_DIR is not set; python3 dev.py test nodes sets it")

import comfy_extras.nodes_post_processing  # noqa: F401 (the next imports it in a circle)
from comfy_extras.nodes_latent import LatentAdd, LatentBatch, LatentConcat, LatentMultiply
from comfy_extras.nodes_mask import LatentCompositeMasked

import nodes as stock


@pytest.fixture
def latent():
    """As the sampler gives it for a picture of ``width`` x ``height``."""

    def make(width, height, count=1):
        samples = torch.randn(count, 4, -(-height // 8), -(-width // 8), generator=torch.Generator().manual_seed(5))
        return {"samples": samples, "gooddrag_size": (width, height)}

    return make


@pytest.fixture
def decode(execute, demo):
    def decoded(latent, **more):
        (image, *_), said = execute("GoodDrag_Decode", vae=demo["vae"], latent=latent, **more)
        return image, said

    return decoded


@pytest.fixture
def whole(demo):
    """By the stock node."""

    def decoded(latent):
        with torch.inference_mode():
            return stock.VAEDecode().decode(demo["vae"], latent)[0].clamp(0, 1)

    return decoded


def same(image, expected):
    return image.shape == expected.shape and (image - expected).abs().max() < 1 / 254


ENLARGED = [
    # picture, factor, what comes back
    ((256, 256), 1.5, (384, 384)),
    ((250, 200), 2.0, (500, 400)),
    ((250, 201), 1.37, (344, 278)),
    ((97, 161), 3.0, (291, 483)),
]


@pytest.mark.parametrize(("size", "factor", "expected"), ENLARGED)
@pytest.mark.parametrize("method", ["nearest-exact", "bislerp"])
def test_an_upscaled_latent_is_shown_whole_and_without_padding(decode, whole, latent, size, factor, expected, method):
    (upscaled,) = stock.LatentUpscaleBy().upscale(latent(*size), method, factor)
    image, said = decode(upscaled)
    assert (image.shape[2], image.shape[1]) == expected
    assert same(image, whole(upscaled)[:, : expected[1], : expected[0]])
    assert said == []


def test_upscaled_to_a_size_and_refined(decode, whole, latent, demo):
    (upscaled,) = stock.LatentUpscale().upscale(latent(256, 256), "bilinear", 384, 384, "disabled")
    with torch.inference_mode():
        (refined,) = stock.KSampler().sample(
            demo["model"], 0, 2, 1.0, "euler", "normal", demo["positive"], demo["positive"], upscaled, denoise=0.3
        )
    assert same(decode(refined)[0], whole(refined))


OTHERS = {
    "cropped": lambda z: stock.LatentCrop().crop(z, 128, 64, 8, 8)[0],
    "cropped to the same shape": lambda z: stock.LatentCrop().crop(z, 128, 104, 0, 0)[0],
    "rotated": lambda z: stock.LatentRotate().rotate(z, "90 degrees")[0],
    "stretched": lambda z: stock.LatentUpscale().upscale(z, "bilinear", 512, 512, "disabled")[0],
    "made smaller": lambda z: stock.LatentUpscaleBy().upscale(z, "area", 0.5)[0],
    "put beside itself": lambda z: LatentConcat.execute(z, z, "x").args[0],
}


@pytest.mark.parametrize("change", OTHERS)
def test_another_shape_is_shown_whole_and_said(decode, whole, latent, change):
    changed = OTHERS[change](latent(250, 201))
    image, said = decode(changed)
    assert same(image, whole(changed))
    assert said == [
        "The latent is no longer the one of the 250x201 picture, nor an enlargement of it, so it is shown with what the picture "
        "was padded with."
    ]
    # without padding there is nothing to say
    changed = OTHERS[change](latent(256, 208))
    image, said = decode(changed)
    assert same(image, whole(changed))
    assert said == []


SAME = {
    "noise mask": lambda z: stock.SetLatentNoiseMask().set_mask(z, torch.ones(1, 250, 201))[0],
    "added": lambda z: LatentAdd.execute(z, z).args[0],
    "multiplied": lambda z: LatentMultiply.execute(z, 0.5).args[0],
    "composite": lambda z: stock.LatentComposite().composite(z, z, 64, 64)[0],
    "composite masked": lambda z: LatentCompositeMasked.execute(z, z, 8, 8, False).args[0],
    "from a batch": lambda z: stock.LatentFromBatch().frombatch(z, 1, 1)[0],
    "repeated": lambda z: stock.RepeatLatentBatch().repeat(z, 2)[0],
    "batched": lambda z: LatentBatch.execute(z, z).args[0],
}


@pytest.mark.parametrize("change", SAME)
def test_the_same_shape_is_cropped(decode, whole, latent, change):
    changed = SAME[change](latent(250, 201, 2))
    image, said = decode(changed)
    assert same(image, whole(changed)[:, :201, :250])
    assert said == []


def test_an_autoencoder_of_another_scale(run, latent):
    """Nothing is told of cells but by the decoded picture."""

    class Twice:
        @staticmethod
        def decode(samples):
            return samples[:, :3].movedim(1, -1).repeat_interleave(16, 1).repeat_interleave(16, 2).sigmoid()

    image, *_ = run("GoodDrag_Decode", vae=Twice, latent=latent(250, 201))
    assert image.shape == (1, 402, 500, 3)
    image, *_ = run("GoodDrag_Decode", vae=Twice, latent={"samples": latent(250, 201)["samples"]})
    assert image.shape == (1, 416, 512, 3)


def test_pictures_over_time_come_as_a_batch(run, latent):
    class Video:
        latent_dim = 3

        @staticmethod
        def decode(samples):
            return torch.rand(1, 5, 64, 72, 3)

    image, *_ = run("GoodDrag_Decode", vae=Video, latent={"samples": torch.zeros(1, 4, 2, 8, 9)})
    assert image.shape == (5, 64, 72, 3)


def test_original_and_edit_of_another_size_are_both_named(decode, latent, demo):
    (upscaled,) = stock.LatentUpscaleBy().upscale(latent(256, 256), "bilinear", 1.5)
    with pytest.raises(
        ValueError, match=r"`image` is 256x256 but the edit 384x384; connect .* scaled like the latent \(ImageScale\)"
    ):
        decode(upscaled, image=demo["image"], mask=demo["mask"])
    (scaled,) = stock.ImageScale().upscale(demo["image"], "bilinear", 384, 384, "disabled")
    image, said = decode(upscaled, image=scaled, mask=demo["mask"])
    assert image.shape == (1, 384, 384, 3)
    assert said == ["The mask is 256x256 and was resized to the picture's 384x384."]
    outside = torch.nn.functional.max_pool2d(demo["mask"][None], 31, 1, 15) == 0
    outside = torch.nn.functional.interpolate(outside.float(), (384, 384))[0, 0] == 1
    assert (image - scaled)[0, outside].abs().max() < 1 / 250


def test_a_mask_without_the_original_is_said(decode, latent, demo):
    assert decode(latent(256, 256), mask=demo["mask"])[1] == [
        "`mask` does nothing without `image`: connect the original, whose pixels are put back outside."
    ]


@pytest.fixture
def dragged(run, demo):
    inputs = {k: demo[k] for k in ("model", "vae", "image", "positive")}
    inversion, _ = run("GoodDrag_Invert", **inputs, steps=4)
    settings = {"operations": 2, "operations_per_step": 1, "gradient_steps": 1}
    return run("GoodDrag_Sampler", model=demo["model"], inversion=inversion, points=demo["points"], **settings)


def test_paths_are_drawn_on_an_upscaled_result(execute, demo, dragged):
    latent, trace, _ = dragged
    (upscaled,) = stock.LatentUpscaleBy().upscale(latent, "bilinear", 1.5)
    (image, overlay, trajectory, *_), said = execute("GoodDrag_Decode", vae=demo["vae"], latent=upscaled, trace=trace)
    assert said == []
    assert trajectory.shape == (3, 384, 384, 3)
    assert torch.equal(trajectory[-1], overlay[0])
    ((x, y),) = demo["points"].targets
    drawn = (image - overlay).abs().amax(-1)[0] > 0.05
    rows, cols = drawn.nonzero().unbind(1)
    assert abs(rows.float().sub(1.5 * y)).min() < 8
    assert abs(cols.float().sub(1.5 * x)).min() < 8
    assert drawn[round(1.5 * y) - 12 : round(1.5 * y) + 12, round(1.5 * x) - 12 : round(1.5 * x) + 12].any()


def test_paths_are_not_drawn_where_they_would_lie_wrong(execute, demo, dragged):
    latent, trace, _ = dragged
    (cut,) = stock.LatentCrop().crop(latent, 128, 128, 0, 0)
    (image, overlay, trajectory, *_), said = execute("GoodDrag_Decode", vae=demo["vae"], latent=cut, trace=trace)
    assert torch.equal(image, overlay)
    assert torch.equal(image, trajectory)
    assert said == ["`latent` was cut, turned or made smaller, so that the paths of `trace` cannot be drawn on it."]
    (twice,) = stock.RepeatLatentBatch().repeat(latent, 2)
    with pytest.raises(
        ValueError, match="`latent` holds 2 pictures but `trace` is of 1; connect both to the same sampler, or no"
    ):
        execute("GoodDrag_Decode", vae=demo["vae"], latent=twice, trace=trace)


def test_a_soft_mask_is_the_share_of_the_edit(decode, whole, latent, demo):
    z = latent(256, 256)
    ramp = torch.linspace(0, 1, 256).expand(1, 256, 256).clone()
    image, _ = decode(z, image=demo["image"], mask=ramp, feather=0)
    expected = demo["image"] + ramp[..., None] * (whole(z) - demo["image"])
    assert (image - expected).abs().max() < 3 / 255
    feathered, _ = decode(z, image=demo["image"], mask=ramp, feather=4)
    assert (feathered - image).abs().max() < 3 / 255
    assert torch.equal(feathered[:, :, 0], demo["image"][:, :, 0])


def test_a_hard_mask_is_blended_inside_and_exact_outside(decode, whole, latent, demo):
    z = latent(256, 256)
    mask = torch.zeros(1, 256, 256)
    mask[:, :, 128:] = 1
    original, edit = demo["image"], whole(z)
    image = decode(z, image=original, mask=mask, feather=8)[0]
    assert torch.equal(image[:, :, :128], original[:, :, :128])
    assert torch.equal(image[:, :, 136:], edit[:, :, 136:])
    between = image[:, :, 128:136]
    low, high = torch.minimum(original, edit)[:, :, 128:136], torch.maximum(original, edit)[:, :, 128:136]
    assert ((between >= low) & (between <= high)).all()
    hard = decode(z, image=original, mask=mask, feather=0)[0]
    assert torch.equal(hard, torch.where(mask[..., None] > 0, edit, original))


def test_a_picture_of_more_than_8_bits_is_exact_outside(decode, latent, demo):
    fine = (demo["image"] * 0.9 + torch.rand(256, 256, 3, generator=torch.Generator().manual_seed(4)) / 1000).clamp(
        0, 1
    )
    image, said = decode(latent(256, 256), image=fine, mask=demo["mask"])
    outside = demo["mask"] == 0
    assert torch.equal(image[outside], fine[outside])
    assert said == []


def steps(image):
    """The largest difference to the right and lower neighbour of each pixel ``(h - 1, w - 1)``, in levels of 255."""
    here = image[0, :-1, :-1]
    return torch.maximum((image[0, 1:, :-1] - here).abs(), (image[0, :-1, 1:] - here).abs()).amax(-1) * 255


def test_the_seam_is_no_step(run, demo, part):
    """Where the blend goes from original to edit, no step is larger than the larger one of theirs by more than the blend's own,
    and outside nothing is changed at all."""
    common = {k: demo[k] for k in ("model", "vae", "positive")}
    inversion, _ = run("GoodDrag_Invert", **common, image=demo["image"], steps=10)
    settings = {"operations": 6, "operations_per_step": 2, "gradient_steps": 2, "mask": demo["mask"]}
    latent, *_ = run("GoodDrag_Sampler", model=demo["model"], inversion=inversion, points=demo["points"], **settings)
    edit, *_ = run("GoodDrag_Decode", vae=demo["vae"], latent=latent)
    pictures = {"image": demo["image"], "mask": demo["mask"]}
    image, *_ = run("GoodDrag_Decode", vae=demo["vae"], latent=latent, **pictures)
    hard, *_ = run("GoodDrag_Decode", vae=demo["vae"], latent=latent, **pictures, feather=0)
    assert torch.equal(image[demo["mask"] == 0], demo["image"][demo["mask"] == 0])
    assert (image - demo["image"]).abs().max() > 0.1

    share = part("gooddrag.picture.seam").share(demo["mask"][0])
    seam = (share[:-1, :-1] < 1) & (torch.nn.functional.max_pool2d(share[None], 3, 1, 1)[0, :-1, :-1] > 0)
    own = torch.maximum(steps(edit), steps(demo["image"]))
    apart = (edit - demo["image"]).abs().amax(-1)[0][share < 1].max() * 255
    beyond = (steps(image) - own)[seam].clamp(min=0)
    assert beyond.max() <= 2**0.5 * apart / 8 + 1e-3
    assert beyond.mean() < (steps(hard) - own)[seam].clamp(min=0).mean() / 2


def test_grey_is_blended_and_nothing_else_is_said(decode, demo, latent):
    """Also where the sampler would let nothing change: half white and more is its rule."""
    given = latent(256, 256)
    edit, _ = decode(given)
    blended, said = decode(given, image=demo["image"], mask=torch.full((1, 256, 256), 0.4), feather=0)
    assert torch.allclose(blended, torch.lerp(demo["image"], edit, 0.4), atol=1e-6)
    assert said == []


LATENTS = [
    ({}, "`latent` holds nothing, and a LATENT has a tensor of `samples`"),
    (
        {"image": 1},
        "`latent` holds 'image', and a LATENT has a tensor of `samples`; look at the node that it comes from",
    ),
    ({"samples": None}, "`latent` holds 'samples', and a LATENT has a tensor"),
    ({"samples": [[1.0]]}, "a LATENT has a tensor of `samples`"),
    (None, "`latent` is a NoneType, and a LATENT has a tensor of `samples`"),
    (torch.zeros(1, 4, 8, 8), "`latent` is a Tensor, and a LATENT"),
    ({"samples": torch.zeros(0, 4, 8, 8)}, "`latent` holds no picture, 0x4x8x8; look at the node that it comes from"),
    ({"samples": torch.zeros(1, 4, 0, 8)}, "`latent` holds no picture, 1x4x0x8"),
    ({"samples": torch.zeros(8, 8)}, "`latent` is 8x8, but `vae` decodes latents of 4 channels and 4 dimensions"),
    ({"samples": torch.zeros(())}, "`latent` is a single number, but `vae` decodes latents"),
]


@pytest.mark.parametrize(("latent", "message"), LATENTS, ids=lambda v: v[:45] if isinstance(v, str) else "")
def test_what_is_no_latent_is_refused(run, demo, latent, message):
    with pytest.raises(ValueError, match=".") as error:
        run("GoodDrag_Decode", vae=demo["vae"], latent=latent)
    assert message in str(error.value)


def test_no_vae_and_no_model_are_said(run, demo):
    common = {k: demo[k] for k in ("model", "vae", "positive", "image")}
    latent = {"samples": torch.zeros(1, 4, 8, 8)}
    for node_id, given in {
        "GoodDrag_Invert": common,
        "GoodDrag_LoRATune": common,
        "GoodDrag_Decode": {"vae": None, "latent": latent},
    }.items():
        with pytest.raises(ValueError, match="^`vae` is None: .* connect the VAE"):
            run(node_id, **{**given, "vae": None})
        if "model" in given:
            with pytest.raises(ValueError, match="^`model` is None: .* connect a checkpoint loader"):
                run(node_id, **{**given, "model": None})


NONSENSE = [(0, 0), (-3, 60), (60,), (60, 60, 60), "60x60", 60, ("60", "60"), (None, None), (60.5, float("nan")), {}, True,
            torch.tensor([60, 60]), (10**30, 60), (True, True)]  # fmt: skip


@pytest.mark.parametrize("noted", NONSENSE, ids=str)
def test_a_nonsense_size_is_said_and_the_latent_decoded_whole(execute, demo, noted):
    samples = torch.randn(1, 4, 8, 8)
    (plain, *_), _ = execute("GoodDrag_Decode", vae=demo["vae"], latent={"samples": samples})
    (image, *_), said = execute("GoodDrag_Decode", vae=demo["vae"], latent={"samples": samples, "gooddrag_size": noted})
    assert torch.equal(image, plain)
    assert said == [f"The LATENT's `gooddrag_size` is {str(noted)[:60]!r}, no width and height, and was not used."]


def test_a_size_as_json_gives_it_is_used(run, demo):
    latent = {"samples": torch.randn(1, 4, 8, 8), "gooddrag_size": [60, 61]}
    assert run("GoodDrag_Decode", vae=demo["vae"], latent=latent)[0].shape == (1, 61, 60, 3)


@pytest.mark.parametrize("masked", [True, False])
def test_a_picture_of_another_size_is_refused_with_and_without_a_mask(decode, latent, masked):
    more = {"mask": torch.ones(1, 192, 192)} if masked else {}
    with pytest.raises(ValueError, match="`image` is 200x100 but the edit 192x192; connect the picture"):
        decode(latent(192, 192), image=torch.rand(1, 100, 200, 3), **more)
    image, said = decode(latent(192, 192), image=torch.rand(1, 192, 192, 3), **more)
    assert image.shape == (1, 192, 192, 3)
    assert said == []
