"""What a ControlNet (arXiv 2302.05543) or a T2I-Adapter (arXiv 2302.08453) adds to the maps of the U-Net."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import torch
from torch import Tensor

from .window import Window

if TYPE_CHECKING:
    from diffusers import ControlNetModel

    from .conditioning import Conditioning


@dataclass(frozen=True)
class Residuals:
    """Maps ``(b, c, h', w')`` that are added: ``down`` to what the skip connections carry, one for each of them in their order;
    ``mid`` to what the middle block gives; ``intrablock`` to what each down block gives, and the middle block if there is one
    more (adapters). None adds nothing."""

    down: tuple[Tensor | None, ...] = ()
    mid: Tensor | None = None
    intrablock: tuple[Tensor, ...] = ()

    def each(self, change: Callable[[Tensor], Tensor]) -> Residuals:
        """With every map changed alike."""

        def of(x: Tensor | None) -> Tensor | None:
            return None if x is None else change(x)

        return Residuals(tuple(map(of, self.down)), of(self.mid), tuple(map(of, self.intrablock)))

    @classmethod
    def batch(cls, several: Sequence[Residuals]) -> Residuals:
        """As many of a batch, from those of each. They come from one control, so that what is None in one is None in all."""

        def cat(maps: Sequence[Tensor | None]) -> Tensor | None:
            return None if maps[0] is None else torch.cat(list(maps))

        return cls(
            tuple(map(cat, zip(*(r.down for r in several)))),
            cat([r.mid for r in several]),
            tuple(map(cat, zip(*(r.intrablock for r in several)))),
        )

    def arguments(self, dtype: torch.dtype) -> dict:
        """For the forward pass of a diffusers U-Net, which takes the lists apart."""
        given = self.each(lambda x: x.to(dtype))
        result: dict = {}
        if given.down or given.mid is not None:  # both or none; 0 is a map that adds nothing
            result["down_block_additional_residuals"] = [0.0 if x is None else x for x in given.down]
            result["mid_block_additional_residual"] = 0.0 if given.mid is None else given.mid
        if given.intrablock:
            result["down_intrablock_additional_residuals"] = list(given.intrablock)
        return result

    def crop(self, window: Window) -> Residuals:
        """Those of a window of the latent."""
        return self.each(window.crop)


class Control(Protocol):
    """What a ``Conditioning`` carries beside the text."""

    def __call__(self, z: Tensor, t: int, given: Conditioning) -> Residuals | None:
        """What it adds for a latent ``z`` ``(b, 4, h, w)`` at timestep ``t``; None where it does nothing."""
        ...


@dataclass(frozen=True, eq=False)
class DiffusersControl:
    """A ControlNet as diffusers has it. ``hint`` ``(1, 3, H, W)`` in 0..1 is padded as the picture is, to 8 times the latent;
    it acts on the timesteps of ``begin`` to ``end``, shares of the whole way from noise to picture."""

    net: ControlNetModel
    hint: Tensor
    strength: float = 1.0
    begin: float = 0.0
    end: float = 1.0

    def __call__(self, z: Tensor, t: int, given: Conditioning) -> Residuals | None:
        if not (1 - self.end) * 999 <= t <= (1 - self.begin) * 999:
            return None
        dtype, device = self.net.dtype, self.net.device
        down, mid = self.net(
            z.to(device, dtype),
            t,
            given.text.to(device, dtype).expand(len(z), -1, -1),
            self.hint.to(device, dtype).expand(len(z), -1, -1, -1),
            conditioning_scale=self.strength,
            return_dict=False,
        )
        return Residuals(tuple(down), mid)
