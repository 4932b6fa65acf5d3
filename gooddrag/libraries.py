"""diffusers, peft and transformers are imported when a model is first needed, and a failure of that is put in words.

Each of them imports what else it finds installed (bitsandbytes, xformers, torchao, triton and others), and any of these may be
broken. Points and masks are drawn all the same, so no module that they need imports the three at its top.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata

import torch

NEEDED = {"diffusers": "diffusers>=0.35", "peft": "peft>=0.18", "transformers": "transformers"}
"""What to ask pip for, by the name that is imported; as in requirements.txt."""
OPTIONAL = ("bitsandbytes", "flash_attn", "gguf", "onnxruntime", "optimum", "torchao", "triton", "xformers")
"""What the three import only because it is there."""
TORCH = ("torch", "torchaudio", "torchvision")
"""Never named to pip, whose builds would replace those for the person's GPU."""


class LibraryError(ImportError):
    """A library that a model needs cannot be imported; says which, why, and what to ask pip for."""


@contextmanager
def importing(library: str) -> Iterator[None]:
    """A ``with`` block around ``from library import ..``. Raises ``LibraryError`` when that fails, in whatever way."""
    try:
        # what a library makes at its import is for autograd too, and ComfyUI runs nodes in inference mode
        with torch.inference_mode(False):
            yield
    except (Exception, SystemExit) as error:
        raise LibraryError(_explained(library, error)) from error


def _explained(library: str, error: BaseException) -> str:
    while error.__cause__ or error.__context__:  # lazy modules raise an error of their own about the first
        error = error.__cause__ or error.__context__
    pip = f'"{sys.executable}" -m pip'
    if isinstance(error, ModuleNotFoundError) and error.name in NEEDED:
        needed_by = "" if error.name == library else f", which {library} needs"
        what, cure = f"{error.name} is not installed{needed_by}", f'{pip} install "{NEEDED[error.name]}"'
    else:
        broken = _raised_in(error) or library
        message = " ".join(str(error).split())[:300].rstrip(".")
        blamed = "" if broken == library else f", because of {_version(broken)}"
        what = f"{_version(library)} cannot be imported{blamed} ({type(error).__name__}: {message})"
        if broken in OPTIONAL:
            cure = f"{pip} install --upgrade {broken} (or uninstall {broken}, if nothing else uses it)"
        else:
            names = [NEEDED.get(name, name) for name in dict.fromkeys((library, broken)) if name not in TORCH]
            cure = f"{pip} install --upgrade " + " ".join(f'"{name}"' for name in names)
    return f"{what}. Points, masks and decoding work without it. To mend it: {cure}; then restart"


def _raised_in(error: BaseException) -> str:
    """The package whose code raised; those below it, torch and Python's own, are seldom to blame."""
    passed = (*sys.stdlib_module_names, *TORCH, __name__.partition(".")[0])
    package, step = "", error.__traceback__
    while step:
        name = step.tb_frame.f_globals.get("__name__", "").partition(".")[0]
        package, step = package if name in passed else name, step.tb_next
    return package


def _version(package: str) -> str:
    try:
        return f"{package} {metadata.version(package)}"
    except metadata.PackageNotFoundError:
        return package
