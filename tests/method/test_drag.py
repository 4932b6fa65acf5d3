"""The whole of Algorithm 1 on a real, tiny U-Net."""

import json
from dataclasses import replace

import pytest
import torch

from gooddrag import DragPoints, drag, drag_batch, invert
from gooddrag.method.handles import Reference
from gooddrag.method.plan import planned
from gooddrag.method.source import Source
from gooddrag.network.features import predict
from gooddrag.network.memory import gradient_bytes
from gooddrag.network.window import Window
from gooddrag.picture.geometry import to_grid

SIZE = (128, 96)


@pytest.fixture
def points():
    return DragPoints.from_text("40,40>80,48", *SIZE)


@pytest.fixture
def mask():
    mask = torch.zeros(96, 128)
    mask[24:72, 24:104] = 1
    return mask


def test_result_moves_and_the_trace_tells_how(model, inversion, points, mask, fast):
    result = drag(model, inversion, points, mask, fast)
    assert result.latent.shape == inversion.latent.shape
    assert not torch.allclose(result.latent, result.source)
    trace = result.trace
    # one tracking opens each of the two denoising steps, one follows each of the four operations
    assert [t.operation for t in trace.trackings] == [0, 1, 2, 2, 3, 4]
    assert [t.loss is None for t in trace.trackings] == [True, False, False, True, False, False]
    assert [t.timestep for t in trace.trackings] == [701] * 3 + [601] * 3
    assert trace.operations == 4
    assert trace.ended == "operations"
    assert len(trace.distances) == 1
    assert set(trace.seconds) == {"reference", "drag", "denoise"}
    assert [operation for operation, _ in result.previews] == [2, 4]
    data = json.loads(trace.to_json())
    assert data["trackings"][1]["handles"][0] == list(trace.trackings[1].handles[0])
    assert data["config"]["operations"] == 4


def test_source_is_the_plain_reconstruction(model, inversion, points, mask, fast):
    result = drag(model, inversion, points, mask, fast)
    z = inversion.latent
    with torch.no_grad():
        for t in inversion.schedule.timesteps:
            z, _ = inversion.schedule.denoise(predict(model.unet, z, t, inversion.text), t, z)
    assert torch.allclose(result.source, z, atol=1e-5)


def test_no_operations_give_the_reconstruction(model, inversion, points, fast):
    result = drag(model, inversion, points, None, fast.replace(operations=0))
    assert torch.allclose(result.latent, result.source, atol=1e-5)
    assert result.trace.operations == 0
    assert result.trace.handles == points.handles


def test_lock_keeps_the_outside_and_penalty_only_nearly(model, inversion, points, mask, fast):
    outside = torch.ones(1, 1, 12, 16, dtype=torch.bool)
    outside[..., 3:9, 3:13] = False

    def change(config):
        result = drag(model, inversion, points, mask, config)
        difference = (result.latent - result.source).abs()
        return difference[outside.expand_as(difference)].max(), difference[~outside.expand_as(difference)].max()

    locked_outside, locked_inside = change(fast.replace(background="lock"))
    assert locked_outside == 0
    assert locked_inside > 0.01
    assert change(fast)[0] > 0
    free = change(fast.replace(mask_weight=0.0))[0]
    assert change(fast.replace(mask_weight=5.0))[0] < free


def test_lock_does_not_evaluate_what_it_does_not_need(model, inversion, points, mask, fast):
    calls = {"last": 0, "feature": 0}
    model.unet.conv_out.register_forward_hook(lambda *_: calls.__setitem__("last", calls["last"] + 1))
    model.unet.up_blocks[2].register_forward_hook(lambda *_: calls.__setitem__("feature", calls["feature"] + 1))
    drag(model, inversion, points, mask, fast.replace(background="lock"))
    gradients = 4 * 2
    assert calls["feature"] - calls["last"] == gradients
    assert calls["last"] == 2 * len(inversion.schedule.timesteps)  # at every timestep the source and the edit, once


