"""`start` = last run: whose run goes on, and what is said when none does."""

from types import SimpleNamespace

import pytest
import torch

pytest.importorskip("comfy", reason="COMFYUI_DIR is not set; python3 dev.py test nodes sets it")

import comfy.cli_args


@pytest.fixture
def inversion(run, demo):
    inputs = {k: demo[k] for k in ("model", "vae", "image", "positive")}
    return lambda steps=4, **more: run("GoodDrag_Invert", **{**inputs, **more}, steps=steps)[0]


@pytest.fixture
def sample(execute, demo, nodes, part, monkeypatch):
    """A run by some client, workflow and node: its latent, its trace and what it says."""
    server = SimpleNamespace(client_id=None)
    monkeypatch.setattr(part("nodes.last_run").PromptServer, "instance", server, raising=False)

    def sampled(inversion, client="tab", workflow="w", node="5", model=None, **settings):
        hidden = SimpleNamespace(unique_id=node, extra_pnginfo={"workflow": {"id": workflow}} if workflow else None)
        monkeypatch.setattr(nodes["GoodDrag_Sampler"], "hidden", hidden, raising=False)
        server.client_id = client
        settings = {"operations": 1, "operations_per_step": 1, "gradient_steps": 1, "start": "last run", **settings}
        model, points = model or demo["model"], demo["points"]
        (latent, trace, _), said = execute(
            "GoodDrag_Sampler", model=model, inversion=inversion, points=points, **settings
        )
        return latent["samples"], trace.trace, [s for s in said if s.startswith("`start` is last run")]

    return sampled


def test_the_same_node_of_the_same_tab_goes_on(sample, inversion):
    value = inversion()
    first, _, said = sample(value)
    assert said == [
        "`start` is last run, but no run of this node on this inversion is kept: it is the first, the inversion was made anew, or "
        "ComfyUI's cache has dropped it. This run begins at the picture."
    ]
    second, _, said = sample(value)
    assert said == []
    assert not torch.equal(first, second)


def test_of_many_clients_the_last_are_kept(sample, inversion, part):
    value, most = inversion(), part("nodes.types").STATES
    for number in range(most + 2):
        sample(value, client=f"script {number}", operations=0)
    assert len(value.states) == most
    assert (f"script {most + 1}", "w", "5") in value.states
    assert ("script 1", "w", "5") not in value.states


@pytest.mark.parametrize(
    "other", [{"client": "another"}, {"client": None}, {"workflow": "v"}, {"workflow": None}, {"node": "6"}]
)
def test_another_tab_workflow_or_node_does_not(sample, inversion, other):
    value = inversion()
    first, *_ = sample(value)
    theirs, _, said = sample(value, **other)
    assert torch.equal(first, theirs)
    assert len(said) == 1
    expected, *_ = sample(value)
    assert not torch.equal(first, expected)
    assert sample(value, **other)[2] == []


def test_another_model_and_a_cache_that_forgets_are_named(sample, inversion, demo, monkeypatch):
    value = inversion()
    sample(value)
    assert sample(value, model=demo["model"].clone())[2] == []  # a clone that nothing was changed on
    changed = demo["model"].clone()
    changed.add_patches({"diffusion_model.out.2.bias": (torch.full((4,), 0.1),)})
    said = sample(value, model=changed)[2]
    assert said == [
        "`start` is last run, but the MODEL, `mutual_attention` or `exact_source`, also by `preset`, is another than in the last "
        "run. This run begins at the picture."
    ]
    monkeypatch.setattr(comfy.cli_args.args, "cache_none", True)
    said = sample(inversion())[2]
    assert len(said) == 1
    assert "ComfyUI was started with --cache-none and forgets every run" in said[0]


def test_two_samplers_on_one_inversion_both_go_on(sample, inversion):
    """Also when they read the unedited picture differently, and run in turn."""
    value = inversion()
    for node, mutual in (("5", True), ("6", False)):
        sample(value, node=node, mutual_attention=mutual)
    for node, mutual in (("5", True), ("6", False), ("5", True)):
        assert sample(value, node=node, mutual_attention=mutual)[2] == []


