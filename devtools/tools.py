"""Programs that some tests need and pip does not bring: the TypeScript compiler, and a Chromium.

Where they cannot be had the tests that need them are skipped; nothing else depends on them.
"""

from __future__ import annotations

import os
import shutil
import subprocess

from .environment import PYTHON, WORK, say

TOOLS = WORK / "tools"
TYPESCRIPT = "typescript@5.9.3"
TYPES = TOOLS / TYPESCRIPT
TSC = TYPES / "node_modules" / "typescript" / "bin" / "tsc"
BROWSERS = TOOLS / "browsers"
"""Where playwright keeps a browser of its own (its ``PLAYWRIGHT_BROWSERS_PATH``)."""
CHROMIUMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def _tried(command: list[str], seconds: float, **environment: str) -> str:
    """Why the command failed, in a line; empty when it did not."""
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=seconds, env={**os.environ, **environment}
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    lines = [line for line in (done.stderr or done.stdout).splitlines() if any(map(str.isalpha, line))]
    return "" if done.returncode == 0 else (lines or [f"exit code {done.returncode}"])[-1]


def install_typescript() -> None:
    node, npm = shutil.which("node"), shutil.which("npm")
    if TSC.is_file() or not (node and npm):
        return
    say(f"  installing {TYPESCRIPT} ...")
    TYPES.mkdir(parents=True, exist_ok=True)
    why = _tried([npm, "install", "--prefix", str(TYPES), "--no-audit", "--no-fund", TYPESCRIPT], 300)
    if why:
        say(f"  {TYPESCRIPT} could not be had: the editor's types are not checked ({why})")


def chromium() -> str | None:
    """A Chromium or Chrome on the PATH."""
    return next(filter(None, map(shutil.which, CHROMIUMS)), None)


def _own_chromium() -> bool:
    return BROWSERS.is_dir() and any(BROWSERS.glob("chromium-*/INSTALLATION_COMPLETE"))


def install_chromium() -> None:
    """One that is on the PATH, else playwright's own in ``.work``, else, as root on Debian, the system's."""
    if chromium() or _own_chromium():
        return
    say("  getting a Chromium ...")
    command = [str(PYTHON), "-m", "playwright", "install", "chromium"]
    why = _tried(command, 600, PLAYWRIGHT_BROWSERS_PATH=str(BROWSERS))
    if why and shutil.which("apt-get") and os.geteuid() == 0:
        say(f"  playwright has none ({why}); installing Debian's ...")
        _tried(["apt-get", "update"], 300)
        install = ["apt-get", "install", "--yes", "--no-install-recommends", "chromium"]
        why = _tried(install, 600, DEBIAN_FRONTEND="noninteractive")
    if why:
        say(f"  no Chromium: the tests of the page are skipped ({why})")