def test_same_input_same_result_bit_for_bit(model, inversion, points, mask, fast):
    first = drag(model, inversion, points, mask, fast)
    torch.rand(3)
    second = drag(model, inversion, points, mask, fast)
    assert torch.equal(first.latent, second.latent)
    assert first.trace.handles == second.trace.handles


@pytest.mark.long
def test_settings_change_the_result(model, inversion, points, mask, fast):
    base = drag(model, inversion, points, mask, fast).latent
    for change in (
        {"information_preserving": False}, {"operations_per_step": 4}, {"gradient_steps": 1}, {"drag_size": 2.0},
        {"supervision_radius": 2}, {"mutual_blocks": ()}, {"feature_block": "up_blocks.1"}, {"learning_rate": 0.01},
        {"mutual_blocks": ("up_blocks.3",)},
    ):  # fmt: skip
        assert not torch.equal(drag(model, inversion, points, mask, fast.replace(**change)).latent, base), change


@pytest.mark.parametrize("handle", [(0, 0), (127, 0), (0, 95), (127, 95), (64, 95)])
@pytest.mark.parametrize("background", ["penalty", "lock"])
def test_handles_and_targets_on_the_border(model, inversion, fast, handle, background):
    for points in ([(handle, (64, 48))], [((64, 48), handle)]):
        result = drag(model, inversion, DragPoints.from_pairs(points, *SIZE), None, fast.replace(background=background))
        assert result.latent.isfinite().all()
        assert all(0 <= x <= 127 and 0 <= y <= 95 for t in result.trace.trackings for x, y in t.handles)


