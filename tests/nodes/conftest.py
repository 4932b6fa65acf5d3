"""The pack inside a real ComfyUI, in this process. ``COMFYUI_DIR`` names it; without it these tests are skipped."""

import importlib.util
import os
import sys
from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).parent.parent.parent
COMFYUI = os.environ.get("COMFYUI_DIR")

if COMFYUI:
    # before this folder, whose `nodes` would otherwise hide ComfyUI's
    sys.path.insert(0, COMFYUI)
    import comfy.options
    import utils.install_util  # before ComfyUI's nodes, as main.py does: they put another `utils` in front  # noqa: F401

    comfy.options.enable_args_parsing(False)
    from comfy.cli_args import args

    args.cpu = not torch.cuda.is_available()


def load_pack():
    """The pack, loaded by path as ComfyUI does."""
    name = "custom_nodes.ComfyUI-GoodDrag"
    spec = importlib.util.spec_from_file_location(name, ROOT / "__init__.py", submodule_search_locations=[str(ROOT)])
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def comfyui_epsilon(model, z, t, text):
    """ComfyUI's own epsilon for a latent at a timestep."""
    import comfy.model_management

    comfy.model_management.load_models_gpu([model], force_full_load=True)
    sigma = model.get_model_object("model_sampling").sigma(torch.tensor([float(t)])).to(z)
    # the model divides its input by sqrt(sigma^2 + 1), and gives back the denoised latent
    x = z * (sigma**2 + 1).sqrt()
    with torch.inference_mode():
        denoised = model.model.apply_model(x, sigma, c_crossattn=text)
    return (x - denoised) / sigma


@pytest.fixture(scope="session")
def pack():
    return load_pack()


@pytest.fixture(scope="session")
def part(pack):
    """Modules of the pack by name: ``part("nodes.host")``."""
    return lambda name: importlib.import_module(f"{pack.__name__}.{name}")


@pytest.fixture(autouse=True)
def _new_log(request):
    """No test sees what the log has said before."""
    if COMFYUI:
        request.getfixturevalue("part")("nodes.notices")._logged.clear()


@pytest.fixture(scope="session")
def nodes(part):
    """Node classes by id."""
    return {node.GET_SCHEMA().node_id: node for node in part("nodes").NODES}


@pytest.fixture
def execute(nodes):
    """Execute a node as ComfyUI does, in inference mode, with the schema's defaults for what is not given. Gives the outputs and
    the sentences that the node shows."""

    def executed(node_id, **inputs):
        node = nodes[node_id]
        defaults = {i.id: i.default for i in node.GET_SCHEMA().inputs if getattr(i, "default", None) is not None}
        with torch.inference_mode():
            output = node.execute(**{**defaults, **inputs})
        return output.args, output.ui["text"]

    return executed


@pytest.fixture
def run(execute):
    """The outputs of a node."""
    return lambda node_id, **inputs: execute(node_id, **inputs)[0]


@pytest.fixture
def demo(run):
    """The demo model's outputs by name."""
    names = ("model", "vae", "positive", "image", "points", "mask", "truth")
    return dict(zip(names, run("GoodDrag_DemoModel", kind="arm", scene=1)))
