"""Every form of dataset is read, and what is malformed or hostile is named."""

import json
import pickle
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gooddrag.bench.datasets import opened

DRAG100 = Path(__file__).parent.parent.parent.parent / "shared" / "data" / "drag100"
POINTS = [[10, 12], [40, 30]]


@pytest.fixture
def folder(tmp_path):
    picture = Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 80, 3), dtype=np.uint8))
    mask = Image.new("L", (80, 64), 255)
    for name in ("cat_0", "dr/one", "sr/two", "broken"):
        (tmp_path / name).mkdir(parents=True)
    for name, file in (
        ("cat_0", "original"),
        ("dr/one", "original_image"),
        ("sr/two", "origin_image"),
        ("broken", "original"),
    ):
        picture.save(tmp_path / name / f"{file}.png")
        mask.save(tmp_path / name / "mask.png")
    (tmp_path / "cat_0" / "points.json").write_text(json.dumps({"points": POINTS}))
    picture.save(tmp_path / "cat_0" / "target.png")
    meta = {"prompt": "a cat", "points": POINTS, "mask": np.ones((64, 80), np.uint8)}
    (tmp_path / "dr" / "one" / "meta_data.pkl").write_bytes(pickle.dumps(meta))
    told = {"prompt": "a cat", "source": POINTS[:1], "target": POINTS[1:]}
    (tmp_path / "sr" / "two" / "prompt.json").write_text(json.dumps(told))
    (tmp_path / "broken" / "points.json").write_text('{"points": [[1, 2]]}')
    return tmp_path


def test_all_forms_in_one_folder(folder):
    dataset = opened(str(folder))
    assert [(e.name, e.kind) for e in dataset] == [
        ("broken", "broken"),
        ("cat_0", "cat"),
        ("dr/one", "dr"),
        ("sr/two", "sr"),
    ]
    for name in ("cat_0", "dr/one", "sr/two"):
        sample = dataset[name].load()
        assert (sample.points.handles, sample.points.targets) == (((10, 12),), ((40, 30),))
        assert sample.mask.all()
    assert dataset["cat_0"].load().truth is not None
    assert dataset["dr/one"].load().prompt == "a cat"
    with pytest.raises(ValueError, match="an even number"):
        dataset["broken"].load()


def test_a_pickle_that_would_run_something_is_refused(folder, tmp_path):
    class Hostile:
        def __reduce__(self):
            return (Path.touch, (tmp_path / "ran",))

    (folder / "dr" / "one" / "meta_data.pkl").write_bytes(pickle.dumps({"points": Hostile()}))
    with pytest.raises(ValueError, match="no number, text or array"):
        opened(str(folder))["dr/one"].load()
    assert not (tmp_path / "ran").exists()


def test_a_folder_without_samples_says_what_is_looked_for(tmp_path):
    with pytest.raises(ValueError, match=r"points\.json"):
        opened(str(tmp_path))
    with pytest.raises(ValueError, match="is no folder"):
        opened(str(tmp_path / "none"))


def test_the_demo_world_has_108_drags_a_third_of_them_long():
    plain, shifted = opened("demo"), opened("demo", shift=True)
    assert len(plain) == len(shifted) == 108
    assert sum(e.kind.startswith("long ") for e in plain) == 36
    one, other = plain.entries[0].load(), shifted.entries[0].load()
    assert np.array_equal(one.picture[..., ::-1], other.picture)
    assert np.array_equal(one.truth[..., ::-1], other.truth)
    assert np.array_equal(one.rendered(1.0), one.truth)


@pytest.mark.skipif(not DRAG100.is_dir(), reason="the Drag100 data are not here")
def test_drag100_is_read_whole():
    assert all(e.load().points for e in opened(str(DRAG100)))


def test_what_is_transparent_in_a_mask_was_not_painted(folder):
    mask = Image.new("RGBA", (80, 64), (255, 255, 255, 0))
    mask.paste((255, 255, 255, 255), (0, 0, 40, 64))
    mask.save(folder / "cat_0" / "mask.png")
    painted = opened(str(folder))["cat_0"].load().mask
    assert painted[:, :40].all()
    assert not painted[:, 40:].any()
