"""Features, early exit, and mutual self-attention on a real U-Net."""

import pytest
import torch
from diffusers.models.attention_processor import AttnProcessor2_0

from gooddrag.network.attention import looking_at, remembering, self_attention_layers
from gooddrag.network.features import predict, predict_with_features

BLOCKS = ("up_blocks.2", "up_blocks.3")


def test_features_are_the_blocks_output_and_early_exit_does_not_change_them(unet, z0, text):
    seen = []
    handle = unet.up_blocks[2].register_forward_hook(lambda _m, _i, output: seen.append(output))
    plain = predict(unet, z0, 301, text)
    handle.remove()
    prediction, feature = predict_with_features(unet, z0, 301, text, "up_blocks.2")
    assert torch.equal(prediction, plain)
    assert torch.equal(feature, seen[0])
    nothing, early = predict_with_features(unet, z0, 301, text, "up_blocks.2", features_only=True)
    assert nothing is None
    assert torch.equal(early, feature)


@pytest.mark.parametrize("block", ["mid_block", "up_blocks.0", "up_blocks.1", "up_blocks.3"])
def test_any_block_can_be_the_feature(unet, z0, text, block):
    assert predict_with_features(unet, z0, 1, text, block, features_only=True)[1].ndim == 4


def test_unknown_block_is_named(unet, z0, text):
    with pytest.raises(ValueError, match=r"'up_blocks.7'; this U-Net has mid_block, up_blocks.0"):
        predict_with_features(unet, z0, 1, text, "up_blocks.7")


@pytest.mark.parametrize("features_only", [False, True])
def test_no_hook_is_left_behind_even_after_an_error(unet, z0, text, features_only):
    with pytest.raises(RuntimeError):
        predict_with_features(unet, z0[:, :3], 1, text, "up_blocks.2", features_only=features_only)
    assert not any(m._forward_hooks for m in unet.modules())


def test_layers_are_found_by_name(unet):
    layers = self_attention_layers(unet, BLOCKS)
    assert len(layers) == 6
    assert layers[0] == "up_blocks.2.attentions.0.transformer_blocks.0.attn1"
    with pytest.raises(ValueError, match="'up_blocks.0', which has no self-attention"):
        self_attention_layers(unet, ("up_blocks.0",))
    with pytest.raises(ValueError, match=r"'up_blocks.2.typo'"):
        self_attention_layers(unet, ("up_blocks.2.typo",))


def test_looking_at_itself_changes_nothing(unet, z0, text):
    plain = predict(unet, z0, 301, text)
    with remembering(unet, self_attention_layers(unet, BLOCKS)) as memory:
        assert torch.equal(predict(unet, z0, 301, text), plain)
    assert list(memory) == self_attention_layers(unet, BLOCKS)
    with looking_at(unet, memory):
        assert torch.allclose(predict(unet, z0, 301, text), plain, atol=1e-6)


def test_the_edit_takes_the_keys_and_values_of_the_source(unet, z0, text):
    other = torch.randn(z0.shape)
    with remembering(unet, self_attention_layers(unet, BLOCKS)) as memory:
        predict(unet, z0, 301, text)
    with looking_at(unet, memory):
        assert not torch.allclose(predict(unet, other, 301, text), predict(unet, z0, 301, text), atol=1e-3)
        seen = predict(unet, other, 301, text)
    assert not torch.allclose(seen, predict(unet, other, 301, text), atol=1e-3)

    # by hand in one layer: the queries of the one, the keys and values of the other
    attention = unet.up_blocks[2].attentions[0].transformer_blocks[0].attn1
    name = self_attention_layers(unet, BLOCKS)[0]
    source, x = torch.randn(2, 1, 30, attention.to_q.in_features)
    with looking_at(unet, {name: source}):
        out = attention(x)

    def heads(y):
        return y.view(*y.shape[:2], attention.heads, -1).transpose(1, 2)

    q, k, v = heads(attention.to_q(x)), heads(attention.to_k(source)), heads(attention.to_v(source))
    weights = (q @ k.transpose(-1, -2) / q.shape[-1] ** 0.5).softmax(-1)
    expected = attention.to_out[0]((weights @ v).transpose(1, 2).flatten(2))
    assert torch.allclose(out, expected, atol=1e-5)


def test_processors_are_put_back_after_an_error(unet):
    before = dict(unet.attn_processors)
    with pytest.raises(KeyboardInterrupt), remembering(unet, self_attention_layers(unet, BLOCKS)):
        layer = unet.get_submodule(self_attention_layers(unet, BLOCKS)[0])
        assert not isinstance(layer.processor, AttnProcessor2_0)
        raise KeyboardInterrupt
    after = unet.attn_processors
    assert after.keys() == before.keys()
    assert all(after[name] is before[name] for name in before)
