"""What a node says when another way would serve better."""

import pytest


@pytest.fixture
def given(demo):
    return {name: demo[name] for name in ("model", "vae", "image", "positive")}


def test_a_picture_that_is_far_too_large_is_dragged_and_fit_is_named(execute, part, given, monkeypatch):
    _, said = execute("GoodDrag_Invert", **given, steps=2)
    assert not any("GoodDrag Fit" in sentence for sentence in said)
    monkeypatch.setattr(part("nodes.invert"), "MUCH", 0.01)
    _, said = execute("GoodDrag_Invert", **given, steps=2)
    assert (
        "The picture is 256x256, and pictures of about 768x768 suit Stable Diffusion 1.x best. GoodDrag Fit" in said[0]
    )


def test_a_preset_along_an_inversion_of_another_is_said(execute, run, demo, given):
    def told(steps: int) -> list[str]:
        inversion, _ = run("GoodDrag_Invert", **given, steps=steps)
        dragged = {"model": demo["model"], "points": demo["points"], "mask": demo["mask"], "preset": "fast"}
        return execute("GoodDrag_Sampler", inversion=inversion, **dragged)[1]

    assert not any("made for an inversion" in sentence for sentence in told(16))
    assert (
        "`preset` is fast, which is made for an inversion of 16 steps at strength 0.75; this one has 4 at 0.75."
        in told(4)[0]
    )


@pytest.mark.parametrize(
    ("steps", "strength", "reached"),
    [(350, 1.0, 699), (600, 0.75, 450), (50, 0.75, None), (16, 0.75, None), (3, 0.5, None)],
)
def test_steps_that_do_not_reach_the_noise_are_said(part, monkeypatch, steps, strength, reached):
    said, node = [], part("nodes.invert")
    monkeypatch.setattr(node.notices, "tell", said.append)
    node._tell_of_less(part("gooddrag.network.schedule").Schedule(steps, strength))
    assert [f"reach timestep {reached}" in s for s in said] == [True] * (reached is not None)
