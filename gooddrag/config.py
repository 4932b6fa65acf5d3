"""Every hyper-parameter of the paper, in one frozen object."""

from __future__ import annotations

import dataclasses
import math
import reprlib
from dataclasses import dataclass

BACKGROUNDS = ("penalty", "lock")
CHECKPOINTING = ("auto", "on", "off")
AUTO = "auto"
"""Of blocks: those of the U-Net's family, see ``network/family.py``."""


def _shown(value: object) -> str:
    try:
        return reprlib.repr(value)
    except ValueError:  # Python writes out no number of more than 4300 digits
        return "a number of thousands of digits"


@dataclass(frozen=True)
class DragConfig:
    """Settings of an edit; the defaults are those of section 5.1. Symbols of the paper in brackets.

    ``invert`` reads the first group, ``train_lora`` the last, ``drag`` all others. Raises ``ValueError`` for a
    value that makes no sense, naming it.
    """

    # DDIM inversion
    inference_steps: int = 50  # [T_max] DDIM steps in all
    strength: float = 0.75  # share of these that is inverted; [T] = round(strength * inference_steps)

    # alternating drag and denoising (AlDD)
    operations: int = 70  # [K] drag operations in all
    operations_per_step: int = 10  # [B] drag operations before each denoising step; K at once is "without AlDD"
    gradient_steps: int = 3  # [J] gradient steps in a drag operation
    learning_rate: float = 0.02  # [eta] of Adam on the latent
    patience: int = 10  # drag operations in a row that move no handle before the drag ends

    # motion supervision and tracking, in cells of the feature grid (2 pixels)
    drag_size: float = 4.0  # [beta] how far ahead of the handle the template is wanted
    supervision_radius: int = 4  # [r1]
    tracking_radius: int = 12  # [r2]
    information_preserving: bool = True  # True: Eq. 8, the template is the original handle; False: Eq. 7
    feature_block: str = AUTO  # whose output is F; in the paper up_blocks.2 of Stable Diffusion 1.5

    # what lies outside the mask
    background: str = "penalty"  # the paper's term, or "lock": the unedited latent is written back
    mask_weight: float = 0.2  # [lambda] of the penalty
    window: bool = False  # the U-Net is evaluated around the mask only; beyond, the picture stays the unedited one

    # the unedited picture: denoised again from z_T as in the paper, with an error, or read from its inversion, without
    exact_source: bool = False

    # where a first drag begins: from z_T as in the paper, or from z_T moved along the arrows
    warp_start: bool = False
    warp_from: float = 50.0  # pixels: a drag whose longest arrow is shorter begins at z_T all the same

    # mutual self-attention once dragging has ended; empty for none; in the paper up_blocks.2 and up_blocks.3
    mutual_blocks: tuple[str, ...] = (AUTO,)

    # LoRA tuning on the picture
    lora_rank: int = 16
    lora_steps: int = 70
    lora_learning_rate: float = 5e-4
    lora_batch: int = 4

    # gradients need less memory and more time with checkpointing; "auto" looks at what is free
    checkpointing: str = "auto"

    def __post_init__(self) -> None:
        def check(name: str, low: float, high: float = math.inf, *, above: bool = False) -> None:
            value = getattr(self, name)
            whole = isinstance(getattr(type(self), name), int)
            number = isinstance(value, int) if whole else isinstance(value, (int, float))
            if (
                not number
                or isinstance(value, bool)
                or not (low < value if above else low <= value)
                or not value <= high
                or value == math.inf
            ):
                kind = "a whole number" if whole else "a number"
                limit = f"{'above' if above else 'at least'} {low:g}" + (
                    f" and at most {high:g}" if high < math.inf else ""
                )
                raise ValueError(f"{name} is {_shown(value)}; it must be {kind} {limit}")

        check("inference_steps", 1, 1000)
        check("strength", 0, 1, above=True)
        if round(self.strength * self.inference_steps) < 1:
            raise ValueError(
                f"strength {self.strength:g} of {self.inference_steps} inference_steps leaves no step to invert; raise one"
            )
        if round(self.strength * self.inference_steps) == 1000:
            raise ValueError(
                "1000 inference_steps at strength 1 would begin at timestep 1000, and models know those up to 999; lower one"
            )
        check("operations", 0, 1000)
        check("operations_per_step", 1, 1000)
        check("gradient_steps", 1, 10_000)
        check("learning_rate", 0, 1000, above=True)
        check("patience", 1, 10_000)
        check("drag_size", 0, 10_000, above=True)
        check("supervision_radius", 1, 64)
        check("tracking_radius", 1, 128)
        check("mask_weight", 0, 10_000)
        check("warp_from", 0, 8192)
        check("lora_rank", 1, 512)
        check("lora_steps", 0, 2000)
        check("lora_learning_rate", 0, 1000, above=True)
        check("lora_batch", 1, 64)
        for name, allowed in (("background", BACKGROUNDS), ("checkpointing", CHECKPOINTING)):
            value = getattr(self, name)
            if value not in allowed:
                raise ValueError(f"{name} is {_shown(value)}; it must be one of {', '.join(allowed)}")
        for name in ("information_preserving", "window", "exact_source", "warp_start"):
            if not isinstance(value := getattr(self, name), bool):
                raise ValueError(f"{name} is {_shown(value)}; it must be True or False")
        if not isinstance(self.feature_block, str):
            raise ValueError(
                f"feature_block is {_shown(self.feature_block)}; it must be the name of a block, or {AUTO}"
            )
        if not isinstance(self.mutual_blocks, tuple) or not all(isinstance(b, str) for b in self.mutual_blocks):
            raise ValueError(f"mutual_blocks is {_shown(self.mutual_blocks)}; it must be a tuple of names of blocks")

    @property
    def drag_steps(self) -> int:
        """Denoising steps that are preceded by drag operations, K / B rounded up."""
        return -(-self.operations // self.operations_per_step)

    @property
    def evaluated_block(self) -> str | None:
        """Where a gradient step's forward pass ends; None: it needs the whole U-Net."""
        return self.feature_block if self.background == "lock" else None

    @property
    def batched(self) -> bool:
        """Whether several drags share evaluations. The penalty's absolute values turn rounding around zero, which depends on the
        size of a batch, into whole signs; with it they do not."""
        return self.background == "lock"

    @property
    def evaluations(self) -> int:
        """Latents that the U-Net is evaluated on in a first edit that uses all operations: tuning, inversion, source, gradients
        and denoising."""
        steps = round(self.strength * self.inference_steps)
        return self.lora_steps * self.lora_batch + 3 * steps + self.operations * self.gradient_steps

    def replace(self, **changes) -> DragConfig:
        return dataclasses.replace(self, **changes)


PAPER = DragConfig()
"""The settings of the paper."""

PRESETS = {
    "paper": PAPER,
    "best": DragConfig(background="lock", window=True, exact_source=True, warp_start=True, lora_rank=4, lora_batch=1),
    "balanced": DragConfig(
        inference_steps=25,
        operations=40,
        operations_per_step=10,
        gradient_steps=2,
        learning_rate=0.04,
        background="lock",
        window=True,
        exact_source=True,
        warp_start=True,
        lora_rank=4,
        lora_steps=20,
        lora_learning_rate=1e-3,
        lora_batch=1,
    ),
    "fast": DragConfig(
        inference_steps=16,
        operations=19,
        operations_per_step=8,
        gradient_steps=2,
        learning_rate=0.055,
        drag_size=8.0,
        background="lock",
        window=True,
        exact_source=True,
        warp_start=True,
        lora_steps=0,
    ),
}
"""The paper's exact settings; the best that are known for no more evaluations of the U-Net; and what costs less, down to an eighth
of them (docs/performance.md)."""
