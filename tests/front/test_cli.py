"""The command line, on the tiny networks of the parity runs."""

import json
import os
import resource
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gooddrag.command import edit as command
from gooddrag.command import main, models, parser
from gooddrag.command.edit import _config
from gooddrag.config import PAPER, PRESETS

ROOT = Path(__file__).parent.parent.parent
TINY = str(ROOT / "tests" / "parity" / "data")
SHORT = ["--preset", "fast", "--lora-steps", "1", "--operations", "2", "--operations-per-step", "1"]


@pytest.fixture
def picture(tmp_path):
    path = tmp_path / "in.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (90, 101, 3), dtype=np.uint8)).save(path)
    return path


def run(picture, *extra, points="30,30>50,40", output="out.png"):
    out = picture.parent / output
    return main(["edit", str(picture), "--points", points, "--model", TINY, "-o", str(out), *SHORT, *extra]), out


def test_writes_a_picture_of_the_same_size_and_a_trace(picture, capsys):
    trace = picture.parent / "trace.json"
    code, out = run(picture, "--trace", str(trace))
    assert code == 0
    assert Image.open(out).size == (101, 90)
    data = json.loads(trace.read_text())
    assert data["trackings"][-1]["operation"] == 2
    text = capsys.readouterr().err
    assert "dragging" in text
    assert "2 drag operations" in text
    assert "\r" not in text  # plain lines when it is no terminal
    assert {p.name for p in picture.parent.iterdir()} == {"in.png", "out.png", "trace.json"}


@pytest.mark.long
def test_same_command_same_picture(picture):
    _, first = run(picture, output="a.png")
    _, second = run(picture, output="b.png")
    assert first.read_bytes() == second.read_bytes()
    _, other = run(picture, "--seed", "5", output="c.png")
    assert first.read_bytes() != other.read_bytes()


@pytest.mark.long
def test_guidance_reaches_inversion_and_drag(picture, monkeypatch):
    """The tiny model knows no words, so that another text stands for a negative prompt."""
    _, plain = run(picture)
    code, same = run(picture, "--guidance", "3", output="same.png")
    assert code == 0
    assert np.abs(np.int16(Image.open(same)) - np.int16(Image.open(plain))).max() <= 1  # both prompts are empty
    load = models.load

    def worded(*args, **options):
        loaded = load(*args, **options)
        texts = iter((loaded.encode_text, lambda prompt, size: loaded.encode_text(prompt, size) + 1))
        return replace(loaded, encode_text=lambda *given: next(texts)(*given))

    monkeypatch.setattr(models, "load", worded)
    _, guided = run(picture, "--guidance", "3", output="guided.png")
    assert guided.read_bytes() != plain.read_bytes()


@pytest.mark.long
def test_by_default_only_the_surroundings_of_the_arrows_change(picture):
    """A constructed case: with a corner far away from a short arrow."""
    large = picture.parent / "large.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (192, 192, 3), dtype=np.uint8)).save(large)
    changed = {}
    for name, extra in {"none": [], "auto": ["--mask", "auto"], "whole": ["--mask", "whole"]}.items():
        code, out = run(large, *extra, "--lora-steps", "0", points="20,20>30,20", output=f"{name}.png")
        assert code == 0
        changed[name] = np.asarray(Image.open(out))
    assert np.array_equal(changed["none"], changed["auto"])
    assert not np.array_equal(changed["auto"], changed["whole"])


def test_mask_of_another_size_is_resized_and_said(picture, capsys):
    mask = picture.parent / "mask.png"
    Image.new("L", (50, 45), 255).save(mask)
    assert run(picture, "--mask", str(mask))[0] == 0
    said = capsys.readouterr().err
    assert "the mask is 50x45, the picture 101x90: the mask was resized" in said
    assert "stretched" not in said
    Image.new("L", (50, 50), 255).save(mask)
    assert run(picture, "--mask", str(mask))[0] == 0
    assert "the mask was resized, which has another shape: it is stretched" in capsys.readouterr().err


def test_that_transparency_is_lost_is_said(picture, capsys):
    with Image.open(picture) as image:
        image.putalpha(255)
        image.save(picture)
        assert run(picture)[0] == 0
        assert "transparent" not in capsys.readouterr().err
        image.putalpha(Image.linear_gradient("L").resize(image.size))
        image.save(picture)
    assert run(picture)[0] == 0
    assert "what is transparent in the picture is taken as white" in capsys.readouterr().err


