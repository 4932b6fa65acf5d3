"""Pictures as nodes hand them on: grey, transparent, of other types, beyond 0..1, broken."""

import pytest
import torch

pytest.importorskip("comfy", reason="COMFYUI_DIR is not set; python3 dev.py test nodes sets it")


@pytest.fixture
def one(part):
    return part("nodes.pictures").one


@pytest.fixture
def said(part, monkeypatch):
    sentences = []
    monkeypatch.setattr(part("nodes.notices"), "tell", sentences.append)
    return sentences


@pytest.fixture
def picture():
    return torch.rand(1, 72, 64, 3).mul(255).round() / 255


def test_grey_is_repeated(one, said, picture):
    assert torch.equal(one(picture[..., :1]), picture[..., :1].repeat(1, 1, 1, 3))
    assert said == []


def test_transparency_is_left_away_and_said(one, said, picture):
    assert torch.equal(one(torch.cat([picture, picture[..., :1]], -1)), picture)
    assert said == ["The transparency of `image` is ignored."]


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16, torch.float64])
def test_other_numbers(one, said, picture, kind):
    assert one(picture.to(kind)).dtype == torch.float32
    assert torch.allclose(one(picture.to(kind)), picture, atol=5e-3)
    assert said == []


def test_bytes_are_divided(one, picture):
    assert torch.equal(one((picture * 255).byte()), picture)


def test_beyond_is_clamped_and_said(one, said, picture):
    assert torch.equal(one(picture.clamp(0.005, 1) + 0.004), (picture.clamp(0.005, 1) + 0.004).clamp(0, 1))
    assert said == []  # what resizing leaves
    picture[0, :9, :9] = 1.5
    picture[0, 9:12, :9] = -0.25
    assert torch.equal(one(picture), picture.clamp(0, 1))
    assert said == ["`image` goes from -0.25 to 1.5 and was clamped to 0..1."]


BAD = [
    (
        torch.rand(2, 64, 64, 3),
        "`image` holds 2 pictures; GoodDrag edits one at a time, so take one with ImageFromBatch",
    ),
    (torch.rand(0, 64, 64, 3), "`image` holds no picture"),
    (torch.rand(64, 64, 3).numpy(), "`image` is a ndarray, which is no IMAGE; look at the node that it comes from"),
    (torch.rand(0, 0, 64, 3), "`image` holds no picture"),
    (torch.rand(1, 64, 64, 2), "`image` is 64x64 with 2 channels; a picture has 3, or 1 if it is grey"),
    (torch.rand(1, 64, 64, 5), "`image` is 64x64 with 5 channels"),
    (torch.rand(1, 0, 64, 3), "`image` is 64x0 with 3 channels"),
    (torch.rand(64, 64, 3), "`image` is 64x64x3, which is no IMAGE; a picture is 1 x height x width x 3"),
    (torch.rand(1, 64, 64, 3) * 255, "most of it beyond 0..1"),
    (
        torch.rand(1, 64, 64, 3).index_fill(3, torch.tensor(1), float("nan")),
        "`image` holds 4096 of 12288 values that are NaN",
    ),
    (
        torch.rand(1, 64, 64, 3).index_fill(2, torch.tensor(0), float("inf")),
        "`image` holds 192 of 12288 values that are NaN",
    ),
]


@pytest.mark.parametrize(("image", "message"), BAD, ids=lambda v: v[:45] if isinstance(v, str) else "")
def test_what_is_no_picture_is_refused_at_every_door(run, demo, image, message):
    given = {"model": demo["model"], "vae": demo["vae"], "positive": demo["positive"], "image": image}
    latent = {"samples": torch.zeros(1, 4, 8, 8)}
    for node_id, inputs in {
        "GoodDrag_Points": {"image": image, "points": "[[[1, 2], [3, 4]]]"},
        "GoodDrag_LoRATune": given,
        "GoodDrag_Invert": given,
        "GoodDrag_Decode": {"vae": demo["vae"], "latent": latent, "image": image, "mask": torch.ones(1, 64, 64)},
    }.items():
        with pytest.raises(ValueError, match=".") as error:
            run(node_id, **inputs)
        assert message in str(error.value), node_id


@pytest.mark.parametrize(("image", "message"), BAD[1:], ids=lambda v: v[:45] if isinstance(v, str) else "")
def test_what_is_no_picture_is_refused_where_large_ones_are_edited(run, image, message):
    large = torch.rand(1, 96, 96, 3)
    for node_id, inputs in {
        "GoodDrag_Fit": {"image": image},
        "GoodDrag_CarryBack ": {"image": image, "edited": large},
        "GoodDrag_CarryBack": {"image": large, "edited": image},
        "GoodDrag_CarryBack  ": {"image": large, "edited": large, "source": image},
    }.items():
        with pytest.raises(ValueError, match=".") as error:
            run(node_id.strip(), **inputs)
        name = next(key for key, value in inputs.items() if value is image)
        assert message.replace("`image`", f"`{name}`") in str(error.value), node_id


def test_a_grey_picture_goes_all_the_way(run, demo):
    """As three equal channels do."""
    common = {k: demo[k] for k in ("model", "vae", "positive")}
    grey = demo["image"].mean(-1, keepdim=True)
    (_, one_channel), (_, three) = (
        run("GoodDrag_Invert", **common, image=i, steps=2) for i in (grey, grey.repeat(1, 1, 1, 3))
    )
    assert torch.allclose(one_channel["samples"], three["samples"], atol=1e-3)
