"""Which model a command works with, and on what: arguments that several commands share."""

from __future__ import annotations

import argparse
import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

import torch

from .. import files
from ..libraries import LibraryError
from ..loading import Loaded, load
from ..network.memory import is_out_of_memory
from ..network.precision import slowdown
from .terminal import say

DEMO = "demo"
WEIGHTS = (".safetensors", ".bin", ".ckpt", ".pt")
BLOCKS, BLOCK = 1024, 4096
"""Of a file of weights: so many of so many bytes tell it from another."""
PRECISIONS = {"float32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


@dataclass(frozen=True)
class Loader:
    """What was asked for; a call loads it. It can be sent to another process. Raises ``ValueError`` that says what was expected."""

    name: str
    device: str
    precision: str = "float32"
    channels_last: bool = False
    compiled: bool = False

    @property
    def weights(self) -> str:
        """A fingerprint of the files' sizes and of blocks all over them, "" for the demo model and for what does not exist. To read
        7 GB takes longer than an edit; a LoRA that was merged in changes more than lies between two blocks."""
        if self.name == DEMO:
            return ""
        found = Path(self.name)
        paths = [found] if found.is_file() else sorted(p for p in found.rglob("*") if p.suffix in WEIGHTS)
        told = hashlib.sha256()
        for path in paths:
            with path.open("rb") as file:
                size = file.seek(0, os.SEEK_END)
                told.update(size.to_bytes(8, "big"))
                for i in range(BLOCKS):
                    file.seek(i * max(size - BLOCK, 0) // (BLOCKS - 1))
                    told.update(file.read(BLOCK))
        return told.hexdigest()[:12] if paths else ""

    def __call__(self) -> Loaded:
        how = {"channels_last": self.channels_last, "compiled": self.compiled}
        try:
            return load(self.name, device(self.device), PRECISIONS[self.precision], **how)
        except (ValueError, MemoryError, LibraryError):
            raise
        except Exception as error:  # whatever the libraries raise for damaged or incomplete files
            if is_out_of_memory(error):
                raise
            reason = str(error).strip().split("\n")[0][:200]
            raise ValueError(f"the model {self.name} cannot be loaded ({type(error).__name__}: {reason})") from None


def best_device() -> str:
    """Where a command computes unless it is told otherwise."""
    return "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"


def device(name: str) -> torch.device:
    """Raises ``ValueError`` for one that cannot compute here."""
    try:
        found = torch.device(name)
        if found.type == "meta":
            raise RuntimeError("it computes nothing")
        torch.zeros(1, device=found).add(1).cpu()
    except (RuntimeError, AssertionError, NotImplementedError, ImportError) as error:
        reason = str(error).strip().split("\n")[0][:150].rstrip(".")
        raise ValueError(f"--device {name} cannot be used ({reason}); cpu always can") from None
    return found


def arguments(p: argparse.ArgumentParser) -> None:
    p.add_argument(
        "--model",
        default="demo",
        help="demo (default), a folder in diffusers' layout, or an SD1.x or SDXL checkpoint file",
    )
    p.add_argument(
        "--precision", choices=PRECISIONS, default="float32", help="of the U-Net's weights (default: float32)"
    )
    p.add_argument("--channels-last", action="store_true", help="order the U-Net's weights for convolutions")
    p.add_argument(
        "--compile", action="store_true", help="compile the U-Net's blocks at their first run, which takes a while"
    )
    p.add_argument("--device", default=best_device(), help="cpu, cuda, cuda:1, mps .. (default here: %(default)s)")


def asked(args: argparse.Namespace) -> Loader:
    """Says when this processor only imitates the precision. Raises ``ValueError`` for a name that no report could hold."""
    try:
        files.check_text(args.model)
    except ValueError as error:
        raise ValueError(f"--model: {error}; rename it") from None
    if args.precision != "float32" and args.device == "cpu":
        times = slowdown(PRECISIONS[args.precision])
        if times >= 2:
            say(f"--precision {args.precision} takes about {times:.0f} times as long as float32 on this processor")
    # workers may live in other folders
    name = args.model if args.model == DEMO or not os.path.exists(args.model) else os.path.abspath(args.model)
    return Loader(name, args.device, args.precision, args.channels_last, args.compile)
