"""What a LATENT of this pack is to other nodes."""

from __future__ import annotations

import torch
from comfy.model_patcher import ModelPatcher
from torch import Tensor

from . import host


def for_samplers(model: ModelPatcher, z: Tensor, t: int) -> Tensor:
    """z_t ``(b, 4, h, w)`` as the samples of a LATENT from which ComfyUI's samplers go on at timestep ``t``, without adding noise.

    DDIM keeps z_t = sqrt(a) z_0 + sqrt(1 - a) epsilon; ComfyUI's samplers keep x = z_0 + sigma epsilon = z_t sqrt(1 + sigma^2),
    whatever the model predicts.
    """
    sigma = model.get_model_object("model_sampling").sigma(torch.tensor([float(t)])).to(z)
    return host.from_model(model, z * (1 + sigma**2).sqrt())
