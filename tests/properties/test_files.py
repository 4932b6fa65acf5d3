"""Whatever lies in a file that the pack reads: it is read or refused in words, and nothing else happens."""

import io
import json
import pickle
import tempfile
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from inputs import anything, bent, cut, in_words, numbers, words
from PIL import Image
from safetensors.torch import save

from gooddrag import pictures
from gooddrag.bench import datasets
from gooddrag.bench.datasets.pickled import plain
from gooddrag.bench.rows import Rows
from gooddrag.method.lora import LoRA

MODULES = ("down.to_q", "up.to_k")
PREFIXES = [f"lora_unet_{name.replace('.', '_')}" for name in MODULES]
TENSORS = {
    **{f"{p}.lora_down.weight": torch.arange(12.0).reshape(2, 6) for p in PREFIXES},
    **{f"{p}.lora_up.weight": torch.arange(8.0).reshape(4, 2) for p in PREFIXES},
    **{f"{p}.alpha": torch.tensor(2.0) for p in PREFIXES},
}
WHOLE = save(TENSORS, {"gooddrag_modules": "\n".join(MODULES), "gooddrag_fingerprint": "f"})


@pytest.fixture(scope="module")
def folder():
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


@given(cut(WHOLE) | st.binary(max_size=300))
def test_loras(folder, data):
    path = folder / "a.safetensors"
    path.write_bytes(data)
    try:
        lora = LoRA.load(path)
    except ValueError as error:
        in_words(error)
        return
    for down, up in lora.weights.values():
        assert torch.isfinite(down).all()
        assert torch.isfinite(up).all()


shapes = st.lists(st.integers(0, 3), max_size=3)
kinds = st.sampled_from([torch.float32, torch.float16, torch.int64, torch.bool, torch.float8_e4m3fn])


@given(
    st.dictionaries(st.sampled_from([*TENSORS]) | st.text("ab._", max_size=9), st.tuples(shapes, kinds), max_size=6),
    st.dictionaries(st.sampled_from(["gooddrag_modules", "gooddrag_fingerprint", "format"]), st.text(max_size=30)),
)
def test_loras_of_other_layers(folder, tensors, metadata):
    path = folder / "b.safetensors"
    given_ = {**TENSORS, **{n: torch.zeros(s).to(k) for n, (s, k) in tensors.items()}}
    try:
        path.write_bytes(save(given_, {"gooddrag_modules": "\n".join(MODULES), **metadata}))
    except Exception:  # names and numbers that safetensors itself does not write
        return
    try:
        LoRA.load(path)
    except ValueError as error:
        in_words(error)


def png(size=(96, 64)) -> bytes:
    data = io.BytesIO()
    Image.new("RGB", size, (10, 20, 30)).save(data, "PNG")
    return data.getvalue()


def sample(folder: Path, **files: bytes) -> None:
    """The sample, and nothing else, in the folder; it loads or is refused in words."""
    place = folder / "set" / "kind" / "one"
    place.mkdir(parents=True, exist_ok=True)
    for path in place.iterdir():
        path.unlink()
    for name, data in files.items():
        (place / name.replace("_dot_", ".")).write_bytes(data)
    (entry,) = datasets.opened(str(folder / "set"))
    try:
        found = entry.load()
    except ValueError as error:
        in_words(error)
        return
    assert found.picture.shape == (64, 96, 3)
    assert found.mask is None or found.mask.shape == (64, 96)


points = st.lists(st.lists(numbers, min_size=2, max_size=2), max_size=6)


@given(
    st.fixed_dictionaries({"points": points | anything}, optional={"prompt": words | anything}) | anything,
    st.booleans(),
)
def test_samples_of_drag100(folder, data, masked):
    mask = {"mask_dot_png": png((5, 7))} if masked else {}
    sample(folder, original_dot_png=png(), points_dot_json=json.dumps(data).encode(), **mask)


@given(st.binary(max_size=200) | bent().map(lambda text: text.encode("utf-8", "surrogatepass")), cut(png()))
def test_samples_that_are_damaged(folder, data, mask):
    sample(folder, original_dot_png=png(), points_dot_json=data, mask_dot_png=mask)


@given(st.fixed_dictionaries({"source": points, "target": points}, optional={"prompt": anything}) | anything)
def test_samples_of_dragbench_sr(folder, data):
    sample(folder, origin_image_dot_png=png(), prompt_dot_json=json.dumps(data).encode(), mask_dot_png=png())


class Runs:
    """Pickles into a call."""

    def __reduce__(self):
        return (Path.touch, (Path("/tmp/gooddrag-was-here"),))


PICKLED = pickle.dumps({"points": [[1, 2], [3, 4]], "mask": np.ones((64, 96), np.uint8), "prompt": "a cat"})


@given(
    st.fixed_dictionaries({"points": points | anything}, optional={"mask": anything, "prompt": anything}).map(
        pickle.dumps
    )
    | anything.map(pickle.dumps)
    | cut(PICKLED)
    | cut(pickle.dumps({"points": [Runs()]}))
)
def test_samples_of_dragbench_dr(folder, data):
    sample(folder, original_image_dot_png=png(), meta_data_dot_pkl=data)
    assert not Path("/tmp/gooddrag-was-here").exists()


def test_a_pickle_that_runs_something_is_refused(tmp_path):
    (tmp_path / "a.pkl").write_bytes(pickle.dumps({"points": Runs()}))
    with pytest.raises(ValueError, match="a.pkl is refused .it asks for "):
        plain(tmp_path / "a.pkl")


@given(cut(png()) | st.binary(max_size=100))
@settings(max_examples=300)
def test_pictures(folder, data):
    path = folder / "a.png"
    path.write_bytes(data)
    try:
        pictures.read(str(path), "picture", lambda sentence: None)
    except ValueError as error:
        in_words(error)


@given(
    st.lists(cut(b'{"key": "k", "sample": "a", "method": "warp", "ratio": 0.5}\n') | st.binary(max_size=40), max_size=4)
)
def test_rows_of_a_run(folder, lines):
    place = folder / "rows"
    place.mkdir(exist_ok=True)
    (place / "results.jsonl").write_bytes(b"".join(lines))
    for row in Rows(place, "k").read():
        assert row["key"] == "k"
        assert {"sample", "method"} <= set(row)