@pytest.mark.parametrize("mode", ["RGBA", "L", "P", "LA", "CMYK"])
def test_any_kind_of_picture(picture, mode):
    Image.open(picture).convert(mode).save(picture.with_suffix(".tif"))
    code, out = run(picture.with_suffix(".tif"))
    assert code == 0
    assert Image.open(out).mode == "RGB"


def test_what_a_mask_protects_and_a_lora_that_is_not_tuned_are_said(picture, capsys):
    Image.fromarray(np.pad(np.full((30, 30), 255, np.uint8), ((60, 0), (71, 0)))).save(picture.with_name("mask.png"))
    lora = picture.with_name("cat.safetensors")
    code, _ = run(picture, "--mask", str(picture.with_name("mask.png")), "--lora-steps", "0", "--lora", str(lora))
    told = capsys.readouterr().err
    assert code == 0
    assert "under the handle at (30, 30) may not change" in told
    assert "The target at (50, 40) lies where nothing may change" in told
    assert "neither read nor written" in told
    assert not lora.exists()


def test_a_mask_that_is_too_thin_is_refused_before_tuning(picture, capsys):
    thin = np.zeros((90, 101), np.uint8)
    thin[30, 30] = 255
    Image.fromarray(thin).save(picture.with_name("mask.png"))
    assert run(picture, "--mask", str(picture.with_name("mask.png")))[0] == 2
    told = capsys.readouterr().err
    assert "thinner than a latent cell" in told
    assert "tuning" not in told


LONG = "x" * 252 + ".png"
BAD = [
    (["--points", "300,5>1,1"], "handle 1 at (300, 5) lies outside the 101x90 picture"),
    (["--points", "30,30>101,5"], "target 1 at (101, 5) lies outside"),
    (["--points", ""], "no points were given"),
    (["--points", "30,30"], "write it as x,y>x,y"),
    (["--points", "nan,1>2,2"], "not a finite number"),
    (["--points", ";".join(["1,1>2,2"] * 200)], "200 pairs were given, at most 64"),
    (["--mask", "nowhere.png"], "the mask nowhere.png does not exist"),
    (["--operations", "-1"], "operations is -1"),
    (["--no-warp-start", "--warp-from", "3"], "--warp-from does nothing without --warp-start"),
    (["--operations-per-step", "0"], "operations_per_step is 0"),
    (["--lora-steps", "-5"], "lora_steps is -5"),
    (["--lora-steps", str(10**30)], f"lora_steps is {10**30}; it must be a whole number at least 0 and at most 2000"),
    (["--operations", str(10**30)], "it must be a whole number at least 0 and at most 1000"),
    (["--operations-per-step", str(10**30)], "it must be a whole number at least 1 and at most 1000"),
    (["--model", "nowhere"], "the model 'nowhere' does not exist"),
    (["--model", str(ROOT)], "is not a diffusers folder: it has no unet/config.json"),
    (["--model", __file__], "cannot be read as a checkpoint"),
    (["--prompt", "a cat"], "has no text encoder; leave the prompt empty"),
    (["--guidance", "5", "--negative", "a cat"], "has no text encoder; leave the prompt empty"),
    (["--guidance", "0.5"], "--guidance 0.5 is not possible; give 1, which is none, or a number above it"),
    (["--guidance", "nan"], "--guidance nan is not possible"),
    (["--guidance", "inf"], "--guidance inf is not possible"),
    (
        ["--guidance", "1e308"],
        "--guidance 1e+308 is not possible; give 1, which is none, or a number above it up to 30",
    ),
    (["--mask", "Auto"], "the mask Auto does not exist; give a picture, auto or whole"),
    (["--mask", ""], "the mask '' does not exist; give a picture, auto or whole"),
    (["-o", f"/tmp/{LONG}"], f"-o: the name '{'x' * 20}'.. is longer than 255 bytes; give another name"),
    (["--trace", LONG], "--trace: the name 'x"),
    (["--lora", LONG], "--lora: the name 'x"),
    (["--mask", LONG], "--mask: the name 'x"),
    (["-o", "\ud800.png"], r"-o: the name '\ud800.png' holds characters that no name can have; give another name"),
    (["-o", ""], "-o is empty; give the name of a file"),
    (["--negative", "a cat"], "--negative does nothing while --guidance is 1"),
    (["-o", "/nowhere/out.png"], "the folder /nowhere does not exist"),
    (["-o", "out.xyz"], "no picture format has the ending '.xyz'"),
    (["--trace", "/nowhere/t.json"], "--trace /nowhere/t.json: the folder"),
    (["-o", "out.psd"], "Pillow cannot write a 101x90 picture as .psd (it can only read them); use .png"),
    (["-o", "out.xbm"], "Pillow cannot write a 101x90 picture as .xbm"),
    (["-o", "/proc/out.png"], "-o /proc/out.png cannot be written"),
    (["-o", "/dev/null"], "-o /dev/null is no plain file"),
    (["--trace", "/dev/zero"], "--trace /dev/zero is no plain file"),
    (["--device", "nonsense"], "--device nonsense cannot be used"),
    (["--device", "cuda:99"], "--device cuda:99 cannot be used"),
    (["--device", "meta"], "--device meta cannot be used"),
    (["--device", ""], "--device  cannot be used"),
    (["--seed", str(2**64)], f"seed is {2**64}, more than 64 bits; give one from 0 to {2**64 - 1}"),
    (["--seed", "-1"], f"seed is -1, below 0; give one from 0 to {2**64 - 1}"),
    (["--lora", "/nowhere/cat.safetensors"], "--lora /nowhere/cat.safetensors: the folder /nowhere does not exist"),
    (["--lora", "cat\udcff.safetensors"], r"--lora: the name 'cat\udcff.safetensors' holds bytes that are no text"),
    (["--model", "cat\udcff"], r"--model: the name 'cat\udcff' holds bytes that are no text (UTF-8); rename it"),
    (["--mask", "/dev/zero"], "the mask /dev/zero cannot be read as a picture (it is no plain file)"),
]


