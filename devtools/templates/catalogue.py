"""All example workflows by name."""

from __future__ import annotations

from collections.abc import Callable

from . import checkpoints, demo
from .graph import Workflow

TEMPLATES: dict[str, Callable[[Workflow], None]] = {
    "gooddrag_quickstart": demo.quickstart,
    "gooddrag_sd15": checkpoints.sd15,
    "gooddrag_sdxl": checkpoints.sdxl,
    "gooddrag_own_lora": checkpoints.lora,
    "gooddrag_controlnet_drag": checkpoints.controlnet_drag,
    "gooddrag_controlnet_refine": checkpoints.controlnet_refine,
    "gooddrag_latent_upscale": demo.upscale,
    "gooddrag_model_upscale": checkpoints.model_upscale,
    "gooddrag_large": checkpoints.large,
    "gooddrag_batch": checkpoints.batch,
    "gooddrag_chained": demo.chained,
    "gooddrag_variants": demo.variants,
    "gooddrag_ablation": demo.ablation,
    "gooddrag_dragdiffusion": demo.dragdiffusion,
    "gooddrag_compare": demo.compare,
}


def build(name: str, object_info: dict) -> Workflow:
    made = Workflow(name, object_info)
    TEMPLATES[name](made)
    return made
