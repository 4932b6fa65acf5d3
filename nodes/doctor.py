"""GoodDrag Doctor: whether all is well here, for bug reports."""

import time

import comfy.model_management as management
from comfy_api.v0_0_2 import io
from comfyui_version import __version__ as comfyui

from ..gooddrag import doctor
from . import host, notices
from .types import CATEGORY

MEMORY = {"DISABLED": "no GPU", "SHARED": "shared with the GPU"}
"""Of ComfyUI's states of VRAM, those whose names would mislead."""


class Doctor(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="GoodDrag_Doctor",
            display_name="GoodDrag Doctor",
            category=CATEGORY,
            description="Versions, device, what pictures will need of memory, and a small inversion and drag with the demo model. "
            "Says that all is well, or what is wrong. For bug reports; nothing in it tells who or where you are.",
            search_aliases=["diagnose", "bug report", "self test", "gooddrag"],
            inputs=[
                io.Boolean.Input(
                    "self_test",
                    default=True,
                    tooltip="Invert and drag a small picture, which takes about a minute without a GPU.",
                ),
            ],
            outputs=[io.String.Output(display_name="text", tooltip="The whole report, to be pasted.")],
            is_output_node=True,
        )

    @classmethod
    def fingerprint_inputs(cls, **_) -> float:
        """What is free changes."""
        return time.monotonic()

    @classmethod
    @notices.shown
    def execute(cls, self_test) -> io.NodeOutput:
        device = management.get_torch_device()
        more = [
            f"ComfyUI {comfyui}, memory mode: {_memory(management.vram_state.name)}, VAE in {management.vae_dtype(device)}"
        ]

        def check(_progress) -> None:
            host.check_interrupted()

        report = doctor.examine(device, more=more, test=self_test, callback=check)
        return io.NodeOutput(str(report), ui={"text": str(report).splitlines()})


def _memory(state: str) -> str:
    return MEMORY.get(state, state.lower().replace("_", " ").replace("vram", "VRAM"))
