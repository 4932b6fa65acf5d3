"""GoodDrag (arXiv 2404.07206): drag editing by alternating drag and denoising.

The engine, usable without ComfyUI. ``edit`` does everything; ``train_lora``, ``invert`` and ``drag`` are its parts.
"""

from .config import DragConfig
from .drag import DragResult, drag, drag_batch
from .edit import Edit, edit
from .geometry import DragPoints
from .inversion import Inversion, invert
from .lora import LoRA, applied, train_lora
from .model import Model
from .progress import Progress
from .trace import DragTrace

__version__ = "0.1.0"

__all__ = [
    "DragConfig",
    "DragPoints",
    "DragResult",
    "DragTrace",
    "Edit",
    "Inversion",
    "LoRA",
    "Model",
    "Progress",
    "applied",
    "drag",
    "drag_batch",
    "edit",
    "invert",
    "train_lora",
]
