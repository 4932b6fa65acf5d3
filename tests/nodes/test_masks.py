"""Masks as people connect them: soft, empty, of other sizes and forms."""

import pytest
import torch

pytest.importorskip("comfy", reason="COMFYUI_DIR is not set; python3 dev.py test nodes sets it")

SIZE = (256, 200)
EMPTY = "`mask` is black everywhere, as Load Image gives it when nobody painted one: it counts as none."


@pytest.fixture
def masks(part):
    return part("nodes.masks")


@pytest.fixture
def said(part, monkeypatch):
    sentences = []
    monkeypatch.setattr(part("nodes.notices"), "tell", sentences.append)
    return sentences


def square():
    mask = torch.zeros(200, 256)
    mask[40:120, 60:180] = 1
    return mask


FORMS = {
    "MASK": lambda m: m[None],
    "two axes": lambda m: m,
    "with a channel": lambda m: m[None, None],
    "with a channel at the end": lambda m: m[None, ..., None],
    "float16": lambda m: m[None].half(),
    "float64": lambda m: m[None].double(),
    "bool": lambda m: m[None] > 0,
    "uint8": lambda m: (m[None] * 255).byte(),
    "uint8 of 0 and 1": lambda m: m[None].byte(),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_is_read(masks, said, form):
    assert torch.equal(masks.given(FORMS[form](square()), SIZE), square())
    assert said == []


BAD = [
    (torch.ones(2, 200, 256), "`mask` holds 2 masks; connect one"),
    (torch.ones(0, 200, 256), "`mask` holds 0 masks; connect one"),
    (torch.ones(1, 200, 256, 3), "`mask` is 1x200x256x3, which is no MASK; convert a picture with ImageToMask"),
    (torch.ones(1, 0, 256), "`mask` is 1x0x256, which is no mask of a picture"),
    (torch.ones(0, 80), "`mask` is 0x80, which is no mask of a picture; connect a MASK of height x width"),
    (torch.ones(200, 0), "`mask` is 200x0, which is no mask of a picture"),
    (torch.ones(0, 0, 0), "`mask` holds 0 masks; connect one"),
    (torch.ones(0, 1, 200, 256), "`mask` holds 0 masks; connect one"),
    (torch.ones(1, 1, 0, 256), "`mask` is 1x1x0x256, which is no mask of a picture"),
    (torch.ones(200, 256).numpy(), "`mask` is a ndarray, which is no MASK; connect one, or none"),
    (torch.ones(7), "`mask` is 7, which is no mask of a picture"),
    (torch.full((1, 200, 256), float("nan")), "`mask` holds 51200 of 51200 values that are NaN or infinite"),
    (torch.ones(1, 200, 256).index_fill(2, torch.tensor(3), float("inf")), "`mask` holds 200 of 51200 values"),
]


@pytest.mark.parametrize(("mask", "message"), BAD, ids=lambda v: v[:40] if isinstance(v, str) else "")
def test_what_is_no_mask_is_refused(masks, mask, message):
    with pytest.raises(ValueError, match=".") as error:
        masks.given(mask, SIZE)
    assert message in str(error.value)


@pytest.mark.parametrize("shape", [(1, 64, 64), (64, 64), (1, 200, 256), (1, 1, 64, 64), (7, 64, 64)])
def test_black_everywhere_counts_as_none(masks, said, shape):
    assert masks.given(torch.zeros(shape), SIZE) is None
    assert said == [EMPTY]


def test_another_size_is_resized_and_said(masks, said):
    mask = masks.given(square()[None, ::2, ::2], SIZE)
    assert said == ["The mask is 128x100 and was resized to the picture's 256x200."]
    assert (masks.editable(mask) != square()).float().mean() < 0.01
    ramp = torch.linspace(0, 1, 1024).expand(1, 800, 1024)
    assert (masks.given(ramp, SIZE) - torch.linspace(0, 1, 256)).abs().max() < 0.01


def test_another_shape_is_named(masks, said):
    masks.given(torch.ones(1, 200, 300), SIZE)
    assert said == [
        "The mask is 300x200 and was resized to the picture's 256x200, which has another shape: what was painted is stretched."
    ]
    said.clear()
    masks.given(torch.ones(1, 100, 129), SIZE)  # rounded
    assert said == ["The mask is 129x100 and was resized to the picture's 256x200."]


def test_values_beyond_are_clamped(masks, said):
    assert masks.given(square()[None] * 3 - 1, SIZE).unique().tolist() == [0, 1]
    assert said == ["`mask` goes from -1 to 2 and was clamped to 0..1."]


def test_half_white_and_more_may_change(masks, said):
    soft = square() * torch.linspace(0, 1, 200)[:, None]
    assert torch.equal(masks.editable(soft), (soft >= 0.5).float())
    share = ((soft > 0) & (soft < 0.5)).float().mean()
    assert said == [
        f"`mask` is above 0 and below 0.5 in {share:.0%} of the picture, which stays: 0.5 and more may change."
    ]
    said.clear()
    thin = square()
    thin[39] = 0.3  # the rim of a brush
    assert torch.equal(masks.editable(thin), square())
    assert said == []


@pytest.mark.parametrize("value", [0.01, 0.49])
def test_nowhere_white_enough_is_an_error(masks, value):
    with pytest.raises(ValueError, match=rf"`mask` is nowhere above {value}, and only 0.5 and more may change"):
        masks.editable(torch.full((200, 256), value))


def feathered():
    from comfy_extras.nodes_mask import FeatherMask

    return FeatherMask.execute(torch.ones(1, 256, 256), 80, 80, 80, 80).args[0]


@pytest.fixture
def inversion(run, demo):
    return run("GoodDrag_Invert", **{k: demo[k] for k in ("model", "vae", "image", "positive")}, steps=4)[0]


@pytest.fixture
def sample(execute, demo, inversion):
    def sampled(**more):
        settings = {"operations": 1, "gradient_steps": 1, **more}
        return execute("GoodDrag_Sampler", model=demo["model"], inversion=inversion, points=demo["points"], **settings)

    return sampled


def test_the_sampler_takes_half_white_of_a_feathered_mask(sample):
    (soft, *_), said = sample(mask=feathered())
    (hard, *_), _ = sample(mask=(feathered() >= 0.5).float())
    (all_of_it, *_), _ = sample()
    assert torch.equal(soft["samples"], hard["samples"])
    assert not torch.equal(soft["samples"], all_of_it["samples"])
    assert any(sentence.startswith("`mask` is above 0 and below 0.5 in ") for sentence in said)


def test_an_unpainted_mask_is_none_in_sampler_and_decode(sample, execute, demo):
    unpainted = torch.zeros(1, 64, 64)
    (with_it, *_), said = sample(mask=unpainted)
    (without, *_), _ = sample()
    assert torch.equal(with_it["samples"], without["samples"])
    assert EMPTY in said
    given = {"vae": demo["vae"], "latent": without, "image": demo["image"]}
    (with_it, *_), said = execute("GoodDrag_Decode", **given, mask=unpainted)
    assert torch.equal(with_it, execute("GoodDrag_Decode", **given)[0][0])
    assert said == [EMPTY]


def test_points_hand_soft_values_on_and_judge_handles_by_half_white(run, nodes, demo):
    ramp = torch.linspace(0, 1, 256).expand(1, 256, 256)
    pairs = "[[[60, 100], [200, 100]], [[200, 50], [220, 50]]]"
    with torch.inference_mode():
        output = nodes["GoodDrag_Points"].execute(image=demo["image"], points=pairs, mask=ramp)
    assert torch.allclose(output.args[1], ramp)
    assert "under the handle at (60, 100) may not change" in " ".join(output.ui["text"])
    with torch.inference_mode():
        turned = nodes["GoodDrag_Points"].execute(image=demo["image"], points=pairs, mask=ramp.flip(-1))
    assert "target at (200, 100) and (220, 50) lies where nothing may change" in " ".join(turned.ui["text"])
    with pytest.raises(ValueError, match=r"`mask` is nowhere above 0.3"):
        run("GoodDrag_Points", image=demo["image"], points=pairs, mask=ramp * 0.3)
