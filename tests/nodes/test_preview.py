"""Live previews follow ComfyUI's own setting."""

import pytest
import torch

pytest.importorskip("comfy", reason="COMFYUI_DIR is not set; python3 dev.py test nodes sets it")

import comfy.cli_args
import comfy.utils
import folder_paths
from comfy.cli_args import LatentPreviewMethod


@pytest.fixture
def seen(monkeypatch):
    """(value, total, preview) of every report to the progress bar."""
    reports = []
    monkeypatch.setattr(comfy.utils, "PROGRESS_BAR_HOOK", lambda v, t, preview, **_k: reports.append((v, t, preview)))
    return reports


@pytest.fixture
def drag(run, demo, monkeypatch):
    """Run the sampler for 8 denoising steps under a preview method; the pictures that it showed."""
    inputs = {k: demo[k] for k in ("model", "vae", "image", "positive")}
    inversion, _ = run("GoodDrag_Invert", **inputs, steps=10)

    def previews(method, reports):
        monkeypatch.setattr(comfy.cli_args.args, "preview_method", method)
        reports.clear()
        settings = {"operations": 2, "operations_per_step": 1, "gradient_steps": 1}
        run("GoodDrag_Sampler", model=demo["model"], inversion=inversion, points=demo["points"], **settings)
        assert reports[-1][0] == reports[-1][1]
        return [preview for *_, preview in reports if preview is not None]

    return previews


@pytest.mark.parametrize("method", [LatentPreviewMethod.Auto, LatentPreviewMethod.Latent2RGB])
def test_each_denoising_step_is_shown(drag, seen, method):
    shown = drag(method, seen)
    assert len(shown) == 8
    kind, picture, _ = shown[-1]
    assert kind == "JPEG"
    assert picture.size == (256, 256)


def test_none_shows_nothing(drag, seen):
    assert drag(LatentPreviewMethod.NoPreviews, seen) == []


def test_taesd_decodes_each_step(drag, seen, demo, monkeypatch, tmp_path):
    from comfy.taesd.taesd import TAESD
    from safetensors.torch import save_file

    save_file(TAESD().taesd_decoder.state_dict(), tmp_path / "taesd_decoder.safetensors")
    monkeypatch.setitem(folder_paths.folder_names_and_paths, "vae_approx", ([str(tmp_path)], {".safetensors"}))
    monkeypatch.setattr(demo["model"].model.latent_format, "taesd_decoder_name", "taesd_decoder", raising=False)
    shown = drag(LatentPreviewMethod.TAESD, seen)
    assert len(shown) == 8
    assert shown[-1][1].size == (256, 256)
    assert all(p.grad is None for p in demo["model"].model.parameters())
    assert torch.is_grad_enabled()