def test_every_run_does_all_of_its_operations(sample, inversion):
    """Also when fewer timesteps are left than that."""
    value = inversion()
    done = [sample(value, operations=3, patience=1000)[1].operations for _ in range(4)]
    assert done == [3, 3, 3, 3]


def test_picture_says_nothing(sample, inversion):
    assert sample(inversion(), start="picture")[2] == []


def test_too_few_timesteps_are_told_before_and_after(execute, demo, inversion, caplog):
    settings = {"operations": 70, "operations_per_step": 1, "gradient_steps": 1, "patience": 1000}
    given = {"model": demo["model"], "inversion": inversion(steps=8), "points": demo["points"]}
    (_, trace, _), said = execute("GoodDrag_Sampler", **given, **settings)
    assert said[0] == (
        "70 operations at 1 per step need 70 timesteps, and there are 6: at most 6 are done. Raise `operations_per_step`, "
        "or `steps` or `strength` of the inversion."
    )
    assert said[-1].startswith("6 drag operations (of 70: the timesteps ran out")
    assert trace.trace.operations == 6
    enough = execute("GoodDrag_Sampler", **given, **{**settings, "operations": 6})[1]
    assert len(enough) == 1
    assert enough[0].startswith("6 drag operations (all were used)")


def test_what_was_dragged_stays_in_the_picture_when_the_next_run_has_another_region(
    run, execute, demo, inversion, part
):
    """As with the editor's region around the arrows, when an arrow is replaced by another elsewhere."""
    value, short = inversion(), {"operations": 2, "operations_per_step": 2, "gradient_steps": 3}
    first_mask, other = demo["mask"], torch.zeros_like(demo["mask"])
    other[..., :64, :64] = 1
    assert not (first_mask * other).any()
    elsewhere = part("gooddrag.picture.geometry").DragPoints.from_text("20,20>36,30", 256, 256)
    given = {"model": demo["model"], "inversion": value, **short}
    first, _, state = run("GoodDrag_Sampler", **given, points=demo["points"], mask=first_mask)
    (second, trace, _), said = execute("GoodDrag_Sampler", **given, points=elsewhere, mask=other, state=state)
    assert any("another region than the one before, whose changes stay" in sentence for sentence in said)
    assert (second["noise_mask"][0, 0, ::8, ::8] > 0).equal((first_mask + other).squeeze()[::8, ::8] > 0)  # by cells

    def moved(latent, mask, **more):
        image = run("GoodDrag_Decode", vae=demo["vae"], latent=latent, image=demo["image"], mask=mask, **more)[0]
        return (image - demo["image"]).abs()[0, ..., 0][first_mask.squeeze() > 0].mean().item()

    once, twice = moved(first, first_mask), moved(second, other, trace=trace)
    assert twice > 0.5 * once > 0.002
    assert moved(second, other) == 0  # without the trace Decode knows of one mask only


def test_going_on_with_the_same_mask_says_and_changes_nothing_outside(run, execute, demo, inversion):
    """A mask of any pixels, which the latent's cells only approach."""
    value, mask = inversion(), torch.zeros(1, 256, 256)
    mask[:, 101:203, 11:157] = 1
    given = {"model": demo["model"], "inversion": value, "points": demo["points"], "mask": mask, "operations": 1}
    _, _, state = run("GoodDrag_Sampler", **given)
    (latent, trace, _), said = execute("GoodDrag_Sampler", **given, state=state)
    assert not any("another region" in sentence for sentence in said)
    assert trace.kept is None
    assert latent["noise_mask"][0].equal(mask)
    image = run("GoodDrag_Decode", vae=demo["vae"], latent=latent, image=demo["image"], mask=mask, trace=trace)[0]
    assert image[mask == 0].equal(demo["image"][mask == 0])


def test_a_state_of_a_smaller_picture_is_refused_in_words(run, demo, inversion):
    small = inversion(image=demo["image"][:, :128, :128])
    points = demo["points"].fitted((128, 128))
    given = {"model": demo["model"], "operations": 1}
    _, _, state = run("GoodDrag_Sampler", **given, inversion=small, points=points)
    with pytest.raises(ValueError, match="`state` belongs to another inversion"):
        run("GoodDrag_Sampler", **given, inversion=inversion(), points=demo["points"], mask=demo["mask"], state=state)
