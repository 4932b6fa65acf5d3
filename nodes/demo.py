"""GoodDrag Demo Model: a small model and a scene whose true drag is known."""

import torch
from comfy_api.v0_0_2 import io

from ..gooddrag.demo.drags import KINDS, drag
from . import demo_host, notices
from .types import CATEGORY, DragPointsType


class DemoModel(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="GoodDrag_DemoModel",
            display_name="GoodDrag Demo Model",
            category=CATEGORY,
            description="A small diffusion model of clay creatures that comes with this pack, and one of its scenes with a drag "
            "whose true result is known. For trying things out without a download.",
            search_aliases=["drag demo", "example"],
            inputs=[
                io.Combo.Input(
                    "kind",
                    options=list(KINDS),
                    default="move",
                    tooltip="What the scene's own drag does: move the creature, lean its head, stretch its ears, swing an arm or "
                    "the tail, open or close the mouth, stretch the hat, move the sun or the cloud.",
                ),
                io.Int.Input(
                    "scene",
                    default=1,
                    min=0,
                    max=99_999,
                    tooltip="Number of the scene. The same number gives the same picture.",
                ),
            ],
            outputs=[
                io.Model.Output(display_name="model"),
                io.Vae.Output(display_name="vae"),
                io.Conditioning.Output(
                    display_name="positive", tooltip="The model knows no words: this is its only condition."
                ),
                io.Image.Output(display_name="image", tooltip="The scene before the drag, 256x256."),
                DragPointsType.Output(display_name="points", tooltip="The scene's own drag."),
                io.Mask.Output(display_name="mask", tooltip="What that drag changes."),
                io.Image.Output(
                    display_name="truth",
                    tooltip="The scene after its own drag, drawn and not generated. GoodDrag Demo Truth shows it while it applies.",
                ),
            ],
        )

    @classmethod
    @notices.shown
    def execute(cls, kind, scene) -> io.NodeOutput:
        model, vae, positive = demo_host.load()
        chosen = drag(kind, scene)
        before, after = (torch.from_numpy(chosen.picture(f)).float()[None] / 255 for f in (0.0, 1.0))
        mask = torch.from_numpy(chosen.mask).float()[None]
        return io.NodeOutput(model, vae, positive, before, chosen.points, mask, after)
