"""A window of the U-Net: exact around an unedited latent, cheap, and near to the whole for an edited one."""

import pytest
import torch
from PIL import Image

from gooddrag import DragConfig, DragPoints, drag, drag_batch, invert
from gooddrag.demo import drag as scene
from gooddrag.demo import load
from gooddrag.demo import text as no_words
from gooddrag.method.source import Source
from gooddrag.network import codec
from gooddrag.network.convolution import freeze
from gooddrag.network.features import predict_with_features
from gooddrag.network.memory import gradient_bytes
from gooddrag.network.surroundings import recording, surrounded
from gooddrag.network.window import Window, alignment
from gooddrag.picture.geometry import to_grid

SIZE = (192, 128)
POINTS = DragPoints.from_text("40,40>80,48", *SIZE)
BLOCK = "up_blocks.2"


def cells(h: int, w: int, rows: tuple[int, int], cols: tuple[int, int]) -> torch.Tensor:
    found = torch.zeros(h, w, dtype=torch.bool)
    found[rows[0], cols[0]] = found[rows[1], cols[1]] = True
    return found


@pytest.mark.parametrize(
    ("size", "rows", "cols", "expected"),
    [
        ((16, 24), (3, 7), (9, 12), (0, 8, 8, 16)),
        ((16, 24), (0, 15), (8, 23), (0, 16, 8, 24)),
        ((21, 29), (17, 20), (25, 28), (16, 21, 24, 29)),
    ],
    ids=["inside", "up to the edge", "a latent that is no multiple"],
)
def test_a_window_ends_where_the_smallest_map_has_whole_cells(unet, size, rows, cols, expected):
    window = Window.around(cells(*size, rows, cols), alignment(unet))
    assert (window.top, window.bottom, window.left, window.right) == expected
    x = torch.arange(size[0] * size[1]).view(1, 1, *size).float()
    for factor in (1, 2, 4, 8):
        small = torch.nn.functional.interpolate(x, [-(-s // factor) for s in size])
        inner = window.crop(small)
        assert torch.equal(window.paste(inner, small), small)
        assert window.beyond(small).shape[-1] + inner[0, 0].numel() == small[0, 0].numel()
    with pytest.raises(ValueError, match="a map of 5x5 does not belong to a latent of"):
        window.crop(torch.zeros(1, 1, 5, 5))


@pytest.fixture
def exact(unet):
    return unet.double().requires_grad_(False)


def random(*shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(3), dtype=torch.float64)


PLACES = [
    ((16, 16), (3, 7), (9, 12)),
    ((16, 24), (9, 15), (0, 15)),
    ((21, 29), (17, 20), (25, 28)),
    ((24, 16), (0, 23), (0, 15)),
]


@pytest.mark.parametrize(("size", "rows", "cols"), PLACES, ids=["inside", "corner", "odd corner", "all of it"])
def test_of_the_unedited_latent_a_window_shows_exactly_the_whole(exact, size, rows, cols):
    window = Window.around(cells(*size, rows, cols), alignment(exact))
    z, text = random(1, 4, *size), random(1, 7, 24)
    prediction, feature = predict_with_features(exact, z, 301, text, BLOCK)
    with recording(exact, window) as surroundings:
        assert torch.equal(predict_with_features(exact, z, 301, text, BLOCK)[0], prediction)
    with surrounded(exact, surroundings):
        inner = window.crop(z).repeat(2, 1, 1, 1)  # of a batch too
        within, seen = predict_with_features(exact, inner, 301, text, BLOCK)
    assert torch.allclose(within, window.crop(prediction).expand_as(within), atol=1e-12)
    assert torch.allclose(seen, window.crop(feature).expand_as(seen), atol=1e-12)


def test_a_window_of_everything_is_the_whole_for_edited_latents_too(exact):
    window = Window(0, 16, 0, 24, 16, 24)
    z, text = random(1, 4, 16, 24), random(1, 7, 24)
    with recording(exact, window) as surroundings:
        predict_with_features(exact, z, 301, text, BLOCK)
    edited = (z + 1).requires_grad_()
    whole = predict_with_features(exact, edited, 301, text, BLOCK)[1]
    with surrounded(exact, surroundings):
        within = predict_with_features(exact, edited, 301, text, BLOCK)[1]
    assert torch.allclose(within, whole, atol=1e-12)
    gradients = [torch.autograd.grad(f.abs().sum(), edited)[0] for f in (within, whole)]
    assert torch.allclose(*gradients, atol=1e-9)


def test_the_neighbours_matter(exact):
    """The test of exactness can fail: without the surroundings the same window shows something else."""
    window = Window(0, 8, 8, 16, 16, 24)
    z, text = random(1, 4, 16, 24), random(1, 7, 24)
    feature = predict_with_features(exact, z, 301, text, BLOCK)[1]
    alone = predict_with_features(exact, window.crop(z), 301, text, BLOCK)[1]
    assert not torch.allclose(alone, window.crop(feature), atol=1e-2)


def test_the_gradient_in_a_window_is_that_of_what_is_computed(exact):
    window = Window(0, 8, 8, 16, 16, 16)
    z, text = random(1, 4, 16, 16), random(1, 7, 24)
    direction = window.crop(random(1, 4, 16, 32)[..., :16])
    with recording(exact, window) as surroundings:
        predict_with_features(exact, z, 301, text, BLOCK)

    def f(step: float) -> torch.Tensor:
        with surrounded(exact, surroundings):
            return predict_with_features(exact, inner + step * direction, 301, text, BLOCK)[1].square().sum()

    inner = (window.crop(z) + 0.3).requires_grad_()
    (gradient,) = torch.autograd.grad(f(0), inner)
    with torch.no_grad():
        slope = (f(1e-4) - f(-1e-4)) / 2e-4
    assert torch.allclose((gradient * direction).sum(), slope, rtol=1e-5)


def test_the_unet_is_as_it_was_even_after_an_error(unet):
    freeze(unet)  # convolutions then have a forward pass of their own to be put back, norms have none
    before, forwards = dict(unet.attn_processors), [vars(m).get("forward") for m in unet.modules()]
    window, z, text = Window(0, 8, 0, 8, 16, 16), torch.randn(1, 4, 16, 16), torch.randn(1, 7, 24)
    with recording(unet, window) as surroundings:
        predict_with_features(unet, z, 301, text, BLOCK)
    for context in (recording(unet, window), surrounded(unet, surroundings)):
        with pytest.raises(KeyboardInterrupt), context:
            raise KeyboardInterrupt
        assert [vars(m).get("forward") for m in unet.modules()] == forwards
        assert unet.conv_in.padding == (1, 1)
        assert all(unet.attn_processors[n] is p for n, p in before.items())


# ---- a drag in a window ---------------------------------------------------------------------------------------------


@pytest.fixture
def windowed(fast):
    return fast.replace(inference_steps=5, background="lock", window=True)


@pytest.fixture
def wide(model, text, windowed):
    """Of a picture of 192 x 128, a third of which may change."""
    z = torch.randn(1, 4, 16, 24, generator=torch.Generator().manual_seed(2))
    return invert(model, z, text, SIZE, windowed)


@pytest.fixture
def mask():
    mask = torch.zeros(128, 192)
    mask[20:60, 24:100] = 1
    return mask


def shapes(model):
    seen = []
    return seen, model.unet.register_forward_pre_hook(lambda _m, inputs: seen.append(tuple(inputs[0].shape)))


@pytest.mark.parametrize("background", ["lock", "penalty"])
def test_only_the_window_is_evaluated_beside_the_source(model, wide, mask, windowed, background):
    config = windowed.replace(background=background)
    seen, hook = shapes(model)
    result = drag(model, wide, POINTS, mask, config)
    hook.remove()
    steps, gradients = len(wide.schedule.timesteps), config.operations * config.gradient_steps
    assert seen.count((1, 4, 16, 24)) == steps == result.state.source.evaluations
    # the first gradient step of a timestep reads what its tracking has evaluated
    assert seen.count((1, 4, 8, 16)) == steps + gradients
    assert len(seen) == 2 * steps + gradients
    assert result.trace.operations == config.operations
    assert "4 drag operations (all were used); computed in 33% of the picture; pixels left" in result.trace.summary()
    changed = (result.latent - result.source).abs().amax((0, 1)) > 0
    assert changed[:8, :16].any()
    assert not changed[8:].any()
    assert not changed[:, 16:].any()
    assert [preview.shape for _, preview in result.previews] == [wide.latent.shape] * 2


def test_lock_keeps_what_lies_in_the_window_but_outside_of_the_mask(model, wide, mask, windowed):
    result = drag(model, wide, POINTS, mask, windowed)
    assert torch.equal(result.latent[..., :2, :], result.source[..., :2, :])
    assert not torch.equal(result.latent[..., 3:7, 4:12], result.source[..., 3:7, 4:12])


@pytest.mark.parametrize("painted", ["nothing", "nearly all"])
def test_where_most_may_change_the_whole_picture_is_evaluated(model, wide, windowed, painted):
    mask = None
    if painted == "nearly all":
        mask = torch.ones(128, 192)
        mask[:8] = 0
    result = drag(model, wide, POINTS, mask, windowed)
    whole = drag(model, wide, POINTS, mask, windowed.replace(window=False))
    assert torch.equal(result.latent, whole.latent)


def test_checkpointing_changes_nothing_in_a_window(model, wide, mask, windowed):
    plain, sparing = (drag(model, wide, POINTS, mask, windowed.replace(checkpointing=c)) for c in ("off", "on"))
    assert torch.allclose(plain.latent, sparing.latent, atol=1e-5)
    assert plain.trace.handles == sparing.trace.handles


def test_a_second_drag_in_the_same_window_evaluates_nothing_of_the_source(model, wide, mask, windowed):
    source = drag(model, wide, POINTS, mask, windowed).state.source
    evaluations, other = source.evaluations, DragPoints.from_text("40,40>60,50", *SIZE)
    again = drag(model, wide, other, mask, windowed, source=source)
    assert source.evaluations == evaluations
    assert torch.equal(again.latent, drag(model, wide, other, mask, windowed).latent)
    elsewhere, there = mask.flip(0), DragPoints.from_text("40,90>60,80", *SIZE)
    moved = drag(model, wide, there, elsewhere, windowed, source=source)
    assert source.evaluations == evaluations + len(wide.schedule.timesteps)
    assert torch.equal(moved.latent, drag(model, wide, there, elsewhere, windowed).latent)


def test_surroundings_that_do_not_fit_in_memory_are_computed_again(model, wide, mask, windowed, monkeypatch):
    expected = drag(model, wide, POINTS, mask, windowed)
    step = expected.state.source.steps[0]
    assert step.size > sum(t.nbytes for t in step.read.memory.values())
    monkeypatch.setattr("gooddrag.method.source.free_bytes", lambda device: 0)
    result = drag(model, wide, POINTS, mask, windowed)
    assert torch.equal(result.latent, expected.latent)
    assert all(s.read is None for s in result.state.source.steps)


def test_a_drag_in_a_window_goes_on(model, wide, mask, windowed):
    whole = drag(model, wide, POINTS, mask, windowed.replace(operations_per_step=4))
    half = windowed.replace(operations=2, operations_per_step=4)
    second = drag(model, wide, POINTS, mask, half, state=drag(model, wide, POINTS, mask, half).state)
    assert torch.allclose(second.latent, whole.latent, atol=1e-6)


def test_a_batch_in_a_window_gives_what_single_drags_give(model, wide, mask, windowed):
    several = [DragPoints.from_text(p, *SIZE) for p in ("40,40>80,48", "50,30>60,50")]
    seen, hook = shapes(model)
    together = drag_batch(model, wide, several, mask, windowed)
    hook.remove()
    assert (2, 4, 8, 16) in seen
    for result, points in zip(together, several):
        assert (result.latent - drag(model, wide, points, mask, windowed).latent).abs().mean() < 1e-3


def test_a_window_needs_less_memory(unet):
    shape, window = (1, 4, 64, 64), Window(0, 32, 32, 64, 64, 64)
    for checkpointing in (False, True):
        whole = gradient_bytes(unet, shape, block=BLOCK, checkpointing=checkpointing)
        part = gradient_bytes(unet, shape, block=BLOCK, checkpointing=checkpointing, window=window)
        # more than its share of the picture, because self-attention keeps the keys and values of all
        assert 0.25 * whole < part < 0.4 * whole


def test_on_the_demo_model_a_window_drags_like_the_whole():
    model, vae = load()
    chosen = scene("arm", 2000)
    z0, _ = codec.encode(vae, codec.to_tensor(Image.fromarray(chosen.picture(0))))
    config = DragConfig(inference_steps=6, operations=4, operations_per_step=2, gradient_steps=2, learning_rate=0.04,
                        background="lock")  # fmt: skip
    inversion = invert(model, z0, no_words(model), (256, 256), config)
    source, results = Source(inversion, config), []
    for window in (False, True):
        mask = torch.from_numpy(chosen.mask)
        result = drag(model, inversion, chosen.points, mask, config.replace(window=window), source=source)
        results.append((result, codec.decode(vae, result.latent, (256, 256))))
    (whole, expected), (part, picture) = results
    undragged = codec.decode(vae, whole.source, (256, 256))
    assert source.steps[0].read.surroundings.window.share < 0.5
    for a, b in zip(part.trace.trackings, whole.trace.trackings, strict=True):
        assert (to_grid(a.handles, (128, 128)) - to_grid(b.handles, (128, 128))).abs().max() <= 1
    # what the window leaves out is small beside what the drag does
    assert (picture - expected).abs().mean() < 0.2 * (expected - undragged).abs().mean()
