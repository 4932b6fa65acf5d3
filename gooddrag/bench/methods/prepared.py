"""What all methods start from, made once for a picture: its latent, its LoRA, its inversions."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from ...config import DragConfig
from ...method import lora
from ...method.inversion import Inversion, invert
from ...network import codec
from ...network.conditioning import Text
from ...network.model import Model
from ..sample import Sample


@dataclass
class Count:
    """Latents that a U-Net was evaluated on, and how many of them for a gradient."""

    evaluations: int = 0
    gradients: int = 0


@dataclass
class Prepared:
    """A ``sample``, the ``model`` with its autoencoder and the ``text`` that it is told, and the settings that all methods share.
    Each method finds the same LoRA, the same inversion and the same ``seed``."""

    sample: Sample
    model: Model
    vae: torch.nn.Module
    text: Text
    config: DragConfig
    seed: int = 0
    _inversions: dict = field(default_factory=dict)

    @cached_property
    def _encoded(self) -> tuple[Tensor, Tensor]:
        return codec.encode(self.vae, codec.to_tensor(Image.fromarray(self.sample.picture)).to(self.model.device))

    @property
    def z0(self) -> Tensor:
        """``(1, 4, h, w)``."""
        return self._encoded[0]

    @cached_property
    def undragged(self) -> np.ndarray:
        """The picture as the autoencoder makes it of ``z0``: what nothing but dragging can improve on."""
        return self.picture(self.z0)

    @property
    def mask(self) -> Tensor | None:
        return None if self.sample.mask is None else torch.from_numpy(self.sample.mask)

    def picture(self, latent: Tensor) -> np.ndarray:
        """``(H, W, 3)`` uint8."""
        return np.asarray(codec.to_image(codec.decode(self.vae, latent, self.sample.size)))

    @cached_property
    def _lora(self) -> lora.LoRA | None:
        if not self.config.lora_steps:
            return None
        return lora.train_lora(self.model, self.z0, self.text, self.config, seed=self.seed, std=self._encoded[1])

    @contextmanager
    def fitted(self) -> Iterator[Count]:
        """While active, the LoRA is applied, and evaluations are counted."""
        if self._lora is None:
            with counted(self.model) as count:
                yield count
        else:
            with lora.applied(self.model.unet, self._lora), counted(self.model) as count:
                yield count

    def inversion(self, config: DragConfig | None = None) -> Inversion:
        """Of the schedule of ``config``, the shared one by default; to be called under ``fitted``."""
        config = config or self.config
        key = (config.inference_steps, config.strength)
        if key not in self._inversions:
            self._inversions[key] = invert(self.model, self.z0, self.text, self.sample.size, config)
        return self._inversions[key]


@contextmanager
def counted(model: Model) -> Iterator[Count]:
    """Counts what the U-Net is evaluated on while active."""
    count = Count()

    def evaluated(_unet, args: tuple, _kwargs) -> None:
        count.evaluations += len(args[0])
        count.gradients += len(args[0]) * args[0].requires_grad

    handle = model.unet.register_forward_pre_hook(evaluated, with_kwargs=True)
    try:
        yield count
    finally:
        handle.remove()
