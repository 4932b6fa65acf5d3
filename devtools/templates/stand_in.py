"""A workflow's prompt on the demo model: it takes the place of the checkpoint, the prompts and the picture."""

from __future__ import annotations

import copy

from gooddrag.demo.drags import drag

from .graph import SCENE
from .parts import arrows

DEMO, PHOTOGRAPH = "demo", "photograph"
OUTPUTS = {"CheckpointLoaderSimple": {0: 0, 2: 1}, "CLIPTextEncode": {0: 2}, "LoadImage": {0: 3, 1: 5}}
"""Outputs of stock nodes, and those of GoodDrag Demo Model that take their places."""
PASSED = {"LoraLoader": {0: "model"}, "ControlNetApplyAdvanced": {0: "positive", 1: "negative"}}
"""Nodes that are left out because the demo model has no such file: what their outputs become."""


def on_the_demo_model(prompt: dict, kind: str = SCENE[0], scene: int = SCENE[1]) -> dict:
    """The prompt itself if it has the demo model already."""
    if any(node["class_type"] == "GoodDrag_DemoModel" for node in prompt.values()):
        return copy.deepcopy(prompt)
    prompt = copy.deepcopy(prompt)

    small = any(node["class_type"] == "GoodDrag_Fit" for node in prompt.values())

    def origin(link):
        node = prompt[link[0]]
        if node["class_type"] in OUTPUTS:
            if small and node["class_type"] == "LoadImage":
                return [PHOTOGRAPH, 0]
            return [DEMO, OUTPUTS[node["class_type"]].get(link[1], 0)]
        if node["class_type"] in PASSED:
            return origin(node["inputs"][PASSED[node["class_type"]][link[1]]])
        return link

    gone = {*OUTPUTS, *PASSED, "ControlNetLoader", "UpscaleModelLoader"}
    result = {
        DEMO: {"class_type": "GoodDrag_DemoModel", "inputs": {"kind": kind, "scene": scene}, "_meta": {"title": ""}}
    }
    if small:
        enlarged = {"image": [DEMO, 3], "upscale_method": "lanczos", "scale_by": 4.0}
        result[PHOTOGRAPH] = {"class_type": "ImageScaleBy", "inputs": enlarged, "_meta": {"title": ""}}
    for key, node in prompt.items():
        if node["class_type"] in gone:
            continue
        inputs = {name: origin(value) if isinstance(value, list) else value for name, value in node["inputs"].items()}
        if node["class_type"] == "ImageUpscaleWithModel":
            inputs = {"image": inputs["image"], "upscale_method": "lanczos", "scale_by": 4.0}
            node = {**node, "class_type": "ImageScaleBy"}
        elif node["class_type"] == "GoodDrag_Fit":
            inputs["size"] = 256
        elif node["class_type"] == "GoodDrag_Points" and small:
            inputs["points"] = _arrows(kind, scene)
        elif node["class_type"] == "GoodDrag_Points" and not inputs["points"]:
            inputs |= {"suggestion": [DEMO, 4], "mask": [DEMO, 5]}
        elif node["class_type"] == "KSampler":
            inputs["cfg"] = 1.0
        elif node["class_type"] == "ImageScaleToTotalPixels":
            inputs["megapixels"] = 256 * 256 / 1024 / 1024
        elif node["class_type"] == "GoodDrag_LoRATune":
            inputs["steps"] = 20
        result[key] = {**node, "inputs": inputs}
    return result


def _arrows(kind: str, scene: int) -> str:
    """Those of a scene, which Points takes along to a picture of another size."""
    points = drag(kind, scene).points
    return arrows(points.width, points.height, *zip(points.handles, points.targets))
