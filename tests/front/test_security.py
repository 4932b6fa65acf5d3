"""What the pack must not be able to do at run time: run text, start programs, reach the network, unpickle, write HTML."""

import ast
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from devtools.server import clean_environment
from gooddrag import files

ROOT = Path(__file__).parent.parent.parent
PYTHON = [*(ROOT / "gooddrag").rglob("*.py"), *(ROOT / "nodes").rglob("*.py"), ROOT / "__init__.py"]
PAGE = [p for p in (ROOT / "web").rglob("*") if p.suffix in (".js", ".mjs")]
CALLS = {"eval", "exec", "compile", "__import__", "breakpoint", "system", "popen", "Popen", "spawn", "execv", "execvp"}
NETWORK = {
    "urllib.request",
    "urllib.error",
    "http.client",
    "http",
    "socket",
    "ssl",
    "requests",
    "httpx",
    "ftplib",
    "smtplib",
}
MODULES = {*NETWORK, "subprocess", "pickle", "marshal", "shelve", "dill", "joblib", "ctypes", "runpy", "pty", "code"}
MAY = {
    ("gooddrag/bench/gscore/endpoints.py", "urllib.request"),  # asks the judge that a person names on the command line
    ("gooddrag/bench/gscore/endpoints.py", "urllib.error"),
    ("gooddrag/bench/gscore/endpoints.py", "http.client"),
    ("gooddrag/bench/datasets/pickled.py", "pickle"),  # an Unpickler that knows numbers, text and arrays only
}


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def imports(tree: ast.AST):
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def calls(tree: ast.AST):
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield node, node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


@pytest.mark.parametrize("path", PYTHON, ids=name)
def test_python(path):
    tree = ast.parse(path.read_text())
    assert not {(name(path), m) for m in imports(tree) if m in MODULES} - MAY
    for node, called in calls(tree):
        builtin = isinstance(node.func, ast.Name) or called not in ("compile", "eval")  # re.compile, module.eval()
        assert not (called in CALLS and builtin), f"{name(path)}:{node.lineno} calls {called}"
        if called == "load" and ast.unparse(node.func) == "torch.load":
            assert any(k.arg == "weights_only" and k.value.value is True for k in node.keywords), name(path)
        assert "trust_remote_code" not in [k.arg for k in node.keywords], name(path)
    for node, called in calls(tree):
        if called == "from_pretrained":  # a path, or only what is here
            local = any(k.arg == "local_files_only" and k.value.value is True for k in node.keywords)
            assert local or isinstance(node.args[0], ast.BinOp), f"{name(path)}:{node.lineno}"
    assert "snapshot_download" not in path.read_text()
    assert "hf_hub_download" not in path.read_text()


WORDS = (
    r"\beval\s*\(|new\s+Function|\.(inner|outer)HTML|insertAdjacentHTML|document\.write|javascript:|importScripts"
    r"|setTimeout\(\s*[\"'`]"
)


@pytest.mark.parametrize("path", PAGE, ids=name)
def test_the_page(path):
    """Text of a workflow never becomes markup or code, and nothing is asked of another server."""
    text = path.read_text()
    assert not re.findall(WORDS, text)
    addresses = set(re.findall(r"[\"'`](?:https?:)?//[^\"'`]*", text))
    assert addresses <= {'"http://www.w3.org/2000/svg'}
    assert not re.findall(r"\b(WebSocket|EventSource|XMLHttpRequest|sendBeacon)\b", text)
    for place in re.findall(r"import\s*\(?\s*[\"'`]([^\"'`]+)", text) + re.findall(r"from\s+[\"'`]([^\"'`]+)", text):
        assert place in ("/scripts/app.js", "/scripts/api.js") or place.startswith((".", "import(")), place


def test_what_a_run_needs_is_asked_of_nobody(tmp_path):
    """A whole edit where there is no network at all."""
    if not shutil.which("unshare") or subprocess.run(["unshare", "-rn", "true"], capture_output=True).returncode:
        pytest.skip("this system has no network namespaces for users")
    Image.new("RGB", (96, 96), "teal").save(tmp_path / "in.png")
    command = [
        "unshare",
        "-rn",
        sys.executable,
        "-m",
        "gooddrag",
        "edit",
        str(tmp_path / "in.png"),
        "--points",
        "30,30>50,40",
    ]
    command += ["--model", str(ROOT / "tests" / "parity" / "data"), "--output", str(tmp_path / "a.png")]
    command += ["--preset", "fast", "--lora-steps", "1", "--operations", "2"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=clean_environment())
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "a.png").is_file()


NAMES = {
    "con": "device",
    "CON .txt": "device",
    "com¹.safetensors": "device",
    "ｃｏｎ": "device",
    "conin$": "device",
    "lpt0": "device",
    "a／b": "must not",
    "a：b": "must not",
    "．．": "dot",
    "a.": "end with a dot",
    " a": "space",
    "a\u202etxt": "U\\+202E",
    "a\u200bb": "U\\+200B",
    "\ufeffa": "U\\+FEFF",
    "a\x7f": "U\\+007F",
    "\ue000": "U\\+E000",
    "ä" * 128: "255 bytes",
    "\udcff": "no text",
    "": "must not be empty",
}


@pytest.mark.parametrize("given", NAMES)
def test_names_that_deceive_a_person_or_a_system(given):
    with pytest.raises(ValueError, match=NAMES[given]):
        files.check_name(given)


@pytest.mark.parametrize("given", ["cat", "Kätzchen", "猫 1", "control", "nullify.x", "com10", "a.b-c_d", "😀"])
def test_ordinary_names(given):
    files.check_name(given)
