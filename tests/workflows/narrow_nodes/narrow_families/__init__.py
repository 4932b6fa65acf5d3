"""Lets a server's stock loaders read narrow checkpoints of Stable Diffusion 1.5 and SDXL: no nodes, two families more."""

import importlib.util
from pathlib import Path

import comfy.sd1_clip
import comfy.sdxl_clip
import comfy.supported_models as supported
from comfy.supported_models_base import ClipTarget

_spec = importlib.util.spec_from_file_location("narrow", Path(__file__).parents[3] / "nodes" / "narrow.py")
narrow = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(narrow)

NODE_CLASS_MAPPINGS = {}


def _text(width: int, heads: int) -> dict:
    return {"hidden_size": width, "intermediate_size": 2 * width, "num_attention_heads": heads, "num_hidden_layers": 3}


WORDS = {
    "clip_g_model_config": _text(narrow.POOLED, 4),
    "clip_l_model_config": _text(narrow.CONTEXT - narrow.POOLED, 2),
}


class SD1Words(comfy.sd1_clip.SD1ClipModel):
    def __init__(self, model_options=None, **more):
        wide = {"clip_l_model_config": _text(narrow.CONTEXT, 4)}
        super().__init__(model_options={**(model_options or {}), **wide}, **more)


class SDXLWords(comfy.sdxl_clip.SDXLClipModel):
    def __init__(self, model_options=None, **more):
        super().__init__(model_options={**(model_options or {}), **WORDS}, **more)


class SD15(narrow.detected(*narrow.FAMILIES["SD15"])):
    def clip_target(self, state_dict=None):
        return ClipTarget(comfy.sd1_clip.SD1Tokenizer, SD1Words)


class SDXL(narrow.detected(*narrow.FAMILIES["SDXL"])):
    def clip_target(self, state_dict=None):
        return ClipTarget(comfy.sdxl_clip.SDXLTokenizer, SDXLWords)


supported.models[:0] = [SD15, SDXL]
