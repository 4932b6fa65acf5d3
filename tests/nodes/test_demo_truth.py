"""The truth of a demo scene is shown while it applies, and no longer."""

import pytest
import torch

pytest.importorskip("comfy", reason="COMFYUI_DIR is not set; python3 dev.py test nodes sets it")


def test_truth_belongs_to_the_scenes_own_drag_only(run, demo):
    given = {"truth": demo["truth"], "suggestion": demo["points"]}
    assert torch.equal(run("GoodDrag_DemoTruth", points=demo["points"], **given)[0], demo["truth"])
    (variants,) = run("GoodDrag_Variants", points=demo["points"], count=3)
    assert torch.equal(run("GoodDrag_DemoTruth", points=variants, **given)[0], demo["truth"])
    own = run("GoodDrag_Points", image=demo["image"], points="[[[10, 20], [30, 40]]]", suggestion=demo["points"])[0]
    (words,) = run("GoodDrag_DemoTruth", points=own, **given)
    assert words.shape == demo["truth"].shape
    assert not torch.equal(words, demo["truth"])
    assert 0.01 < (words > 0.5).float().mean() < 0.3  # a text on a dark ground


def test_what_is_no_picture_is_refused(run, demo):
    own = run("GoodDrag_Points", image=demo["image"], points="[[[60, 60], [90, 60]]]")[0]
    for truth, message in {
        (torch.rand(64, 64)): "`truth` is 64x64, which is no IMAGE",
        (torch.rand(0, 64, 64, 3)): "`truth` holds no picture",
    }.items():
        with pytest.raises(ValueError, match=message):
            run("GoodDrag_DemoTruth", truth=truth, suggestion=demo["points"], points=own)
