"""Lets a server break on demand, deep inside of the networks, and tells what is left behind. No nodes; two routes.

A fault is armed for a stage of an edit, which is recognised by the frames of the pack that are on the stack: nothing of the pack is
replaced. It strikes in the forward pass of a convolution, or when a file is brought to the disk.
"""

import errno
import gc
import os
import signal
import sys
from collections import Counter

import comfy.model_management
import psutil
import torch
from aiohttp import web
from server import PromptServer
from torch import nn

NODE_CLASS_MAPPINGS = {}

STAGES = {
    "lora": ("lora.py", "train_lora"),
    "inversion": ("inversion.py", "invert"),
    "source": ("source.py", "step"),
    "gradient": ("supervision.py", "_evaluate"),
    "denoise": ("evaluation.py", "denoise"),
    "decode": ("host.py", "decode"),
    "save": ("files.py", "write"),
}
"""File and function of the pack in which a stage is."""
armed: dict = {}
fired = 0


def _within(stage: str) -> bool:
    file, function = STAGES[stage]
    frame = sys._getframe(2)
    while frame is not None:
        path = frame.f_code.co_filename
        if frame.f_code.co_name == function and path.endswith(os.sep + file) and "GoodDrag" in path:
            return True
        frame = frame.f_back
    return False


def _due() -> bool:
    """Whether the fault strikes now: after some calls in its stage, and not more often than wanted."""
    global fired
    armed["calls"] += 1
    if armed["calls"] <= armed["after"] or fired >= armed["times"]:
        return False
    fired += 1
    return True


def _strike() -> None:
    fault = armed["fault"]
    if fault == "cancel":
        comfy.model_management.interrupt_current_processing()
    elif fault == "memory":
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
    elif fault == "error":
        raise RuntimeError("the device fell asleep")
    elif fault == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    elif fault == "full":
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    elif fault == "read-only":
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))


def _after_layer(module: nn.Module, _given, result):
    if not armed or armed["stage"] == "save" or not isinstance(module, nn.Conv2d) or not _within(armed["stage"]):
        return None
    if not _due():
        return None
    if armed["fault"] == "nan":
        return result * float("nan")
    _strike()
    return None


def _fsync(descriptor: int) -> None:
    if armed and armed["stage"] == "save" and _within("save") and _due():
        _strike()
    _real_fsync(descriptor)


_real_fsync, os.fsync = os.fsync, _fsync
nn.modules.module.register_module_forward_hook(_after_layer)


@PromptServer.instance.routes.post("/faults")
async def arm(request: web.Request) -> web.Response:
    """Arm ``{stage, fault, after, times}``, or nothing; gives how often the last one struck."""
    global fired
    wanted, before, fired = await request.json(), fired, 0
    armed.clear()
    if wanted:
        armed.update({"after": 0, "times": 1, **wanted, "calls": 0})
    return web.json_response({"fired": before})


@PromptServer.instance.routes.get("/faults/asked")
async def asked(_request: web.Request) -> web.Response:
    """What the queue was asked to do and has not done yet."""
    return web.json_response(dict(PromptServer.instance.prompt_queue.flags))


@PromptServer.instance.routes.get("/faults/left")
async def left(_request: web.Request) -> web.Response:
    """What is alive in the process and how it is set."""
    gc.collect()
    found = gc.get_objects()
    modules = [m for m in found if isinstance(m, nn.Module)]
    tensors = [t for t in found if isinstance(t, torch.Tensor)]
    storages = {s.data_ptr(): s.nbytes() for s in (t.untyped_storage() for t in tensors if t.layout == torch.strided)}
    alive = {
        "adapters": sum(type(m).__module__.startswith("peft.tuners") for m in modules),
        "unets": sum(type(m).__name__ == "UNet2DConditionModel" for m in modules),
        "own forwards": sum("forward" in vars(m) for m in modules),
        "hooks": sum(bool(m._forward_hooks or m._forward_pre_hooks or m._backward_hooks) for m in modules),
        "checkpointing": sum(getattr(m, "gradient_checkpointing", False) is True for m in modules),
        "training": Counter(type(m).__name__ for m in modules if m.training and any(True for _ in m.parameters())),
        "gradients": sum(t.grad is not None for t in tensors if t.is_leaf and not t.is_inference()),
    }
    flags = {
        "grad": torch.is_grad_enabled(),
        "inference": torch.is_inference_mode_enabled(),
        "dtype": str(torch.get_default_dtype()),
        "device": str(torch.get_default_device()),
        "deterministic": torch.are_deterministic_algorithms_enabled(),
        "threads": torch.get_num_threads(),
        "cancelled": comfy.model_management.processing_interrupted(),
    }
    memory = {"tensors": sum(storages.values()), "resident": psutil.Process().memory_info().rss}
    files = psutil.Process().num_fds()
    return web.json_response({"alive": alive, "flags": flags, "memory": memory, "files": files})