@pytest.mark.parametrize(("extra", "message"), BAD, ids=lambda value: str(value)[:40])
def test_bad_input_is_exit_code_2_and_one_sentence(picture, extra, message, capsys):
    code, out = run(picture, *extra)
    text = capsys.readouterr().err
    assert code == 2
    assert message in text
    assert text.strip().splitlines()[-1].startswith("error: ")
    assert not out.exists()


def test_bad_pictures(picture, capsys):
    picture.write_bytes(b"nonsense")
    assert run(picture)[0] == 2
    assert "cannot be read as a picture" in capsys.readouterr().err
    Image.new("RGB", (20, 20)).save(picture)
    assert run(picture, points="1,1>9,9")[0] == 2
    assert "20x20; both sides must be at least 64" in capsys.readouterr().err
    assert main(["edit", "no.png", "--points", "1,1>2,2", "-o", "x.png"]) == 2
    assert "the picture no.png does not exist" in capsys.readouterr().err
    assert main(["edit", LONG, "--points", "1,1>2,2", "-o", "x.png"]) == 2
    assert "the picture: the name 'xxxxxxxxxxxxxxxxxxxx'.. is longer than 255 bytes" in capsys.readouterr().err


@pytest.mark.parametrize("grey", [0, 127])
def test_empty_mask(picture, capsys, grey):
    """Black, and what a JPEG or a soft border makes of it."""
    mask = picture.parent / "mask.png"
    Image.new("L", (101, 90), grey).save(mask)
    assert run(picture, "--mask", str(mask))[0] == 2
    assert "the mask is empty: white is what may change" in capsys.readouterr().err


def command_line(picture, *extra, ending="png"):
    out = picture.parent / f"out.{ending}"
    return [sys.executable, "-m", "gooddrag", "edit", str(picture), "--points", "30,30>50,40", "--model", TINY, *extra,
            "-o", str(out)]  # fmt: skip


@pytest.mark.parametrize(
    "ending", ["png", pytest.param("bmp", marks=pytest.mark.long)]
)  # Pillow takes no notice of a BMP that was cut short
def test_no_room_for_the_output_is_exit_code_1_and_leaves_nothing(picture, ending):
    def small_files():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))

    result = subprocess.run(
        command_line(picture, *SHORT, ending=ending), cwd=ROOT, preexec_fn=small_files, capture_output=True, text=True,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    )  # fmt: skip
    assert result.returncode == 1, result.stderr
    assert "the picture could not be written to" in result.stderr
    assert [p.name for p in picture.parent.iterdir()] == ["in.png"]


