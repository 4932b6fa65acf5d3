"""LoRA tuning with peft: it learns, it is exact, it leaves nothing behind."""

from dataclasses import replace

import pytest
import torch

from gooddrag import LoRA, applied, train_lora
from gooddrag.method.lora import TARGETS
from gooddrag.network.conditioning import Conditioning
from gooddrag.network.features import predict


@pytest.fixture
def short(fast):
    return fast.replace(lora_steps=3, lora_rank=4, lora_batch=2)


def snapshot(unet):
    return (
        dict(unet.named_modules()),
        {name: parameter.clone() for name, parameter in unet.named_parameters()},
        {name: parameter.requires_grad for name, parameter in unet.named_parameters()},
        dict(unet.attn_processors),
    )


def assert_unchanged(unet, before):
    modules, values, flags, processors = before
    now = dict(unet.named_modules())
    assert now.keys() == modules.keys()
    assert all(now[name] is modules[name] for name in modules)
    parameters = dict(unet.named_parameters())
    assert parameters.keys() == values.keys()
    assert all(torch.equal(parameters[name], values[name]) for name in values)
    assert all(parameters[name].requires_grad == flags[name] for name in flags)
    assert all(unet.attn_processors[name] is p for name, p in processors.items())
    assert not hasattr(unet, "peft_config")


def test_every_attention_projection_gets_a_layer(model, z0, text, short):
    lora = train_lora(model, z0, text, short)
    expected = {n for n, _ in model.unet.named_modules() if n.endswith(TARGETS)}
    assert set(lora.weights) == expected
    assert len(expected) == 16 * 2 * 4  # 16 transformers, self and cross, q k v out
    assert all(down.shape[0] == 4 and up.shape[1] == 4 for down, up in lora.weights.values())


def test_model_is_exactly_as_before(model, z0, text, short):
    before = snapshot(model.unet)
    lora = train_lora(model, z0, text, short)
    assert_unchanged(model.unet, before)
    plain = predict(model.unet, z0, 301, text)
    with applied(model.unet, lora):
        assert not torch.equal(predict(model.unet, z0, 301, text), plain)
    assert_unchanged(model.unet, before)
    assert torch.equal(predict(model.unet, z0, 301, text), plain)


def test_a_lora_that_is_applied_takes_no_gradients(model, z0, text, short):
    """They would keep the inputs of every attention layer at each gradient step of a drag."""
    with applied(model.unet, train_lora(model, z0, text, short)):
        assert not any(p.requires_grad for p in model.unet.parameters())


def test_a_control_is_left_away(model, z0, text, short):
    def control(*_):
        raise AssertionError("asked")

    told = replace(Conditioning.of(text), control=control)
    lora, plain = (train_lora(model, z0, t, short) for t in (told, text))
    assert all(torch.equal(a, b) for name in plain.weights for a, b in zip(lora.weights[name], plain.weights[name]))


@pytest.mark.parametrize("at", [0, 2])
def test_model_is_as_before_after_an_interruption(model, z0, text, short, at):
    before = snapshot(model.unet)

    def stop(progress):
        if progress.step == at:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_lora(model, z0, text, short, callback=stop)
    assert_unchanged(model.unet, before)
    lora = train_lora(model, z0, text, short)
    with pytest.raises(RuntimeError, match="boom"), applied(model.unet, lora):
        raise RuntimeError("boom")
    assert_unchanged(model.unet, before)


def test_update_is_up_times_down(model, z0, text, short):
    lora = train_lora(model, z0, text, short.replace(lora_learning_rate=0.01))
    with applied(model.unet, lora):
        adapted = predict(model.unet, z0, 301, text)
    for name, (down, up) in lora.weights.items():
        model.unet.get_submodule(name).weight.data += up @ down
    assert torch.allclose(predict(model.unet, z0, 301, text), adapted, atol=1e-5)


def test_starts_without_effect(model, z0, text, short):
    lora = train_lora(model, z0, text, short.replace(lora_steps=0))
    assert all((up == 0).all() for _, up in lora.weights.values())
    down = torch.cat([down.flatten() for down, _ in lora.weights.values()])
    assert down.std().item() == pytest.approx(1 / 4, rel=0.05)  # N(0, 1 / rank)


def test_loss_falls(model, z0, text, short):
    losses = []

    def keep(progress):
        losses.append(progress.loss)

    train_lora(model, z0, text, short.replace(lora_steps=40, lora_learning_rate=0.01), callback=keep)
    losses = [loss for loss in losses if loss is not None]
    assert sum(losses[-10:]) < sum(losses[:10])


def test_same_seed_same_lora_whatever_torch_was_doing(model, z0, text, short):
    first = train_lora(model, z0, text, short, seed=7)
    state = torch.get_rng_state()
    torch.rand(5)
    second = train_lora(model, z0, text, short, seed=7)
    other = train_lora(model, z0, text, short, seed=8)
    torch.set_rng_state(state)
    for name in first.weights:
        assert all(torch.equal(a, b) for a, b in zip(first.weights[name], second.weights[name]))
    assert any(not torch.equal(first.weights[n][0], other.weights[n][0]) for n in first.weights)


def test_posterior_is_resampled(model, z0, text, short):
    still = train_lora(model, z0, text, short)
    zero = train_lora(model, z0, text, short, std=torch.zeros_like(z0))
    wide = train_lora(model, z0, text, short, std=torch.ones_like(z0))
    name = next(iter(still.weights))
    assert not torch.equal(still.weights[name][1], wide.weights[name][1])
    assert zero.weights[name][1].isfinite().all()


def test_safetensors_round_trip_is_exact(model, z0, text, short, tmp_path):
    lora = train_lora(model, z0, text, short)
    lora.save(tmp_path / "a.safetensors")
    again = LoRA.load(tmp_path / "a.safetensors")
    assert again.rank == 4
    assert list(again.weights) == list(lora.weights)
    for name in lora.weights:
        assert all(torch.equal(a, b) for a, b in zip(lora.weights[name], again.weights[name]))


def test_files_that_are_no_lora_are_refused(tmp_path, unet):
    (tmp_path / "a.safetensors").write_bytes(b"nonsense")
    with pytest.raises(ValueError, match="cannot be read as a safetensors file"):
        LoRA.load(tmp_path / "a.safetensors")
    from safetensors.torch import save_file

    save_file({"x": torch.zeros(1)}, tmp_path / "b.safetensors")
    with pytest.raises(ValueError, match="was not written by GoodDrag"):
        LoRA.load(tmp_path / "b.safetensors")
    with pytest.raises(ValueError, match="does not fit this U-Net"), applied(unet, LoRA(4, {})):
        pass
