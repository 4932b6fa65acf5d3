"""GScore against a server on this machine that behaves as servers do: it answers, rambles, refuses, limits, and is silent."""

import base64
import io
import json
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
from finished_run import METHODS, make
from PIL import Image

from gooddrag import DragPoints
from gooddrag.bench.gscore import FILE, Asked, Endpoint, Refused, Unreachable, report, score
from gooddrag.bench.gscore.question import question, read
from gooddrag.bench.gscore.scoring import judged as scored
from gooddrag.bench.gscore.scoring import means
from gooddrag.bench.rows import append
from gooddrag.bench.sample import Sample
from gooddrag.command import main

KEY = "sk-very-secret-17"


class Server:
    """Answers with what ``replies`` gives next, the last of them for ever: a text, or a function that writes its own answer."""

    def __init__(self, *replies):
        self.replies, self.asked = list(replies), []

    def next(self):
        return self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]


def openai(text):
    return {"choices": [{"message": {"content": text}}]}


def gemini(text):
    return {"candidates": [{"content": {"parts": [{"text": text}]}}]}


def status(code, body="", **headers):
    def answer(handler):
        handler.send_response(code)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(body.encode())

    return answer


@contextmanager
def serving(server):
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            server.asked.append((self.path, dict(self.headers), body))
            reply = server.next()
            reply = reply(body) if callable(reply) and reply.__name__ == "judged" else reply
            if callable(reply):
                return reply(self)
            return status(200, json.dumps(reply), Content_Type="application/json")(self)

        def log_message(self, *_):
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=http.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{http.server_port}/v1"
    finally:
        http.shutdown()
        http.server_close()


def judged(body):
    """By how bright a result is: what a judge says depends on the pictures and not on their order."""
    content = body["messages"][0]["content"]
    scores, letter = {}, None
    for part in content:
        if part["type"] == "text":
            letter = part["text"].removeprefix("Result ").rstrip(":") if part["text"].startswith("Result ") else None
        elif letter:
            png = base64.b64decode(part["image_url"]["url"].partition(",")[2])
            scores[letter] = round(float(np.asarray(Image.open(io.BytesIO(png))).mean()) / 25.5, 3)
    return openai(json.dumps(scores))


def endpoint(url, api="openai", **changes):
    waits = []
    made = Endpoint(api, "judge-1", url, changes.pop("key", KEY), **{"timeout": 5.0, "sleep": waits.append, **changes})
    return made, waits


# what is asked and how replies are read


def test_the_judge_is_told_the_drag_and_never_a_method(tmp_path):
    run = make(tmp_path)
    parts = question(run.samples["cat_1"].load(), [run.picture(m, "cat_1") for m in METHODS])
    words = " ".join(p for p in parts if isinstance(p, str))
    assert "from (20, 20) to (40, 31)" in words
    assert '{"A": 5.0, "B": 5.5, "C": 6.0}' in words
    assert sum(isinstance(p, bytes) for p in parts) == 2 + len(METHODS)
    assert not any(name in words.lower() for name in ("gooddrag", "diffusion", "warp"))


def test_arrows_are_told_in_pixels_of_the_picture_that_is_sent():
    picture = np.zeros((1536, 2048, 3), np.uint8)
    sample = Sample("a", picture, DragPoints.from_pairs([((1500, 100), (1800, 700))], 2048, 1536))
    parts = question(sample, [picture, picture])
    words = " ".join(p for p in parts if isinstance(p, str))
    assert "1024 x 768 pixels" in words
    assert "from (750, 50) to (900, 350)" in words
    assert {Image.open(io.BytesIO(p)).size for p in parts if isinstance(p, bytes)} == {(1024, 768)}


@pytest.mark.parametrize(
    "reply",
    [
        '{"A": 1, "B": 10}',
        ' {"B":10,"A":1.0}\n',
        '```json\n{"A": 1, "B": 10}\n```',
        '```{"A":1,"B":10}```',
        '<think>{A}?\nno</think>\n{"A": 1, "B": 10}',
    ],
)
def test_replies_that_are_read(reply):
    assert read(reply, 2) == [1, 10]