def test_ctrl_c_leaves_no_file(picture):
    heard = signal.signal(
        signal.SIGINT, signal.default_int_handler
    )  # ignored, and inherited so, by jobs in the background
    try:
        words = command_line(picture, "--lora-steps", "2000")
        process = subprocess.Popen(words, cwd=ROOT, stderr=subprocess.PIPE, text=True)
    finally:
        signal.signal(signal.SIGINT, heard)
    try:
        assert "tuning the LoRA" in process.stderr.readline()
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        _, text = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 130
    assert "cancelled, nothing was written" in text
    assert [p.name for p in picture.parent.iterdir()] == ["in.png"]


@pytest.mark.parametrize("module", ["torch", "gooddrag.command", "gooddrag.demo"])
def test_ctrl_c_while_loading_is_a_sentence(picture, module):
    """The signal comes when a module is looked for: among the package's own imports, and when it is run."""
    script = (
        "import runpy, signal, sys\n"
        "class Now:\n"
        "    def find_spec(self, name, *_):\n"
        f"        if name == {module!r}:\n"
        "            signal.raise_signal(signal.SIGINT)\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "sys.meta_path.insert(0, Now())\n"
        f"sys.argv, sys.orig_argv = ['-m', *{command_line(picture)[3:]!r}], ['python', '-m', 'gooddrag']\n"
        "runpy.run_module('gooddrag', run_name='__main__')\n"
    )
    result = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 130
    assert result.stderr == "cancelled, nothing was written\n"


@pytest.mark.long
def test_terminal_shows_a_bar(picture):
    import pty

    master, slave = pty.openpty()
    process = subprocess.Popen(command_line(picture, *SHORT), cwd=ROOT, stderr=slave)
    os.close(slave)
    text = b""
    while True:
        try:
            chunk = os.read(master, 4096)
        except OSError:
            break
        if not chunk:
            break
        text += chunk
    assert process.wait() == 0
    assert b"dragging         [" in text
    assert b"\r" in text


@pytest.mark.long
def test_precision_and_what_is_given_beside_a_preset(picture):
    trace = picture.parent / "trace.json"
    code, _ = run(picture, "--precision", "bf16", "--channels-last", "--checkpointing", "on", "--trace", str(trace))
    assert code == 0
    config = json.loads(trace.read_text())["config"]
    assert (config["operations"], config["gradient_steps"], config["inference_steps"]) == (2, 2, 16)
    assert config["checkpointing"] == "on"


def test_defaults_are_the_papers_with_lock_in_a_window():
    given = ["edit", "in.png", "--points", "1,1>2,2", "-o", "out.png"]
    assert _config(parser().parse_args(given)) == PAPER.replace(background="lock", window=True)
    for name, preset in PRESETS.items():
        assert _config(parser().parse_args([*given, "--preset", name])) == preset


def test_a_lora_is_kept(picture):
    file = picture.parent / "lora.safetensors"
    _, first = run(picture, "--lora", str(file), output="a.png")
    assert file.is_file()
    _, second = run(picture, "--lora", str(file), output="b.png")
    assert first.read_bytes() == second.read_bytes()


TWICE = [
    ("{in}", None, None),
    ("{folder}/./in.png", None, None),
    ("{folder}/IN.PNG", None, None),
    ("{folder}/link.png", None, None),
    ("{folder}/hard.png", None, None),
    ("{folder}/mask.png", None, None),
    ("{folder}/out.png", "{folder}/sub/../out.png", None),
    ("{folder}/out.png", None, "{folder}/out.png"),
    ("{folder}/out.png", "{in}", None),
    ("{folder}/out.png", "{folder}/trace.json", "{folder}/Trace.json"),
    ("{folder}/out.png", None, "{folder}/link.png"),
]


@pytest.mark.parametrize(("output", "trace", "lora"), TWICE)
def test_one_path_for_two_things_is_refused_before_anything(picture, capsys, output, trace, lora):
    folder = picture.parent
    (folder / "sub").mkdir()
    (folder / "link.png").symlink_to("in.png")
    (folder / "hard.png").hardlink_to(picture)
    Image.new("L", (101, 90), 255).save(folder / "mask.png")
    before = {p.name: p.stat().st_mtime_ns for p in folder.iterdir()}
    options = [("-o", output), ("--trace", trace), ("--lora", lora), ("--mask", "{folder}/mask.png")]
    words = [
        w
        for option, path in options
        if path
        for w in (option, path.replace("{in}", str(picture)).format(folder=folder))
    ]
    assert main(["edit", str(picture), "--points", "30,30>50,40", "--model", TINY, *SHORT, *words]) == 2
    assert "are the same file" in capsys.readouterr().err
    assert {p.name: p.stat().st_mtime_ns for p in folder.iterdir()} == before


