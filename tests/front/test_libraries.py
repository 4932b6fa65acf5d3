"""diffusers, peft and transformers: loaded late, and what is wrong with them said in words."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from gooddrag import train_lora
from gooddrag.libraries import NEEDED, LibraryError, importing
from gooddrag.loading import load

ROOT = Path(__file__).parent.parent.parent


def _python(*arguments, **environment):
    env = {**os.environ, "HF_HUB_OFFLINE": "1", **environment}
    return subprocess.run([sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True, env=env)


def test_nothing_heavy_is_loaded_before_a_model_is_needed():
    code = (
        "import sys, gooddrag, gooddrag.command, gooddrag.demo.evaluate, gooddrag.loading\n"
        "from gooddrag.demo import drag\n"
        "drag('move', 1).picture(0)\n"
        "print([m for m in ('accelerate', 'diffusers', 'peft', 'transformers') if m in sys.modules])"
    )
    done = _python("-c", code)
    assert done.stdout.strip() == "[]", done.stderr


@pytest.fixture
def broken(tmp_path, monkeypatch):
    """Makes a package that raises when it is imported."""

    def make(name: str, code: str) -> str:
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text(code)
        (tmp_path / f"{name}-9.8.dist-info").mkdir()
        (tmp_path / f"{name}-9.8.dist-info" / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {name}\nVersion: 9.8"
        )
        return str(tmp_path)

    monkeypatch.syspath_prepend(str(tmp_path))
    return make


RAISED = {
    "raise RuntimeError('CUDA setup failed')": "RuntimeError: CUDA setup failed",
    "raise OSError('libcudart.so.12: no such file.')": "OSError: libcudart.so.12: no such file)",
    "import torch\ntorch.no_such_thing": "AttributeError: module 'torch' has no attribute 'no_such_thing'",
    "from torch import no_such_thing": "ImportError: cannot import name 'no_such_thing' from 'torch'",
    "import ctypes\nctypes.CDLL('libnone.so')": "OSError: libnone.so: cannot open shared object file",
    "import no_such_module": "ModuleNotFoundError: No module named 'no_such_module'",
    "raise SystemExit('bye')": "SystemExit: bye",
    "def f(:": "SyntaxError: ",
}


@pytest.mark.parametrize(("code", "message"), RAISED.items())
def test_whatever_an_import_raises_is_said_with_what_to_do(broken, code, message):
    broken("goodbroken", code)
    for _ in range(2):  # the second run of a node says the same
        with pytest.raises(LibraryError) as caught, importing("peft"):
            import goodbroken  # noqa: F401
        text = str(caught.value)
        assert text.startswith("peft ")
        assert " cannot be imported" in text
        assert message in text
        assert f'"{sys.executable}" -m pip install --upgrade "peft' in text
        if not message.startswith("SyntaxError"):  # whose traceback ends where it was imported
            assert "because of goodbroken 9.8" in text
            assert '"goodbroken"' in text


def test_the_first_of_several_errors_is_told(broken):
    broken("goodbroken", "raise OSError('a library file is missing')")
    with pytest.raises(LibraryError, match="OSError: a library file is missing"), importing("diffusers"):
        try:
            import goodbroken  # noqa: F401
        except Exception as error:
            raise RuntimeError("Failed to import diffusers.models (look up to see its traceback)") from error


def test_what_is_not_installed_is_to_be_installed():
    with pytest.raises(LibraryError) as caught, importing("peft"):
        raise ModuleNotFoundError("No module named 'peft'", name="peft")
    assert str(caught.value).startswith("peft is not installed. Points")
    assert 'pip install "peft>=' in str(caught.value)


NEEDS = {
    "diffusers": lambda: load("demo", "cpu", torch.float32),
    "transformers": lambda: load(__file__, "cpu", torch.float32),
}


@pytest.mark.parametrize("library", NEEDS)
def test_a_model_needs_it(monkeypatch, library):
    monkeypatch.setitem(sys.modules, library, None)  # as if it were not installed
    with pytest.raises(LibraryError) as caught:
        NEEDS[library]()
    assert str(caught.value).startswith(f"{library} is not installed")
    assert f'pip install "{library}' in str(caught.value)


def test_what_a_library_needs_and_is_not_installed_is_to_be_installed(broken):
    broken("goodbroken", "raise ModuleNotFoundError(\"No module named 'transformers'\", name='transformers')")
    with pytest.raises(LibraryError) as caught, importing("diffusers"):
        import goodbroken  # noqa: F401
    assert str(caught.value).startswith("transformers is not installed, which diffusers needs. Points")
    assert '-m pip install "transformers"; then restart' in str(caught.value)


def test_tuning_needs_peft_and_leaves_the_model_as_it_was(monkeypatch, model, z0, text, fast):
    names = set(model.unet.state_dict())
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "peft", None)
        with pytest.raises(LibraryError, match="^peft is not installed.*pip install .peft>="):
            train_lora(model, z0, text, fast.replace(lora_steps=1))
    assert set(model.unet.state_dict()) == names
    assert train_lora(model, z0, text, fast.replace(lora_steps=1)).weights


MISSING = "raise ModuleNotFoundError(\"No module named 'goodnone'\", name='goodnone')"


@pytest.mark.parametrize("name", ["peft", "transformers"])
@pytest.mark.parametrize("code", ["raise RuntimeError('CUDA setup failed')", MISSING])
def test_a_library_that_diffusers_cannot_import_is_named_by_the_command(broken, tmp_path, name, code):
    path = broken(name, code)
    run = ["-m", "gooddrag", "edit", "docs/demo.jpg", "--points", "60,60>70,70", "-o", str(tmp_path / "out.png")]
    done = _python(*run, PYTHONPATH=path)
    assert done.returncode == 1, done.stderr
    assert f"because of {name} 9.8 (" in done.stderr
    assert f'-m pip install --upgrade "diffusers>=0.35" "{NEEDED[name]}"' in done.stderr
    assert "Traceback" not in done.stderr


def test_pip_is_never_asked_for_torch():
    with pytest.raises(LibraryError) as caught, importing("diffusers"):
        torch.frombuffer(None)
    assert '"torch' not in str(caught.value)


@pytest.mark.parametrize("name", ["bitsandbytes", "torchao", "xformers", "triton"])
def test_an_optional_package_that_is_broken_is_named_by_the_command(broken, tmp_path, name):
    """With the real diffusers and peft, which import it because it is there."""
    path = broken(name, "raise RuntimeError('CUDA setup failed')")
    run = ["-m", "gooddrag", "edit", "docs/demo.jpg", "--points", "60,60>70,70", "-o", str(tmp_path / "out.png")]
    done = _python(*run, PYTHONPATH=path)
    assert done.returncode == 1, done.stderr
    assert f"because of {name} 9.8 (RuntimeError: CUDA setup failed)" in done.stderr
    assert f"-m pip install --upgrade {name} (or uninstall {name}, if nothing else uses it)" in done.stderr
    assert "Traceback" not in done.stderr
