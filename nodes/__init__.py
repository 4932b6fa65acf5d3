"""The nodes, one explicit list."""

from comfy_api.v0_0_2 import ComfyExtension, io

from . import known_masks, routes
from .compare import Compare
from .decode import Decode
from .demo import DemoModel
from .demo_truth import DemoTruth
from .doctor import Doctor
from .invert import Invert
from .lora_tune import LoRATune
from .points import Points
from .sampler import Sampler
from .score import Score
from .variants import Variants
from .working import CarryBack, Fit

NODES: list[type[io.ComfyNode]] = [
    Points,
    Variants,
    LoRATune,
    Invert,
    Sampler,
    Decode,
    DemoModel,
    DemoTruth,
    Fit,
    CarryBack,
    Score,
    Compare,
    Doctor,
]


class GoodDragExtension(ComfyExtension):
    async def get_node_list(self) -> list[type[io.ComfyNode]]:
        return NODES


async def comfy_entrypoint() -> GoodDragExtension:
    routes.register()
    known_masks.register()
    return GoodDragExtension()
