"""What the registry ships, all that ``.comfyignore`` does not leave out: ``python -m devtools.archive`` packs it."""

from __future__ import annotations

import argparse
import subprocess
import zipfile
from pathlib import Path

from .environment import ROOT, say

DEFAULT = Path("ComfyUI-GoodDrag.zip")


def shipped() -> list[str]:
    """Paths within the repository."""

    def listed(*options: str) -> set[str]:
        command = ["git", "ls-files", "-z", "-c", *options]
        return {name for name in subprocess.check_output(command, cwd=ROOT).decode().split("\0") if name}

    return sorted(listed() - listed("-i", "--exclude-from=.comfyignore"))


def pack(path: Path) -> int:
    """Write the archive; gives its size in bytes."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in shipped():
            archive.write(ROOT / name, name)
    return path.stat().st_size


def _zip(text: str) -> Path:
    path = Path(text)
    if path.suffix.lower() != ".zip" or path.name.startswith("-"):
        raise argparse.ArgumentTypeError(
            f"{text} is no name of an archive; it must end in .zip and not begin with a dash"
        )
    return path


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m devtools.archive", description="Pack what the registry ships into a zip file."
    )
    parser.add_argument("file", nargs="?", type=_zip, default=DEFAULT, help=f"the archive (default: {DEFAULT})")
    target = parser.parse_args(argv).file
    say(f"{target}: {pack(target) / 1e6:.1f} MB, {len(shipped())} files")


if __name__ == "__main__":
    main()
