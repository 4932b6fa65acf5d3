"""What a U-Net is told beside latent and timestep."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from ..finite import finite
from .control import Control, Residuals
from .window import Window

if TYPE_CHECKING:
    from diffusers import UNet2DConditionModel


@dataclass(frozen=True)
class Conditioning:
    """``text`` ``(1, tokens, D)`` is what cross-attention looks at; ``added`` ``(1, A)`` is embedded beside the timestep, in SDXL
    pooled text and sizes (see ``with_sizes``), None for a U-Net that takes nothing of the kind. ``control``, a ControlNet, is asked
    at every evaluation what it adds to the U-Net's maps; ``residuals`` is what it has answered (see ``held``).

    Whatever takes a ``Text`` takes the text alone as well. Raises ``ValueError`` for other shapes.
    """

    text: Tensor
    added: Tensor | None = None
    control: Control | None = None
    residuals: Residuals | None = None

    def __post_init__(self) -> None:
        if self.text.ndim != 3 or len(self.text) != 1:
            raise ValueError(f"the text is {tuple(self.text.shape)}; it must be (1, tokens, D)")
        if self.added is not None and (self.added.ndim != 2 or len(self.added) != 1):
            raise ValueError(f"the added conditioning is {tuple(self.added.shape)}; it must be (1, A)")

    @classmethod
    def of(cls, text: Text) -> Conditioning:
        return text if isinstance(text, cls) else cls(text)

    @property
    def tensors(self) -> list[Tensor]:
        return [self.text] if self.added is None else [self.text, self.added]

    def checked(self, name: str = "the text") -> Conditioning:
        """Itself. Raises ``ValueError`` when it holds a NaN or an infinite value."""
        for tensor in self.tensors:
            finite(tensor, name, "look at the text encoder")
        return self

    def same(self, other: Text) -> bool:
        """Whether ``other`` says the same."""
        mine, others = self.tensors, Conditioning.of(other).tensors
        controls = self.control, Conditioning.of(other).control
        return (
            len(mine) == len(others)
            and all(torch.equal(a, b) for a, b in zip(mine, others))
            and controls[0] is controls[1]
        )

    @torch.no_grad()
    def held(self, z: Tensor, t: int, window: Window | None = None) -> Conditioning:
        """The same, with what the control adds for the whole latent ``z`` ``(b, 4, h, w)`` at ``t`` decided, and cropped to a
        ``window``: gradient steps of one timestep share it."""
        if self.control is None:
            return self
        residuals = self.control(z.detach(), t, self)
        return replace(self, control=None, residuals=residuals.crop(window) if residuals and window else residuals)

    @classmethod
    def batch(cls, several: Sequence[Conditioning]) -> Conditioning:
        """Held ones of several latents, told the same, for all of them at once."""
        held = [given.residuals for given in several if given.residuals]
        return replace(several[0], residuals=Residuals.batch(held)) if held else several[0]


Text = Tensor | Conditioning


def added_width(unet: UNet2DConditionModel) -> int | None:
    """A of the conditioning that ``unet`` embeds beside the timestep; None if it takes none."""
    config = unet.config
    return config.projection_class_embeddings_input_dim if config.addition_embed_type == "text_time" else None


def with_sizes(
    unet: UNet2DConditionModel,
    text: Tensor,
    pooled: Tensor,
    size: tuple[int, int],
    crop: tuple[int, int] = (0, 0),
    target: tuple[int, int] | None = None,
) -> Conditioning:
    """What SDXL is told: ``text`` ``(1, tokens, D)``, ``pooled`` ``(1, P)``, and six numbers of pixels, of which each becomes 256
    sines and cosines: the original size, where it was cropped, and the size now. Each is (width, height) and goes in as
    (height, width); A = P + 6 x 256."""
    numbers = [side for pair in (size, crop, target or size) for side in reversed(pair)]
    waves = unet.add_time_proj(torch.tensor(numbers, dtype=torch.float32)).to(pooled)
    return Conditioning(text, torch.cat([pooled, waves.flatten()[None]], dim=1))


@contextmanager
def adding(unet: UNet2DConditionModel, added: Tensor | None) -> Iterator[None]:
    """While active the U-Net embeds ``added`` ``(1, A)`` as it is; diffusers' own way would begin with the parts of it, which
    ComfyUI does not keep. Raises ``ValueError`` where it takes no or another added conditioning."""
    takes, width = added_width(unet), None if added is None else added.shape[1]
    if takes != width:
        raise ValueError(
            f"this U-Net takes {takes or 'no'} numbers of added conditioning (pooled text and sizes), and {width or 'none'} were "
            "given; encode the text with the text encoders of this model"
        )
    if added is None:
        yield
        return

    def embed(emb: Tensor, **_unused) -> Tensor:
        return unet.add_embedding(added.to(emb).expand(len(emb), -1))

    unet.get_aug_embed = embed  # hides the one of the class
    try:
        yield
    finally:
        del unet.get_aug_embed