@pytest.mark.parametrize(("width", "height"), [(121, 89), (128, 90), (127, 96), (64, 67)])
def test_any_size(model, text, fast, width, height):
    z0 = torch.randn(1, 4, -(-height // 8), -(-width // 8))
    inversion = invert(model, z0, text, (width, height), fast)
    points = DragPoints.from_pairs([((width - 1, height - 1), (20, 20))], width, height)
    result = drag(model, inversion, points, torch.ones(height, width), fast)
    assert result.size == (width, height)
    assert all(0 <= x <= width - 1 and 0 <= y <= height - 1 for t in result.trace.trackings for x, y in t.handles)


def test_arrived_handles_end_the_drag_at_once(model, inversion, fast):
    result = drag(model, inversion, DragPoints.from_text("40,40>42,40", *SIZE), None, fast)
    assert result.trace.ended == "reached"
    assert result.trace.operations == 0


def test_handles_that_stay_end_the_drag(model, inversion, points, fast):
    config = fast.replace(learning_rate=1e-9, patience=1, operations=6)
    result = drag(model, inversion, points, None, config)
    assert result.trace.ended == "still"
    assert result.trace.operations == 1
    assert len(result.trace.trackings) == 2  # no further tracking once it has ended


def test_several_pairs_and_the_reference(model, inversion, fast):
    points = DragPoints.from_text("40,40>60,40; 80,60>80,80; 20,20>30,30", *SIZE)
    source = Source(inversion, fast)
    first, second = (source.step(model, i, feature=True) for i in range(2))
    reference = Reference.at(to_grid(points.handles, (48, 64)), first, 4)
    assert reference.templates.shape[0] == 3
    assert reference.templates.shape[2:] == (9, 9)
    assert torch.equal(second.latent, first.denoised)
    assert torch.equal(reference.originals, reference.templates[:, :, 4, 4])
    assert len(drag(model, inversion, points, None, fast).trace.distances) == 3


@pytest.mark.parametrize("stage", ["reference", "drag", "denoise"])
def test_cancelling_anywhere_leaves_the_model_as_it_was(model, inversion, points, mask, fast, stage):
    processors = dict(model.unet.attn_processors)
    z = inversion.latent.clone()

    def stop(progress):
        if progress.stage == stage:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        drag(model, inversion, points, mask, fast, stop)
    assert all(model.unet.attn_processors[n] is p for n, p in processors.items())
    assert not any(m._forward_hooks for m in model.unet.modules())
    assert not any(p.requires_grad or p.grad is not None for p in model.unet.parameters())
    assert torch.equal(inversion.latent, z)


def test_progress_counts_up_to_its_total_and_shows_the_picture(model, inversion, points, mask, fast):
    seen = []
    drag(model, inversion, points, mask, fast, seen.append)
    steps = [p.step for p in seen]
    assert steps == sorted(steps)
    assert {p.total for p in seen} == {seen[-1].step}
    assert [p.stage for p in seen].count("drag") == 8
    shown = [p for p in seen if p.preview is not None]
    assert len(shown) == len(inversion.schedule.timesteps)
    assert shown[-1].preview.shape == inversion.latent.shape
    assert torch.equal(shown[-1].latent, drag(model, inversion, points, mask, fast).latent)


def test_no_weight_gradients_are_made(model, inversion, points, mask, fast):
    drag(model, inversion, points, mask, fast)
    assert all(p.grad is None for p in model.unet.parameters())


def test_works_under_no_grad(model, inversion, points, mask, fast):
    with torch.no_grad():
        assert drag(model, inversion, points, mask, fast).trace.operations == 4


def test_points_of_another_picture_are_refused(model, inversion, fast):
    with pytest.raises(ValueError, match="placed on a 64x96 picture, but the picture is 128x96"):
        drag(model, inversion, DragPoints.from_text("4,4>30,30", 64, 96), None, fast)


def test_a_second_edit_evaluates_nothing_of_the_source(model, inversion, points, mask, fast):
    first = drag(model, inversion, points, mask, fast)
    source = first.state.source
    evaluations = source.evaluations
    assert evaluations == len(inversion.schedule.timesteps)
    other = DragPoints.from_text("40,40>60,60", *SIZE)
    again = drag(model, inversion, other, mask, fast, source=source)
    # the last timestep that was dragged may not have been read for mutual attention yet
    assert source.evaluations - evaluations <= fast.drag_steps
    assert torch.equal(again.latent, drag(model, inversion, other, mask, fast).latent)
    assert torch.equal(drag(model, inversion, points, mask, fast, source=source).latent, first.latent)


def test_a_source_that_does_not_fit_in_memory_is_computed_again(model, inversion, points, mask, fast, monkeypatch):
    expected = drag(model, inversion, points, mask, fast)
    monkeypatch.setattr("gooddrag.method.source.free_bytes", lambda device: 0)
    result = drag(model, inversion, points, mask, fast)
    assert torch.equal(result.latent, expected.latent)
    assert all(step.feature is None and step.read is None for step in result.state.source.steps)


def test_what_is_kept_of_a_source_gives_way_to_gradients(model, inversion, points, mask, fast, monkeypatch):
    fast = fast.replace(background="lock", window=True)
    first = drag(model, inversion, points, mask, fast)
    source = first.state.source
    assert any(step.read for step in source.steps)
    needed = []
    leave = source.leave
    monkeypatch.setattr(source, "leave", lambda size, window: (needed.append(size), leave(size, window)))
    assert torch.equal(drag(model, inversion, points, mask, fast, source=source).latent, first.latent)
    assert any(step.read for step in source.steps)
    monkeypatch.setattr("gooddrag.method.source.free_bytes", lambda device: needed[0] - 1)
    assert torch.equal(drag(model, inversion, points, mask, fast, source=source).latent, first.latent)
    assert not any(step.read or step.feature is not None for step in source.steps)


def test_where_checkpointing_makes_room_the_source_is_kept_beside_it(model, inversion, points, mask, fast, monkeypatch):
    fast = fast.replace(background="lock", window=True)
    block, shape = model.family.settled(fast).evaluated_block, (1, *inversion.latent.shape[1:])
    plain, sparing = (gradient_bytes(model.unet, shape, block=block, checkpointing=c) for c in (False, True))
    monkeypatch.setattr("gooddrag.network.memory.free_bytes", lambda device: (plain + sparing) // 2)
    monkeypatch.setattr("gooddrag.method.source.free_bytes", lambda device: 2**40)
    source = drag(model, inversion, points, mask, fast).state.source
    assert source.left == sparing


def test_of_another_window_nothing_is_kept_while_memory_is_planned(model, inversion, points, mask, fast):
    fast = fast.replace(background="lock", window=True)
    source = drag(model, inversion, points, mask, fast).state.source
    for window in (source.window, None):  # what is read of the whole is read in any
        source.leave(0, window)
        assert any(step.read for step in source.steps)
    source.leave(0, Window(0, 8, 0, 8, 12, 16))
    assert not any(step.read for step in source.steps)


def test_a_drag_goes_on_from_its_state(model, inversion, points, mask, fast):
    whole = drag(model, inversion, points, mask, fast.replace(operations_per_step=4))
    half = fast.replace(operations=2, operations_per_step=4)
    first = drag(model, inversion, points, mask, half)
    second = drag(model, inversion, points, mask, half, state=first.state)
    # the same operations with the same Adam, so the same result
    assert torch.allclose(second.latent, whole.latent, atol=1e-6)
    assert second.trace.handles == whole.trace.handles
    assert second.state.index == first.state.index == 0


def test_every_run_that_goes_on_does_all_of_its_operations(model, inversion, points, mask, fast):
    config = fast.replace(operations=3, operations_per_step=1, background="lock")
    state, done, stopped = None, [], []
    for _ in range(5):
        result = drag(model, inversion, points, mask, config, state=state)
        state = result.state
        done.append(result.trace.operations)
        stopped.append(state.index)
        assert result.trace.ended == "operations"
        assert result.latent.isfinite().all()
    assert done == [3] * 5
    assert stopped == [2, 4, 5, 5, 5]  # of 8: in the last quarter there is too little noise to mend with


def test_timesteps_that_run_out_are_said(model, inversion, points, mask, fast):
    config, seen = fast.replace(operations=70, operations_per_step=1, background="lock"), []
    trace = drag(model, inversion, points, mask, config, seen.append).trace
    timesteps = len(inversion.schedule.timesteps)
    assert trace.operations == sum(planned(config, timesteps)) == timesteps
    assert trace.ended == "timesteps"
    assert "8 drag operations (of 70: the timesteps ran out; raise operations_per_step)" in trace.summary()
    assert {p.total for p in seen} == {seen[-1].step}
    assert drag(model, inversion, points, mask, fast).trace.ended == "operations"
    one = drag(model, inversion, points, mask, fast.replace(operations=1)).trace
    assert one.summary().startswith("1 drag operation (all were used)")


def test_a_pair_that_is_added_starts_at_its_handle_and_the_others_go_on(model, inversion, points, mask, fast):
    first = drag(model, inversion, points, mask, fast)
    more = DragPoints.from_text("40,40>80,48; 80,60>60,60", *SIZE)
    seen = []
    second = drag(model, inversion, more, mask, fast, lambda p: seen.append(p.handles), state=first.state)
    assert seen[0][0] == first.trace.handles[0]
    assert seen[0][1] == more.handles[1]
    assert second.latent.isfinite().all()


def test_handles_in_one_cell_go_on_from_where_each_was(model, inversion, mask, fast):
    near = DragPoints.from_text("40,40>80,48; 41,40>41,72", *SIZE)
    state = replace(drag(model, inversion, near, mask, fast).state, handles=torch.tensor([[20.0, 30.0], [25.0, 20.0]]))
    assert state.cells(near).tolist() == [[20, 30], [25, 20]]
    moved = DragPoints.from_text("40.4,40>80,48; 60,60>41,72", *SIZE)
    assert state.cells(moved).tolist() == [[25, 20], [30, 30]]  # the same cell, and a new handle


@pytest.mark.parametrize("background", ["lock", "penalty"])
def test_what_an_earlier_drag_changed_stays_when_the_next_has_another_region(
    model, inversion, points, fast, background
):
    """As in the editor, where a new arrow brings a region of its own."""
    config = fast.replace(background=background, window=True)
    left, right = torch.zeros(96, 128), torch.zeros(96, 128)
    left[:, :56], right[:, 72:] = 1, 1
    first = drag(model, inversion, DragPoints.from_text("16,40>40,48", *SIZE), left, config)
    second = drag(model, inversion, DragPoints.from_text("88,40>104,48", *SIZE), right, config, state=first.state)
    apart = [(result.latent - result.source).abs().amax(dim=(0, 1, 2)) for result in (first, second)]
    assert apart[0][:7].max() > 0.1
    assert apart[1][:7].max() > 0.5 * apart[0][:7].max()
    assert apart[1][9:].max() > 0.1
    if background == "lock":
        assert apart[1][7:9].max() == 0


def test_a_state_of_another_inversion_is_refused(model, z0, text, inversion, points, mask, fast):
    state = drag(model, inversion, points, mask, fast).state
    other = invert(model, z0 + 1, text, SIZE, fast)
    with pytest.raises(ValueError, match="`state` belongs to another inversion"):
        drag(model, other, points, mask, fast, state=state)
    with pytest.raises(ValueError, match="`state` belongs to another mutual attention; continue"):
        drag(model, inversion, points, mask, fast.replace(mutual_blocks=()), state=state)


@pytest.fixture
def several():
    """One far, one that has arrived at once, one with two pairs."""
    return [DragPoints.from_text(p, *SIZE) for p in ("40,40>80,48", "60,60>62,60", "40,40>60,60; 90,60>70,60")]


def near(a, b):
    """Equal up to rounding, which Adam may enlarge in a few cells."""
    return (a - b).abs().mean() < 1e-3


def calls(model):
    """How many latents each evaluation of the U-Net had, as they happen."""
    seen = []
    return seen, model.unet.register_forward_pre_hook(lambda _m, inputs: seen.append(len(inputs[0])))


def test_a_batch_gives_what_single_drags_give(model, inversion, several, mask, fast):
    config = fast.replace(background="lock")
    seen, hook = calls(model)
    together = drag_batch(model, inversion, several, mask, config)
    hook.remove()
    assert max(seen) == 3
    for result, points in zip(together, several):
        alone = drag(model, inversion, points, mask, config)
        assert near(result.latent, alone.latent)
        assert torch.allclose(result.source, alone.source, atol=1e-5)
        assert [(t.operation, t.handles) for t in result.trace.trackings] == [
            (t.operation, t.handles) for t in alone.trace.trackings
        ]
        assert (result.trace.ended, result.trace.points) == (alone.trace.ended, points)
        assert [operation for operation, _ in result.previews] == [operation for operation, _ in alone.previews]
        assert result.state.index == alone.state.index
    assert together[1].trace.ended == "reached"


@pytest.mark.long
def test_with_penalty_a_batch_is_one_drag_after_the_other(model, inversion, several, mask, fast):
    for result, points in zip(drag_batch(model, inversion, several, mask, fast), several):
        assert torch.equal(result.latent, drag(model, inversion, points, mask, fast).latent)


def test_a_batch_is_as_large_as_the_memory_allows(model, inversion, several, mask, fast, monkeypatch):
    fast = fast.replace(background="lock")
    expected = drag_batch(model, inversion, several, mask, fast)
    two = 2.5 * gradient_bytes(
        model.unet, tuple(inversion.latent.shape), block=model.family.settled(fast).evaluated_block
    )
    monkeypatch.setattr("gooddrag.network.memory.free_bytes", lambda device: int(two))
    seen, hook = calls(model)
    reports = []
    results = drag_batch(model, inversion, several, mask, fast, reports.append)
    hook.remove()
    assert max(seen) == 2
    assert all(near(a.latent, b.latent) for a, b in zip(results, expected))
    steps = [p.step for p in reports]
    assert steps == sorted(steps)
    assert reports[-1].step == reports[-1].total
    assert {p.total for p in reports} == {reports[-1].total}


def test_a_drag_of_a_batch_can_go_on_alone(model, inversion, several, mask, fast):
    config = fast.replace(background="lock")
    first, points = drag_batch(model, inversion, several, mask, config)[0], several[0]
    alone = drag(model, inversion, points, mask, config, state=drag(model, inversion, points, mask, config).state)
    again = drag(model, inversion, points, mask, config, state=first.state)
    assert near(again.latent, alone.latent)
    assert again.trace.handles == alone.trace.handles
