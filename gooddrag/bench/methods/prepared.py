"""What all methods start from, made once for a picture: its latent, its LoRA, its inversions."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from ...config import DragConfig
from ...method import lora
from ...method.batch import gradient_bytes
from ...method.drag import drag
from ...method.inversion import Inversion, invert
from ...method.region import Region
from ...method.source import Source
from ...method.state import DragResult
from ...network import codec
from ...network.conditioning import Text
from ...network.model import Model
from ..sample import Sample


@dataclass
class Count:
    """Latents that a U-Net was evaluated on, how many of them for a gradient, and the seconds that an edit was spared because
    another had evaluated for it, whose latents are counted."""

    evaluations: int = 0
    gradients: int = 0
    spared_seconds: float = 0.0


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
    _sources: list[tuple[Source, float]] = field(default_factory=list)
    _count: Count = field(default_factory=Count)

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
        applied = lora.applied(self.model.unet, self._lora) if self._lora else nullcontext()
        with applied, counted(self.model) as self._count:
            yield self._count

    def inversion(self, config: DragConfig | None = None) -> Inversion:
        """Of the schedule of ``config``, the shared one by default; to be called under ``fitted``."""
        config = config or self.config
        key = (config.inference_steps, config.strength)
        if key not in self._inversions:
            self._inversions[key] = invert(self.model, self.z0, self.text, self.sample.size, config)
        return self._inversions[key]

    def drag(self, config: DragConfig) -> DragResult:
        """A drag of the engine, to be called under ``fitted``. It reads the unedited picture as evaluated once for all that read it
        alike, where that can be kept; the same comes out, and each is counted as if it had been alone."""
        inversion = self.inversion(config)
        return drag(
            self.model, inversion, self.sample.points, self.mask, config, source=self._source(inversion, config)
        )

    def _source(self, inversion: Inversion, config: DragConfig) -> Source:
        for source, seconds in self._sources:
            if source.fits(inversion, config, self.model.family):
                self._count.evaluations += source.evaluations
                self._count.spared_seconds += seconds
                return source
        start, source = time.monotonic(), Source(inversion, config)
        window = Region.of(self.model.unet, self.mask, inversion.latent, config).window
        source.leave(gradient_bytes(self.model.unet, inversion, self.mask, config), window)
        for i in range(len(inversion.schedule.timesteps)):
            source.step(self.model, i, feature=True, memory=True, window=window)
            if not source.keep:  # every edit evaluates it anew
                self._count.evaluations -= source.evaluations
                return Source(inversion, config)
        self._sources.append((source, time.monotonic() - start))
        return source


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