@pytest.mark.parametrize(
    ("reply", "says"),
    [
        ("A is better than B: 7 and 5", "no JSON object"),
        ('Sure! {"A": 1, "B": 2}', "no JSON object"),
        ("", "no JSON object"),
        ("[1, 2]", "does not rate A, B"),
        ('{"A": 1}', "does not rate A, B"),
        ('{"A": 1, "B": 2, "C": 3}', "does not rate A, B"),
        ('{"a": 1, "b": 2}', "does not rate A, B"),
        ('{"A": 1, "B": "7"}', "B is '7'"),
        ('{"A": 1, "B": 11}', "B is '11'"),
        ('{"A": -1, "B": 1}', "A is '-1'"),
        ('{"A": true, "B": 1}', "A is 'True'"),
        ('{"A": NaN, "B": 1}', "A is 'nan'"),
        ('{"A": null, "B": 1}', "A is 'None'"),
        ('{"A": 1, "A": 2, "B": 1}', "rates a letter twice"),
        ('{"A": 1} <think>B?</think> {"A": 1, "B": 2}', "no JSON object"),
        ("[" * 100_000, "no JSON object"),
    ],
)
def test_replies_that_are_not(reply, says):
    with pytest.raises(ValueError, match=says):
        read(reply, 2)


def test_every_method_comes_first_about_equally_often():
    asked = Asked("judge", METHODS, "key", runs=9)
    orders = [asked.order("cat_0", run) for run in range(9)]
    assert orders == [asked.order("cat_0", run) for run in range(9)]
    assert all(sorted(order) == sorted(METHODS) for order in orders)
    assert {m: sum(o[0] == m for o in orders) for m in METHODS} == dict.fromkeys(METHODS, 3)
    assert len({tuple(o) for o in orders}) > 3
    assert len({tuple(asked.order(f"cat_{i}", 0)) for i in range(20)}) > 3


# the server


def test_openai_and_gemini_are_asked_in_their_forms():
    for api, reply, header in (("openai", openai("yes"), "Authorization"), ("gemini", gemini("yes"), "X-goog-api-key")):
        server = Server(reply)
        with serving(server) as url:
            made, _ = endpoint(url, api)
            assert made.ask(["words", b"png"]) == "yes"
        path, headers, body = server.asked[0]
        assert path == {"openai": "/v1/chat/completions", "gemini": "/v1/models/judge-1:generateContent"}[api]
        assert KEY in {k.lower(): v for k, v in headers.items()}[header.lower()]
        told = json.dumps(body)
        assert KEY not in told
        assert "words" in told
        assert base64.b64encode(b"png").decode() in told


def test_a_busy_server_is_asked_again_after_as_long_as_it_says():
    server = Server(status(429, "slow down", Retry_After="7"), status(503), status(500), openai("yes"))
    with serving(server) as url:
        made, waits = endpoint(url)
        assert made.ask(["?"]) == "yes"
    assert waits == [7.0, 14.0, 28.0]


def test_a_server_that_never_has_time_ends_the_run():
    with serving(Server(status(429, Retry_After="Thu, 01 Jan 2099 00:00:00 GMT"))) as url:
        made, waits = endpoint(url)
        with pytest.raises(Unreachable, match=r"after 5 attempts.*429"):
            made.ask(["?"])
    assert waits == [2, 4, 8, 16]


@pytest.mark.parametrize("code", [400, 401, 403, 404])
def test_what_asking_again_would_not_mend_is_told_at_once_without_the_key(code):
    server = Server(status(code, f"the key {KEY} is wrong"))
    with serving(server) as url:
        made, waits = endpoint(url)
        with pytest.raises(Unreachable) as told:
            made.ask(["?"])
    assert str(code) in str(told.value)
    assert KEY not in str(told.value)
    assert KEY not in repr(made)
    assert not waits


