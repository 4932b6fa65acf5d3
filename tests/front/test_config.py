"""The settings: the paper's values, and what is refused."""

import dataclasses

import pytest

from gooddrag.config import AUTO, PAPER, PRESETS, DragConfig


def test_defaults_are_section_5_1():
    c = DragConfig()
    assert (c.inference_steps, c.strength, c.operations, c.operations_per_step, c.gradient_steps) == (
        50,
        0.75,
        70,
        10,
        3,
    )
    assert (c.drag_size, c.supervision_radius, c.tracking_radius, c.mask_weight, c.learning_rate) == (
        4,
        4,
        12,
        0.2,
        0.02,
    )
    assert (c.lora_rank, c.lora_steps, c.lora_learning_rate, c.lora_batch, c.patience) == (16, 70, 5e-4, 4, 10)
    assert (c.feature_block, c.mutual_blocks) == (AUTO, (AUTO,))  # network/test_family.py has the paper's
    assert (c.background, c.information_preserving, c.drag_steps) == ("penalty", True, 7)


def test_a_timestep_that_no_model_knows_is_refused():
    with pytest.raises(ValueError, match="would begin at timestep 1000, and models know those up to 999; lower one"):
        DragConfig(inference_steps=1000, strength=1.0)
    assert DragConfig(inference_steps=1000, strength=0.75).inference_steps == 1000


def test_a_remainder_of_operations_gets_a_step_of_its_own():
    assert DragConfig(operations=25, operations_per_step=10).drag_steps == 3


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("inference_steps", 0), ("inference_steps", 1001), ("inference_steps", 50.0), ("strength", 0), ("strength", 1.01),
        ("strength", float("nan")), ("operations", -1), ("operations", True), ("operations_per_step", 0),
        ("gradient_steps", 0), ("learning_rate", 0), ("learning_rate", float("nan")), ("patience", 0), ("drag_size", 0),
        ("supervision_radius", 0), ("supervision_radius", 2.5), ("tracking_radius", 0), ("mask_weight", -0.1),
        ("background", "blur"), ("lora_rank", 0), ("lora_steps", -1), ("lora_learning_rate", 0), ("lora_batch", 0),
        ("learning_rate", "0.02"), ("lora_steps", 2001), ("operations", 1001), ("operations_per_step", 1001),
        ("warp_from", -1), ("warp_from", float("nan")), ("warp_from", "50"),
        ("learning_rate", 1e300), ("drag_size", 1e300), ("lora_learning_rate", 10**400), ("mask_weight", 1e300),
        ("gradient_steps", 10**6), ("patience", 10**6), ("mutual_blocks", None), ("mutual_blocks", "up_blocks.2"),
        ("mutual_blocks", (3,)), ("feature_block", None), ("window", "yes"), ("exact_source", None), ("warp_start", 2),
        ("information_preserving", float("nan")),
    ],
)  # fmt: skip
def test_nonsense_is_refused_by_name(name, value):
    with pytest.raises(ValueError, match=name):
        DragConfig(**{name: value})


@pytest.mark.parametrize(
    "value", [10**1000, 10**6000, "a" * 10**5, {"a": 10**1000}, [0] * 10**5], ids=["int", "huge", "str", "dict", "list"]
)
@pytest.mark.parametrize("name", ["inference_steps", "background", "warp_from"])
def test_what_is_refused_is_not_repeated_whole(name, value):
    with pytest.raises(ValueError, match=name) as refusal:
        DragConfig(**{name: value})
    assert len(str(refusal.value)) < 300


def test_no_step_to_invert_is_refused():
    with pytest.raises(ValueError, match="leaves no step to invert"):
        DragConfig(inference_steps=10, strength=0.04)


def test_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        DragConfig().operations = 3


def test_presets_cost_what_they_promise():
    paper, best, balanced, fast = PRESETS.values()
    assert paper == DragConfig() == PAPER
    assert paper.evaluations == 70 * 4 + 3 * 38 + 70 * 3
    assert fast.evaluations < balanced.evaluations < paper.evaluations
    assert paper.evaluations - best.evaluations == 3 * 70
    assert paper.evaluations >= 8 * fast.evaluations
