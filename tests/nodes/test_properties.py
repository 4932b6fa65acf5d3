"""Whatever arrives at a node's sockets: it gives what its schema says, or refuses in words that name the input."""

import sys
from pathlib import Path

import pytest
import torch

pytest.importorskip("comfy", reason="COMFYUI_DIR is not set; python3 dev.py test nodes sets it")
pytest.importorskip("hypothesis", reason="hypothesis is not installed; python3 dev.py test nodes installs it")
sys.path.append(str(Path(__file__).parent.parent / "properties"))

from comfy_execution.graph_utils import ExecutionBlocker
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from inputs import bent, in_words, inside

quickly = settings(
    max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
sides = st.sampled_from([0, 1, 2, 3, 4, 7, 63, 64, 96, 130])
kinds = st.sampled_from(
    [torch.float32, torch.float16, torch.bfloat16, torch.float64, torch.uint8, torch.int64, torch.bool]
)


@st.composite
def tensors(draw, *usual: tuple[int, ...]):
    """Of the usual shape, or of any."""
    shape = draw(st.sampled_from(usual) | st.lists(sides, max_size=5).map(tuple).filter(lambda s: _size(s) < 3_000_000))
    tensor = torch.rand(shape, generator=torch.Generator().manual_seed(draw(st.integers(0, 9))))
    tensor = tensor * draw(st.sampled_from([1, 1, 1, 0, -1, 2, 255, 1e30])) + draw(st.sampled_from([0, 0, 0, 1e-3, -1]))
    if draw(st.integers(0, 5)) == 0 and tensor.numel():
        tensor.view(-1)[-1] = draw(st.sampled_from([float("nan"), float("inf")]))
    tensor = tensor.to(draw(kinds))
    return tensor.transpose(-1, -2) if tensor.ndim > 1 and draw(st.integers(0, 5)) == 0 else tensor


def _size(shape) -> int:
    size = 1
    for side in shape:
        size *= side
    return size


images = (
    tensors((1, 64, 96, 3), (1, 64, 96, 1), (1, 64, 96, 4), (2, 64, 96, 3), (1, 128, 192, 3)) | st.none() | st.just([])
)
masks = st.none() | tensors((1, 64, 96), (64, 96), (1, 1, 64, 96), (1, 32, 48), (2, 64, 96))
latents = st.one_of(
    tensors((1, 4, 32, 32), (2, 4, 32, 32), (1, 4, 16, 16), (1, 16, 32, 32)).map(lambda t: {"samples": t}),
    st.fixed_dictionaries(
        {}, optional={"samples": st.none() | tensors((1, 4, 32, 32)), "gooddrag_size": st.tuples(sides, sides)}
    ),
    st.none(),
)


@pytest.fixture(scope="module")
def scene(nodes):
    """Once: what the demo gives."""
    names = ("model", "vae", "positive", "image", "points", "mask", "truth")
    with torch.inference_mode():
        return dict(zip(names, nodes["GoodDrag_DemoModel"].execute(kind="arm", scene=1).args))


def tried(nodes, node_id, **given_):
    """The outputs, which are sound, or None where the node refused in words."""
    node = nodes[node_id]
    defaults = {i.id: i.default for i in node.GET_SCHEMA().inputs if getattr(i, "default", None) is not None}
    try:
        with torch.inference_mode():
            outputs = node.execute(**{**defaults, **given_}).args
    except ValueError as error:
        in_words(error)
        return None
    for output in outputs:
        if isinstance(output, torch.Tensor):
            assert output.dtype == torch.float32
            assert torch.isfinite(output).all()
            assert output.min() >= 0
            assert output.max() <= 1
    return outputs


@quickly
@given(image=images, mask=masks, points=bent())
def test_points(nodes, image, mask, points):
    outputs = tried(nodes, "GoodDrag_Points", image=image, mask=mask, points=points)
    if outputs and not isinstance(outputs[0], ExecutionBlocker):
        placed, region, overlay = outputs
        assert (placed.height, placed.width) == region.shape[-2:] == overlay.shape[1:3]


@quickly
@given(image=images, size=st.integers(64, 300))
def test_fit(nodes, image, size):
    tried(nodes, "GoodDrag_Fit", image=image, size=size)


@quickly
@given(image=images, edited=images, mask=masks, source=images, feather=st.integers(0, 64))
def test_carry_back(nodes, image, edited, mask, source, feather):
    outputs = tried(nodes, "GoodDrag_CarryBack", image=image, edited=edited, mask=mask, source=source, feather=feather)
    if outputs:
        assert outputs[0].shape[1:3] == image.shape[1:3]


@quickly
@given(latent=latents, image=images, mask=masks, feather=st.integers(0, 64))
def test_decode(nodes, scene, latent, image, mask, feather):
    tried(nodes, "GoodDrag_Decode", vae=scene["vae"], latent=latent, image=image, mask=mask, feather=feather)


@quickly
@given(
    image=images,
    edited=images,
    mask=masks,
    source=images,
    pairs=st.lists(st.tuples(inside, inside), min_size=1, max_size=3),
)
def test_score(nodes, part, image, edited, mask, source, pairs):
    points = part("gooddrag.picture.geometry").DragPoints.from_pairs(pairs, 96, 64)
    try:
        with torch.inference_mode():
            nodes["GoodDrag_Score"].execute(image=image, edited=edited, mask=mask, source=source, points=points)
    except ValueError as error:
        in_words(error)


@quickly
@given(a=images, b=images, labels=st.text(max_size=60), columns=st.integers(0, 9))
def test_compare(nodes, a, b, labels, columns):
    tried(nodes, "GoodDrag_Compare", a=a, b=b, labels=labels, columns=columns)


@quickly
@given(
    pairs=st.lists(st.tuples(inside, inside), min_size=1, max_size=3),
    count=st.integers(1, 16),
    shortest=st.floats(0, 4),
    longest=st.floats(0, 4),
)
def test_variants(nodes, part, pairs, count, shortest, longest):
    points = part("gooddrag.picture.geometry").DragPoints.from_pairs(pairs, 96, 64)
    schema = [i.id for i in nodes["GoodDrag_Variants"].GET_SCHEMA().inputs]
    tried(nodes, "GoodDrag_Variants", points=points, **dict(zip(schema[1:], (count, shortest, longest))))


@settings(quickly, max_examples=12)
@given(image=images, steps=st.integers(1, 6), strength=st.floats(0.02, 1))
def test_invert(nodes, scene, image, steps, strength):
    common = {k: scene[k] for k in ("model", "vae", "positive")}
    try:
        with torch.inference_mode():
            nodes["GoodDrag_Invert"].execute(**common, image=image, preset="custom", steps=steps, strength=strength)
    except ValueError as error:
        in_words(error)
