"""GoodDrag (arXiv 2404.07206): drag editing by alternating drag and denoising.

The engine, usable without ComfyUI. ``edit`` does everything; ``train_lora``, ``invert`` and ``drag`` are its parts.
"""

from . import cancelled  # noqa: F401 (first, so that it hears Ctrl-C while the others are imported)
from .config import DragConfig
from .edit import Edit, edit
from .method.batch import drag_batch
from .method.drag import drag
from .method.inversion import Inversion, invert
from .method.lora import LoRA, applied, train_lora
from .method.state import DragResult
from .method.trace import DragTrace
from .network.conditioning import Conditioning
from .network.guidance import Guidance
from .network.model import Model
from .picture.geometry import DragPoints
from .progress import Progress

__version__ = "0.2.0"

__all__ = [
    "Conditioning",
    "DragConfig",
    "DragPoints",
    "DragResult",
    "DragTrace",
    "Edit",
    "Guidance",
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
