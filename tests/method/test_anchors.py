"""Anchors: what must stay while something else is dragged."""

import pytest
import torch
from PIL import Image

from gooddrag import DragPoints, drag, drag_batch, invert
from gooddrag.config import PRESETS
from gooddrag.demo import drag as scene
from gooddrag.demo import load, text, world
from gooddrag.method.handles import Handles, Reference
from gooddrag.method.source import SourceStep
from gooddrag.network import codec
from gooddrag.overlay import draw_points, draw_result

SIZE = (128, 96)
GRID = (48, 64)


def of(text):
    return DragPoints.from_text(text, *SIZE)


def handles(inversion, config, points, feature):
    step = SourceStep(0, 701, inversion.latent, inversion.latent, inversion.latent, feature=feature)
    made = Handles(of(points), torch.tensor([[20.0, 20.0], [30.0, 40.0]]), inversion, config)
    return made, Reference.at(made.originals, step, config.supervision_radius)


@pytest.mark.parametrize("information_preserving", [True, False])
def test_an_anchor_is_compared_with_its_template_where_it_was(inversion, fast, information_preserving):
    """The map has moved by 4 columns: what the arrow wants is there, and what the anchor wants has gone."""
    config = fast.replace(information_preserving=information_preserving)
    original = torch.randn(1, 6, *GRID, dtype=torch.float64)
    both, reference = handles(inversion, config, "40,40>80,40; 80,60>80,60", original)
    assert both.anchors.tolist() == [False, True]
    moved = original.roll(4, dims=3)
    patch = (slice(None), slice(None), slice(26, 35), slice(36, 45))
    expected = 8**2 * (moved - original)[patch].abs().mean()
    arrow = 0.0
    if not information_preserving:  # Eq. 7: the moved map 4 columns ahead against itself
        ahead, here = moved[:, :, 16:25, 20:29], moved[:, :, 16:25, 16:25]
        arrow = 8**2 * (ahead - here).abs().mean()
    assert both.loss(moved, reference).item() == pytest.approx(float(expected + arrow))
    assert both.loss(original, reference).item() != pytest.approx(float(expected + arrow))


def test_where_an_anchor_is_seen_does_not_change_what_it_wants(inversion, fast):
    feature = torch.randn(1, 6, *GRID, dtype=torch.float64)
    both, reference = handles(inversion, fast, "40,40>80,40; 80,60>80,60", feature)
    before = both.loss(feature.roll(2, dims=2), reference)
    both.cells = both.cells + torch.tensor([[0.0, 0.0], [3.0, -2.0]])
    assert torch.equal(both.loss(feature.roll(2, dims=2), reference), before)


def test_only_arrows_decide_when_a_drag_ends(inversion, fast):
    feature = torch.randn(1, 6, *GRID, dtype=torch.float64)
    made, reference = handles(inversion, fast.replace(patience=1), "40,40>80,40; 80,60>80,60", feature)
    made.cells = torch.tensor([[20.0, 40.0], [36.0, 40.0]])  # the arrow has arrived, the anchor has gone astray
    assert made.ended()
    assert made.trace.ended == "reached"
    made, reference = handles(inversion, fast.replace(patience=1), "40,40>80,40; 80,60>80,60", feature)
    made.operated(feature.roll(2, dims=2), reference, 0.0)
    assert (made.cells - made.originals).tolist() == [[2, 0], [2, 0]]
    assert made.unmoved == 0
    made.originals[0] = made.cells[0]
    reference = Reference.at(made.originals, reference.source, fast.supervision_radius)
    made.operated(feature, reference, 0.0)  # the arrow's content is where it was, the anchor's goes back
    assert made.unmoved == 1


def test_anchors_are_in_the_trace_and_not_in_what_is_left_to_go(model, inversion, fast):
    points = of("40,40>80,48; 80,60>80,60")
    result = drag(model, inversion, points, None, fast)
    alone = drag(model, inversion, of("40,40>80,48"), None, fast)
    assert not torch.equal(result.latent, alone.latent)
    assert all(len(t.handles) == 2 for t in result.trace.trackings)
    assert result.trace.summary().count(" of ") == alone.trace.summary().count(" of ") == 1
    assert "pins held to" in result.trace.summary()
    assert "anchor" not in alone.trace.summary()
    again = drag(model, inversion, points, None, fast, state=result.state)
    assert again.trace.operations == fast.operations


def test_with_anchors_a_batch_is_one_drag_after_the_other(model, inversion, fast):
    config, points = fast.replace(background="lock"), [of("40,40>80,48; 80,60>80,60"), of("40,40>80,48")]
    for together, single in zip(drag_batch(model, inversion, points, None, config), points):
        alone = drag(model, inversion, single, None, config)
        assert torch.equal(together.latent, alone.latent)
        assert together.trace.handles == alone.trace.handles


def test_with_anchors_alone_there_is_nothing_to_drag(model, inversion, fast):
    with pytest.raises(
        ValueError, match=r"only pins were given \(2\).*draw an arrow, a handle with its target elsewhere"
    ):
        drag(model, inversion, of("40,40>40,40; 80,60>80,60"), None, fast)


@pytest.mark.parametrize("factor", [0.1, 0.5, 1.0, 1.7])
def test_lengthening_keeps_anchors(factor):
    points = DragPoints.from_pairs([((40.3, 40.7), (40.3, 40.7)), ((10, 10), (60, 40))], *SIZE)
    longer = points.lengthened(factor)
    assert longer.targets[0] == points.targets[0]
    assert longer.moving == points.moving == (False, True)


def test_an_anchor_is_drawn_as_a_pin(model, inversion, fast):
    plain = Image.new("RGB", SIZE, "white")
    pin, arrow = (draw_points(plain, of(p)) for p in ("64,64>64,64", "64,64>64,40"))
    # the pin's head is above its place, and there is nothing below it
    assert pin.getpixel((64, 54)) == arrow.getpixel((64, 64)) == (0, 0x72, 0xB2)
    assert pin.getpixel((64, 67)) == (255, 255, 255) != arrow.getpixel((64, 67))
    trace = drag(model, inversion, of("64,64>64,64; 30,30>60,60"), None, fast).trace
    assert draw_result(plain, trace, upto=-1).getpixel((64, 55)) == (0, 0x72, 0xB2)


@pytest.mark.long
def test_an_anchor_holds_a_hand_while_the_head_is_dragged():
    model, vae = load()
    config = PRESETS["fast"].replace(operations=8, operations_per_step=4)
    chosen = scene("lean", 2007)
    arrow = (chosen.points.handles[0], chosen.points.targets[0])
    x, y = hand = tuple(round(v) for v in world.anchors(chosen.before)["hand_l"][:2])
    z0, _ = codec.encode(vae, codec.to_tensor(Image.fromarray(chosen.picture(0))))
    inversion = invert(model, z0, text(model), (256, 256), config)
    changed, went = [], []
    for pairs in ([arrow], [arrow, (hand, hand)]):
        result = drag(model, inversion, DragPoints.from_pairs(pairs, 256, 256), None, config)
        edited, source = (codec.decode(vae, z, (256, 256)) for z in (result.latent, result.source))
        patch = (edited - source)[..., y - 9 : y + 10, x - 9 : x + 10].abs().mean() * 127.5
        changed.append(patch.item())
        went.append(result.trace.distances[0])
    asked = abs(arrow[1][0] - arrow[0][0])
    # levels of 255: 23 without the anchor, 2.7 with it
    assert changed[1] < 0.4 * changed[0]
    assert changed[0] > 10
    assert all(left < asked / 2 for left in went)