def test_a_pipe_for_a_picture_is_refused(picture, capsys):
    os.mkfifo(picture.with_name("pipe.png"))
    assert run(picture.with_name("pipe.png"))[0] == 2
    assert "it is no plain file" in capsys.readouterr().err


def test_a_damaged_model_is_named(picture, capsys):
    folder = picture.parent / "model"
    for part in ("unet", "vae"):
        (folder / part).mkdir(parents=True)
        (folder / part / "config.json").write_text("{}")
    assert run(picture, "--model", str(folder))[0] == 2
    assert f"the model {folder} cannot be loaded" in capsys.readouterr().err


def test_a_picture_too_large_for_memory_is_refused_in_words(picture, capsys, monkeypatch):
    monkeypatch.setattr(command, "free_bytes", lambda device: 1000)
    assert run(picture)[0] == 1
    assert "a picture of 101x90 needs at least" in capsys.readouterr().err


@pytest.mark.parametrize(
    "error", [MemoryError(), RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried")]
)
def test_running_out_of_memory_is_a_sentence(picture, capsys, monkeypatch, error):
    def full(*args, **kwargs):
        raise error

    monkeypatch.setattr(command.codec, "to_tensor", full)
    assert run(picture)[0] == 1
    assert "not enough memory; use a smaller picture" in capsys.readouterr().err


def test_what_was_written_before_is_said(picture, capsys, monkeypatch):
    """The picture is kept when only the trace fails, and a LoRA that was kept is named when the person cancels."""
    write = command.files.write

    def fails(path, data, **how):
        if path.suffix == ".json":
            raise OSError(28, "No space left on device")
        return write(path, data, **how)

    monkeypatch.setattr(command.files, "write", fails)
    trace, lora = picture.with_name("trace.json"), picture.with_name("a.safetensors")
    code, out = run(picture, "--trace", str(trace))
    assert code == 1
    assert Image.open(out).size == (101, 90)
    text = capsys.readouterr().err
    assert (
        f"the trace could not be written to {trace}: No space left on device; the picture to {out} was written before"
        in text
    )

    def cancelled(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr(command.pictures, "encoded", cancelled)
    monkeypatch.setattr(command.pictures, "check_format", lambda path, size: "PNG")
    assert run(picture, "--lora", str(lora))[0] == 130
    assert f"cancelled, the LoRA to {lora} was written before" in capsys.readouterr().err
    assert lora.is_file()


@pytest.mark.long
def test_nobody_listening_loses_nothing(picture):
    reading, writing = os.pipe()
    os.close(reading)
    result = subprocess.run(command_line(picture, *SHORT), cwd=ROOT, stderr=writing, stdout=writing)
    os.close(writing)
    assert result.returncode == 0
    assert Image.open(picture.with_name("out.png")).size == (101, 90)


def test_a_large_picture_is_edited_at_a_working_size_and_outside_not_a_bit_changes(picture, capsys):
    large = picture.parent / "large.png"
    before = np.random.default_rng(0).integers(0, 256, (240, 320, 3), dtype=np.uint8)
    Image.fromarray(before).save(large)
    region = np.zeros((240, 320), np.uint8)
    region[40:200, 60:240] = 255
    mask = picture.parent / "mask.png"
    Image.fromarray(region).save(mask)
    trace = picture.parent / "trace.json"
    more = ["--size", "128", "--mask", str(mask), "--trace", str(trace)]
    code, out = run(large, *more, points="100,100>180,120")
    assert code == 0
    after = np.asarray(Image.open(out))
    assert after.shape == before.shape
    assert np.array_equal(after[region == 0], before[region == 0])
    assert not np.array_equal(after, before)
    assert "edited at 148x111 and carried back into 320x240" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        run(large, "--size", "12", points="100,100>180,120")
    assert "12 is no number of pixels from 64 to 8192" in capsys.readouterr().err