def test_a_silent_server_is_given_up():
    def silent(handler):
        time.sleep(0.6)

    with serving(Server(silent)) as url:
        made, _ = endpoint(url, timeout=0.1, attempts=2)
        with pytest.raises(Unreachable, match="after 2 attempts.*timed out"):
            made.ask(["?"])


@pytest.mark.parametrize(
    ("reply", "says"),
    [
        (status(200, "<html>"), "another form"),
        (status(200, "[]"), "another form"),
        ({"choices": []}, "another form"),
        (lambda handler: handler.connection.close(), "after 2 attempts"),
    ],
)
def test_what_is_no_answer_of_this_api(reply, says):
    with serving(Server(reply)) as url, pytest.raises(Unreachable, match=says):
        endpoint(url, attempts=2)[0].ask(["?"])


@pytest.mark.parametrize(
    ("api", "reply"),
    [
        ("openai", {"choices": [{"message": {"content": None}}]}),
        ("openai", {"choices": [{"message": {"content": None, "refusal": "I cannot judge this"}}]}),
        ("gemini", {"promptFeedback": {"blockReason": "SAFETY"}}),
        ("gemini", {"candidates": [{"finishReason": "SAFETY"}]}),
    ],
)
def test_a_refusal_is_no_failure_of_the_server(api, reply):
    with serving(Server(reply)) as url, pytest.raises(Refused, match="judge this|SAFETY|without words"):
        endpoint(url, api)[0].ask(["?"])


def test_a_key_is_not_carried_to_another_server():
    elsewhere = Server(openai("yes"))
    with serving(elsewhere) as other:
        away = Server(status(307, Location=f"{other}/chat/completions"))
        with serving(away) as url, pytest.raises(Unreachable, match="307"):
            endpoint(url)[0].ask(["?"])
    assert not elsewhere.asked


@pytest.mark.parametrize(
    ("url", "key", "says"),
    [
        ("http://example.org/v1", KEY, "https"),
        ("ftp://example.org", "", "is none"),
        ("example.org/v1", "", "is none"),
        ("https://me:secret@example.org", "", "no key or name"),
        ("https://example.org/v1?key=abc", "", "no key or name"),
        ("", "nöt ascii", "characters"),
        ("", "two\nlines", "characters"),
    ],
)
def test_addresses_and_keys_that_would_leak_or_fail(url, key, says):
    with pytest.raises(ValueError, match=says) as told:
        Endpoint("openai", "judge", url, key)
    assert not key or key not in str(told.value)


# a whole run


def test_scores_are_those_of_the_pictures_whatever_their_order(tmp_path):
    run, server = make(tmp_path), Server(judged)
    asked = Asked("judge-1", METHODS, "key", runs=4)
    with serving(server) as url:
        rows = score(run, endpoint(url)[0], asked)
        assert len(server.asked) == 16
        assert score(run, endpoint(url)[0], asked) == rows
        assert len(server.asked) == 16  # all of it was known
    of = means(rows)
    assert {m: of[m]["cat_1"] for m in METHODS} == pytest.approx(
        {"gooddrag": 1 / 25.5, "dragdiffusion": 41 / 25.5, "warp": 81 / 25.5}, abs=1e-3
    )
    assert len({tuple(r["order"]) for r in rows}) > 3
    told = report(rows, asked)
    assert "| the inverted latent warped once, as FastDrag does | 4 | 3.20 [" in told
    assert "| +3.14 [+3.14, +3.14] |" in told
    assert "deviates by 0.00" in told
    assert KEY not in (run.folder / FILE).read_text() + told


def test_one_question_without_an_answer_does_not_stop_the_rest(tmp_path):
    rambles = openai("As a large model I find all of them lovely.")
    refuses = {"choices": [{"message": {"content": None, "refusal": "no"}}]}
    run, server = make(tmp_path), Server(rambles, rambles, rambles, refuses, refuses, refuses, judged)
    asked = Asked("judge-1", METHODS, "key", runs=2)
    with serving(server) as url:
        rows = score(run, endpoint(url)[0], asked)
    errors = [r["error"] for r in rows if "error" in r]
    assert len(errors) == 2
    assert "all of them lovely" in errors[0]
    assert errors[1] == "refused: no"
    assert "2 of 8 questions have no answer" in report(rows, asked)


