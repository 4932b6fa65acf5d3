"""An edit in numbers: the same as the benchmark's, whatever size or batch it comes in."""

import pytest
import torch

pytest.importorskip("comfy", reason="COMFYUI_DIR is not set; python3 dev.py test nodes sets it")


@pytest.fixture
def given(demo):
    return {"image": demo["image"], "points": demo["points"], "mask": demo["mask"]}


def test_the_numbers_are_the_metrics_own(execute, demo, given, part):
    (*values, text), said = execute("GoodDrag_Score", **given, edited=demo["truth"])
    metrics, gammas = part("gooddrag.bench.metrics"), part("gooddrag.bench.metrics.dai").GAMMAS
    a, b = demo["image"][0].numpy(), demo["truth"][0].numpy()
    p, q = demo["points"].handles, demo["points"].targets
    assert values[:4] == [metrics.dai(a, b, p, q, gamma) for gamma in gammas]
    kept = demo["mask"][0].numpy() == 0
    assert values[4] == pytest.approx(255 * abs(a - b)[kept].mean())
    assert values[5] == metrics.ssim(a, b) or "LPIPS" in text
    assert said == [text]
    assert f"DAI {values[0]:.4f} (1)" in text


def test_the_truth_arrived_and_no_edit_did_not(run, demo, given):
    true, none = (run("GoodDrag_Score", **given, edited=demo[k]) for k in ("truth", "image"))
    assert true[0] < 0.5 * none[0]
    assert (none[4], none[5]) == (0, 1)


def test_of_a_batch_the_means_and_a_line_each(execute, demo, given, run):
    both = torch.cat([demo["truth"], demo["image"]])
    (*values, text), _ = execute("GoodDrag_Score", **given, edited=both)
    single = [run("GoodDrag_Score", **given, edited=demo[k]) for k in ("truth", "image")]
    assert values == pytest.approx([sum(v) / 2 for v in zip(*(s[:-1] for s in single))])
    assert [line.partition(":")[0] for line in text.splitlines()] == ["1", "2", "Mean"]


def test_variants_are_measured_by_their_own_arrows(run, demo, given):
    (variants,) = run("GoodDrag_Variants", points=demo["points"], count=2, shortest=0.5, longest=1)
    both = torch.cat([demo["image"], demo["image"]])
    *_, text = run("GoodDrag_Score", **(given | {"points": variants}), edited=both)
    first, second, _ = text.splitlines()
    assert first.partition(" ")[2] != second.partition(" ")[2]
    with pytest.raises(ValueError, match="`edited` holds 3 pictures but `points` 2 drags"):
        run("GoodDrag_Score", **(given | {"points": variants}), edited=torch.cat([both, demo["image"]]))


def test_another_size_is_measured_in_that_of_the_original(execute, demo, given):
    large = torch.nn.functional.interpolate(demo["truth"].movedim(-1, 1), scale_factor=2, mode="bicubic").movedim(1, -1)
    (*values, _), said = execute("GoodDrag_Score", **given, edited=large.clamp(0, 1))
    (*own, _), _ = execute("GoodDrag_Score", **given, edited=demo["truth"])
    assert values[:4] == pytest.approx(own[:4], rel=0.1, abs=0.01)
    assert values[4:] == pytest.approx(own[4:], abs=1)  # enlarging and shrinking is not nothing
    assert "`edited` is measured in the size of `image`, 256x256." in said
    with pytest.raises(ValueError, match="`edited` is 256x128 but `image` 256x256, which has another shape"):
        execute("GoodDrag_Score", **given, edited=demo["truth"][:, :128])


def test_without_a_mask_there_is_no_outside(run, demo, given):
    from comfy_execution.graph_utils import ExecutionBlocker

    *values, text = run("GoodDrag_Score", image=given["image"], points=given["points"], edited=demo["truth"])
    assert isinstance(values[4], ExecutionBlocker)
    assert "connect `mask`" in values[4].message
    assert "outside" not in text
    *values, text = run("GoodDrag_Score", **{**given, "mask": torch.ones(1, 256, 256)}, edited=demo["truth"])
    assert "it is white everywhere" in values[4].message


def test_the_vaes_part_is_left_out_with_a_source(run, demo, given):
    rough = (demo["image"] + 0.05).clamp(0, 1)
    assert run("GoodDrag_Score", **given, edited=rough)[4] > 5
    assert run("GoodDrag_Score", **given, edited=rough, source=rough)[4] == 0


def test_what_cannot_be_measured(run, demo, given, part):
    anchors = part("gooddrag.picture.geometry").DragPoints(((5, 5),), ((5, 5),), 256, 256)
    with pytest.raises(ValueError, match="no arrow, only pins"):
        run("GoodDrag_Score", **(given | {"points": anchors}), edited=demo["truth"])
    with pytest.raises(ValueError, match="`image` holds 2 pictures"):
        run("GoodDrag_Score", **(given | {"image": demo["image"].repeat(2, 1, 1, 1)}), edited=demo["truth"])
