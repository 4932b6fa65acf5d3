"""What the registry ships, all that ``.comfyignore`` does not leave out: ``python -m devtools.archive FILE.zip`` packs it."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

from .environment import ROOT, say


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


if __name__ == "__main__":
    target = Path(sys.argv[1] if len(sys.argv) > 1 else "ComfyUI-GoodDrag.zip")
    say(f"{target}: {pack(target) / 1e6:.1f} MB, {len(shipped())} files")
