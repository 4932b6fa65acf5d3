"""DAI by hand: Eq. 10 on pictures whose every number is known."""

import re

import numpy as np
import pytest

from gooddrag.bench.metrics import dai


def by_hand(original, edited, handles, targets, gamma):
    """Eq. 10 as it stands, offset by offset."""
    total = 0.0
    for (px, py), (qx, qy) in zip(handles, targets):
        for dy in range(-gamma, gamma + 1):
            for dx in range(-gamma, gamma + 1):
                for c in range(3):
                    total += (original[py + dy, px + dx, c] - edited[qy + dy, qx + dx, c]) ** 2
    return total / (1 + 2 * gamma) ** 2 / len(handles)


PAIRS = [((30, 31), (50, 40)), ((41, 29), (40, 52)), ((60, 44), (30, 30)), ((25, 25), (66, 50))]


@pytest.mark.parametrize("pairs", [1, 2, 4])
@pytest.mark.parametrize("gamma", [0, 1, 5, 10, 20])
def test_dai_is_eq_10(pairs, gamma):
    rng = np.random.default_rng(pairs)
    original, edited = rng.random((2, 80, 96, 3))
    handles, targets = zip(*PAIRS[:pairs])
    expected = by_hand(original, edited, handles, targets, gamma)
    assert dai(original, edited, handles, targets, gamma) == pytest.approx(expected, rel=1e-12)
    assert dai(original, edited, handles, targets, gamma, "authors") == pytest.approx(expected / pairs, rel=1e-12)


def test_a_number_that_a_person_can_check():
    """A patch that is .1 off in every channel: 3 channels of .1 squared, whatever the radius."""
    original = np.full((40, 40, 3), 0.5)
    for gamma in (1, 3):
        assert dai(original, original + 0.1, [(10, 10)], [(20, 20)], gamma) == pytest.approx(0.03)
        assert dai(original, original + 0.1, [(10, 10)] * 2, [(20, 20)] * 2, gamma, "authors") == pytest.approx(0.015)


def test_a_perfect_transplant_is_zero():
    original = np.random.default_rng(0).random((64, 64, 3))
    assert dai(original, np.roll(original, (7, 12), (0, 1)), [(20, 20)], [(32, 27)], 5) == 0


def test_at_the_border_what_both_pictures_have_counts():
    rng = np.random.default_rng(3)
    original, edited = rng.random((2, 32, 32, 3))
    expected = np.square(original[0:3, 0:4] - edited[10:13, 18:22]).sum(axis=2).mean()
    # the handle's patch lacks a column and two rows, the target's lacks nothing
    assert dai(original, edited, [(1, 0)], [(19, 10)], 2) == pytest.approx(expected)
    corner = dai(original, edited, [(0, 0)], [(31, 31)], 20)
    assert corner == pytest.approx(np.square(original[0, 0] - edited[31, 31]).sum())


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (dict(gamma=-1), "gamma is -1"),
        (dict(gamma=1.5), "gamma is 1.5"),
        (dict(variant="mine"), "paper, authors"),
        (dict(handles=[(1, 1), (2, 2)]), "2 handles but 1 targets"),
        (dict(handles=[(99, 1)]), "x 0 to 31"),
        (dict(handles=[(float("nan"), 1)]), "handles must lie"),
        (dict(handles=[]), "at least one point"),
        (dict(edited=np.zeros((16, 32, 3))), "32x32 and edited 32x16"),
        (dict(edited=np.full((32, 32, 3), 255.0)), "must lie in 0..1"),
        (dict(original=np.zeros((32, 32))), "(height, width, 3)"),
    ],
)
def test_bad_input_is_named(change, words):
    arguments = dict(original=np.zeros((32, 32, 3)), edited=np.zeros((32, 32, 3)), handles=[(4, 4)], targets=[(8, 8)])
    with pytest.raises(ValueError, match=re.escape(words)):
        dai(**arguments | change)
