"""Which picture lies upstream of GoodDrag Points: what the page shows before any run, and how it knows that it still holds.

The page follows links itself (``web/points/upstream.mjs``). A picture that a known loader reads from a file is had from here,
read by that loader's own code, so that it is what a run would deliver. With every picture of a run goes the part of the prompt
that made it, for the page to compare with what is there now.
"""

from __future__ import annotations

import hashlib
import os
from functools import lru_cache
from pathlib import Path

import folder_paths
import torch
from PIL import Image

import nodes as comfyui_nodes

from . import host, pictures

LOADERS = ("LoadImage", "LoadImageOutput")
"""Node types whose picture depends on nothing but the file that their input `image` names."""
LONGEST_NAME = 1024
HASHED = 1 << 28  # bytes; a longer file is known by its size and time


def load(loader: str, name: str) -> Image.Image:
    """The picture that a node of type ``loader`` delivers for a file. Raises ``ValueError`` if there is none."""
    if loader not in LOADERS:
        raise ValueError(f"{loader[:60]!r} is no loader of pictures; use {' or '.join(LOADERS)}")
    if file(name) is None:
        raise ValueError(f"there is no file {name[:200]!r}")
    return host.to_pillow(pictures.one(loaded(loader, name)[0]))


def loaded(loader: str, name: str, *more: str) -> tuple:
    """What a loader of ComfyUI's gives for a file. Raises ``ValueError`` for one that it cannot read; the loader's own words may
    tell where this server keeps its files."""
    kind = comfyui_nodes.NODE_CLASS_MAPPINGS[loader]
    try:
        with torch.inference_mode():
            return getattr(kind(), kind.FUNCTION)(name, *more)
    except Exception as error:  # it raises many kinds for a file that is no picture
        raise ValueError(f"the file {name[:200]!r} cannot be read as a picture ({type(error).__name__})") from None


def reason(error: Exception) -> str:
    """Why there is no picture, for the page."""
    return str(error)[:500] if isinstance(error, ValueError) else f"it cannot be read ({type(error).__name__})"


def file(name: object) -> Path | None:
    """The file that a loader's input names, such as "sub/a.png [output]"; None if that is no regular file of ComfyUI's."""
    if not isinstance(name, str) or not 0 < len(name) <= LONGEST_NAME or "\0" in name:
        return None
    try:
        path = Path(folder_paths.get_annotated_filepath(name))
        return path if path.is_file() and _within(name, path) else None
    except (ValueError, OSError):  # outside of ComfyUI's folders; no name that the disk takes, such as a prompt
        return None


def _within(name: str, path: Path) -> bool:
    """Older ComfyUI does not look whether a name leads out of its folder."""
    folder = folder_paths.annotated_filepath(name)[1] or folder_paths.get_input_directory()
    return path.is_relative_to(os.path.abspath(folder))


def stamp(name: object) -> str | None:
    """What tells one content of a named file from another; None if there is no such file."""
    path = file(name)
    if path is None:
        return None
    state = path.stat()
    return _stamp(path, state.st_mtime_ns, state.st_size)


@lru_cache(maxsize=256)
def _stamp(path: Path, changed: int, size: int) -> str:
    if size > HASHED:
        return f"{size:x}-{changed:x}"
    digest = hashlib.blake2b(digest_size=12)
    with path.open("rb") as opened:
        for block in iter(lambda: opened.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()


def made_of(prompt: dict | None, node: str | None, name: str) -> dict | None:
    """The part of ``prompt`` that feeds the input ``name`` of ``node``: where its link leads, the nodes behind it, and the stamps
    of the files that they name. None if the node is not in the prompt, as one that another node put there."""
    link = ((prompt or {}).get(node) or {}).get("inputs", {}).get(name)
    if not _is_link(link):
        return None
    nodes, files, waiting = {}, {}, [link[0]]
    while waiting:
        key = waiting.pop()
        if key in nodes or key not in prompt:
            continue
        inputs = prompt[key].get("inputs", {})
        nodes[key] = {"class_type": prompt[key].get("class_type"), "inputs": inputs}
        for value in inputs.values():
            if _is_link(value):
                waiting.append(value[0])
            elif (found := stamp(value)) is not None:
                files[value] = found
    return {"link": link, "nodes": nodes, "files": files}


def _is_link(value: object) -> bool:
    return isinstance(value, list) and len(value) == 2 and isinstance(value[0], str)
