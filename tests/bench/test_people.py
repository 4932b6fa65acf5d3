"""Ranks against closed forms, rankings by people, and the blind page and its answers."""

import json

import numpy as np
import pytest
from finished_run import METHODS, SAMPLES, make

from gooddrag.bench import people, study
from gooddrag.bench.gscore.scoring import FILE
from gooddrag.bench.metrics.ranks import by_picture, ranked, spearman
from gooddrag.command import main


def test_spearman_is_equation_12_where_no_values_are_equal():
    rng = np.random.default_rng(0)
    for n in (2, 3, 5, 9):
        a, b = rng.permutation(n), rng.permutation(n)
        assert spearman(10.0**a, b - 4.5) == pytest.approx(1 - 6 * np.sum((a - b) ** 2) / (n * (n**2 - 1)))


def test_equal_values_share_a_rank():
    assert ranked([3, 1, 3, 2]).tolist() == [3.5, 1, 3.5, 2]
    assert spearman([1, 1, 2], [1, 2, 3]) == pytest.approx(np.sqrt(3) / 2)  # by hand
    assert np.isnan(spearman([1, 1], [1, 2]))
    with pytest.raises(ValueError, match="2 and 3 values"):
        spearman([1, 2], [1, 2, 3])


def test_a_metric_that_tells_nothing_apart_agrees_by_nothing():
    truth = {"a": {"x": 1, "y": 2, "z": 3}, "b": {"x": 1, "y": 1, "z": 1}, "c": {"x": 1, "y": 2, "z": 3}}
    metric = {"a": {"x": 5, "y": 5, "z": 5}, "b": {"x": 1, "y": 2, "z": 3}, "c": {"x": 1, "y": 3}}
    assert by_picture(truth, metric) == {"a": 0.0}
    assert by_picture(truth, metric, least=2) == {"a": 0.0, "c": 1.0}


def rankings(path, order, persons=("ann", "bob"), delimiter=","):
    lines = [["Person", "Sample", "Method", "Rank"]]
    lines += [[p, s, m, order.index(m) + 1] for p in persons for s in SAMPLES for m in METHODS]
    path.write_text("\n".join(delimiter.join(map(str, line)) for line in lines), encoding="utf-8-sig")
    return path


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_metrics_that_order_as_people_do_and_as_they_do_not(tmp_path, delimiter):
    run = make(tmp_path)
    agrees = people.agreement(people.read(rankings(tmp_path / "p.csv", METHODS, delimiter=delimiter), run), run)
    assert "| dai_1 | +1.00 [+1.00, +1.00] | 4 |" in agrees
    assert "| psnr | +0.00 [+0.00, +0.00] | 4 |" in agrees
    assert "| a person, with the mean of the others | +1.00 [+1.00, +1.00] | 8 |" in agrees
    assert "seconds" not in agrees
    against = people.agreement(people.read(rankings(tmp_path / "q.csv", METHODS[::-1]), run), run)
    assert "| dai_1 | -1.00 [-1.00, -1.00] | 4 |" in against


def test_gscore_is_a_metric_among_the_others(tmp_path):
    run = make(tmp_path)
    row = {"asked": {"judge": "j", "edits": "key"}, "run": 0, "order": METHODS, "scores": [9, 7, 2]}
    (run.folder / FILE).write_text("".join(json.dumps(row | {"sample": s}) + "\n" for s in SAMPLES))
    assert main(["ranks", str(run.folder), "--people", str(rankings(tmp_path / "p.csv", METHODS))]) == 0
    assert "| GScore by j | +1.00 [+1.00, +1.00] | 4 |" in (run.folder / "ranks.md").read_text()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no column sample, method, rank"),
        ("sample,method\ncat_0,warp", "no column rank"),
        ("sample,method,rank", "no rankings"),
        ("sample,method,rank\ncat_0,warp,first", "line 2: the rank is 'first'"),
        ("sample,method,rank\ncat_0,warp,0", "line 2: the rank is '0'"),
        ("sample,method,rank\ncat_0,warp,1\ncat_9,warp,1", "line 3: there is no sample 'cat_9'"),
        ("sample,method,rank\ncat_0,drag,1", "no method 'drag'"),
        ("sample,method,rank\ncat_0,warp,1\ncat_0,warp,2", "line 3: somebody ranks warp of cat_0 twice"),
        ("sample,method,rank\ncat_0", "line 2"),
    ],
)
def test_a_csv_that_cannot_be_read_names_its_line(tmp_path, text, says, capfd):
    run = make(tmp_path)
    (tmp_path / "p.csv").write_text(text)
    assert main(["ranks", str(run.folder), "--people", str(tmp_path / "p.csv")]) == 2
    assert says in capfd.readouterr().err


def test_the_page_does_not_say_what_made_a_picture_and_its_answers_do(tmp_path):
    run = make(tmp_path)
    page = tmp_path / "page.html"
    assert main(["study", str(run.folder), "--page", str(page), "--samples", "3", "--question", "accuracy"]) == 0
    html = page.read_text()
    assert not any(name in html.lower() for name in (*METHODS, *SAMPLES, str(tmp_path)) if name != "gooddrag")
    assert html.lower().count("gooddrag") == 1  # where the browser keeps the answers
    data = json.loads(html.partition('id="data">')[2].partition("</script>")[0])
    assert [len(s["results"]) for s in data["samples"]] == [3, 3, 3]
    codes = json.loads((run.folder / study.KEY).read_text())[0]["codes"]
    assert len(codes) == 9
    ranks = {code: METHODS.index(method) + 1 for code, (_, method) in codes.items()}
    files = []
    for person in ("ann", "bob"):
        files.append(tmp_path / f"{person}.json")
        files[-1].write_text(json.dumps({"study": data["study"], "person": person, "ranks": ranks}))
    assert main(["study", str(run.folder), "--answers", *map(str, files)]) == 0
    assert main(["ranks", str(run.folder), "--people", str(run.folder / "people.csv")]) == 0
    told = (run.folder / "ranks.md").read_text()
    assert "Accuracy: agreement with 2 people, 3 pictures" in told
    assert "| dai_1 | +1.00 [+1.00, +1.00] | 3 |" in told


def test_answers_that_belong_elsewhere_are_named(tmp_path, capfd):
    run = make(tmp_path)
    answers = tmp_path / "a.json"
    answers.write_text("{}")
    assert main(["study", str(run.folder), "--answers", str(answers)]) == 2
    assert "no ranking page was made" in capfd.readouterr().err
    assert main(["study", str(run.folder), "--page", str(tmp_path / "page.html")]) == 0
    for text, says in (
        ("{}", "no file of answers"),
        ('{"study": "x", "person": "a", "ranks": {"b": 1}}', "another page"),
    ):
        answers.write_text(text)
        assert main(["study", str(run.folder), "--answers", str(answers)]) == 2
        assert says in capfd.readouterr().err