def test_the_command_goes_on_and_keeps_the_key_to_itself(tmp_path, monkeypatch, capfd):
    run = make(tmp_path)
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    with serving(Server(judged, judged, judged, status(401, KEY))) as url:
        told = ["gscore", str(run.folder), "--judge", "j", "--api", "openai", "--url", url, "--runs", "1"]
        assert main(told) == 1
    assert "goes on" in capfd.readouterr().err
    server = Server(judged)
    with serving(server) as url:
        told[told.index("--url") + 1] = url
        assert main(told) == 0
    assert len(server.asked) == 1
    assert all(KEY not in p.read_text() for p in run.folder.glob("gscore*"))
    said = capfd.readouterr()
    assert KEY not in said.err + said.out
    assert "# GScore by j" in (run.folder / "gscore.md").read_text()
    assert main(["figures", "table-2", "--rows", str(run.folder), "--out", str(tmp_path / "t")]) == 0
    assert "| GoodDrag | 4 | 0.06 [" in (tmp_path / "t" / "table-2.md").read_text()


def test_the_command_says_that_it_waits(tmp_path, monkeypatch, capfd):
    run = make(tmp_path)
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    waited = []
    monkeypatch.setattr("gooddrag.command.gscore.time.sleep", waited.append)
    with serving(Server(status(503), judged)) as url:
        told = ["gscore", str(run.folder), "--judge", "j", "--api", "openai", "--url", url, "--runs", "1"]
        assert main(told) == 0
    assert len(waited) == 1
    assert f"asking again in {waited[0]:.0f} s" in capfd.readouterr().err


def test_scores_of_other_settings_in_the_same_folder_are_left_alone(tmp_path, monkeypatch, capfd):
    run = make(tmp_path)
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    server = Server(judged)
    with serving(server) as url:
        told = ["gscore", str(run.folder), "--judge", "j", "--api", "openai", "--url", url, "--runs", "1"]
        assert main(told) == 0
        file = run.folder / FILE
        others = [json.loads(line) for line in file.read_text().splitlines()]
        others = [r | {"asked": r["asked"] | {"edits": "of others"}, "scores": [9, 9, 9]} for r in others]
        append(file, others)
        assert main(told) == 0
    assert len(server.asked) == len(others)
    assert main(["figures", "table-2", "--rows", str(run.folder), "--out", str(tmp_path / "t")]) == 0
    assert "| GoodDrag | 4 | 0.06 [" in (tmp_path / "t" / "table-2.md").read_text()
    assert len(scored(run)) == len(others)
    file.write_text("".join(json.dumps(r) + "\n" for r in others))
    assert not scored(run)
    assert main(["figures", "table-2", "--rows", str(run.folder), "--out", str(tmp_path / "t")]) == 2
    assert "of other edits than those that were run last" in capfd.readouterr().err
    file.write_text("".join(json.dumps(r | {"asked": {"judge": "j"}}) + "\n" for r in others))
    with serving(server) as url:
        told[told.index("--url") + 1] = url
        assert main(told) == 0
    assert f"{len(others)} answers in gscore.jsonl are of other edits" in "".join(capfd.readouterr())


def test_bad_input_of_the_command(tmp_path, monkeypatch, capfd):
    run = make(tmp_path)
    monkeypatch.delenv("GEMINI_API_KEY", raising=False)
    for told, says in (
        (["gscore", str(run.folder), "--judge", "j"], "set GEMINI_API_KEY"),
        (["gscore", str(tmp_path), "--judge", "j", "--url", "http://localhost:1"], "has no run.json"),
        (["gscore", str(run.folder), "--judge", "j", "--url", "http://localhost:1", "--method", "warp"], "takes two"),
        (
            ["gscore", str(run.folder), "--judge", "j", "--url", "http://localhost:1", "--method", "sde-drag"],
            "was not run",
        ),
    ):
        assert main(told) == 2
        assert says in capfd.readouterr().err
