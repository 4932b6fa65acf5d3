#!/usr/bin/env python3
"""Two commands do everything: ``python3 dev.py demo`` and ``python3 dev.py test``.

Needs nothing but Python 3.10 or newer. Everything is installed into the folder ``.work`` beside this file.
"""

import sys

if sys.version_info < (3, 10):  # noqa: UP036 (this is where it is checked)
    sys.exit(f"Python 3.10 or newer is needed, this is {sys.version.split()[0]}; start dev.py with a newer one")

import argparse
import json
import subprocess
import time
from pathlib import Path

from devtools import environment, tools, workflow
from devtools.environment import SetupError, say
from devtools.server import Server, ServerError, clean_environment, copy_input

EXAMPLES = environment.ROOT / "example_workflows"
QUICKSTART = "gooddrag_quickstart"
EXAMPLE_PICTURE, ITS_DRAG = "example.png", "[[[580, 360], [560, 300]]]"
"""The picture that comes with ComfyUI, and an arrow that lifts an arm in it."""
ENGINE = "tests/picture tests/network tests/method tests/demo tests/bench tests/front tests/properties"
TIERS = {
    "lint": ["ruff check .", "ruff format --check ."],
    "engine": [
        f"pytest {ENGINE} -n 2 -m not(long)",
    ],
    "parity": ["pytest tests/parity -n 2"],
    "editor": ["pytest tests/js"],
    "nodes": ["pytest tests/nodes -n 2 -m not(long)"],
    "workflows": ["pytest tests/workflows -n 2 --dist loadfile -m not(long)"],
    "faults": ["pytest tests/faults -n 2 -m not(long)"],
    "page": [
        "pytest tests/browser/test_mouse.py tests/browser/test_life.py tests/browser/test_journey.py -n 2 --dist loadfile "
        "--renderer classic --frontend own -k not(classic-light)"
    ],
    "browser": ["pytest tests/browser"],
    "slow": [
        "pytest tests/slow -s",
        "pytest tests/faults -n 2",
        f"pytest {ENGINE} tests/nodes -n 2 -m long",
        "pytest tests/workflows -m long",
    ],
}
DEFAULT_TIERS = ("lint", "engine", "parity", "editor", "nodes", "workflows", "faults", "page")


class Watch:
    """Prints what the server is doing, and notes how long each node took."""

    def __init__(self, prompt: dict):
        self.titles = {key: node["_meta"]["title"] or node["class_type"] for key, node in prompt.items()}
        self.prompt, self.seconds, self.node, self.mark = prompt, {}, None, time.monotonic()
        self.live = sys.stdout.isatty()

    def __call__(self, kind: str, data: dict) -> None:
        if kind == "executing":
            now = time.monotonic()
            if self.node is not None:
                class_type = self.prompt[self.node]["class_type"]
                self.seconds[class_type] = self.seconds.get(class_type, 0.0) + now - self.mark
            self.node, self.mark = data.get("node"), now
            if self.node is not None and not self.live:
                say(f"  {self.titles[self.node]}")
        elif kind == "progress" and self.live and data.get("node") in self.titles:
            done = round(30 * data["value"] / max(data["max"], 1))
            bar = "#" * done + "." * (30 - done)
            print(f"\r  {self.titles[data['node']]:28} [{bar}] {data['value']}/{data['max']}\x1b[K", end="", flush=True)

    def close(self) -> None:
        if self.live:
            print("\r\x1b[K", end="")


def demo(args: argparse.Namespace) -> int:
    names = sorted(file.stem for file in EXAMPLES.glob("*.json"))
    name = args.workflow if args.workflow in names else f"gooddrag_{args.workflow}"
    if name not in names:
        say(f"unknown workflow {args.workflow}; there are {', '.join(names)}")
        return 2
    say("1/3 setting up (downloads only the first time)")
    installing = environment.set_up()
    say("2/3 starting ComfyUI")
    picture = environment.comfyui_dir() / "input" / EXAMPLE_PICTURE
    if picture.is_file():
        copy_input(picture)
    with Server(args.port) as server:
        graph = workflow.load(EXAMPLES / f"{name}.json")
        object_info = server.get("/object_info")
        missing = workflow.missing_models(graph, object_info)
        if missing:
            say(
                f"{name} needs {len(missing)} more file{'s' if len(missing) > 1 else ''} in {environment.BASE / 'models'}:"
            )
            for model in missing:
                say(f"  {model['directory']}/{model['name']} from {model['url']}")
            return 1
        prompt = workflow.to_prompt(graph, object_info)
        workflow.ask_for_overlays(prompt, object_info)
        scene = _choose(prompt, args)
        if args.serve:
            say(f"ComfyUI is running at {server.url}")
        say(f"3/3 running {name}" + (f": scene {scene['scene']}, {scene['kind']}" if scene else ""))
        watch = Watch(prompt)
        start = time.monotonic()
        try:
            entry = server.run(prompt, watch)
        except ServerError as error:
            if not args.serve:
                raise
            say(f"error: {error}")
            _serve(server, name)
            return 1
        finally:
            watch.close()
        editing = time.monotonic() - start
        files = _write(server, prompt, entry)
        if name == QUICKSTART:
            _judge(scene, files["after.png"])
        parts = ", ".join(f"{name.removeprefix('GoodDrag_')} {s:.1f}" for name, s in watch.seconds.items() if s >= 0.05)
        say(f"seconds: installing {installing:.0f}, starting {server.seconds:.1f}, editing {editing:.1f} ({parts})")
        if args.serve:
            _serve(server, name)
    return 0


def _choose(prompt: dict, args: argparse.Namespace) -> dict:
    """The scene that was asked for, and an arrow where ComfyUI's example picture has none; gives the scene."""
    scene = {}
    for node in prompt.values():
        inputs = node["inputs"]
        if node["class_type"] == "GoodDrag_DemoModel":
            scene = inputs
            scene["kind"] = args.kind or scene["kind"]
            scene["scene"] = scene["scene"] if args.scene is None else args.scene
    if not scene and any(node["inputs"].get("image") == EXAMPLE_PICTURE for node in prompt.values()):
        for node in prompt.values():
            if node["class_type"] == "GoodDrag_Points" and not node["inputs"]["points"]:
                node["inputs"]["points"] = json.dumps({"width": 768, "height": 768, "pairs": json.loads(ITS_DRAG)})
    return scene


def _write(server: Server, prompt: dict, entry: dict) -> dict:
    """Every picture of a run into the folder output; gives the files by name."""
    folder = environment.ROOT / "output"
    folder.mkdir(exist_ok=True)
    files = {}
    for name, image in workflow.pictures(prompt, entry["outputs"]):
        files[name] = folder / name
        files[name].write_bytes(server.image(image))
        say(f"  wrote {files[name].relative_to(environment.ROOT)}")
    for output in entry["outputs"].values():
        for line in output.get("text", []):
            say(f"  {line}")
    return files


def _judge(scene: dict, edited: Path) -> None:
    """How the quickstart's result compares with the truth."""
    command = [str(environment.PYTHON), "-m", "gooddrag.demo.evaluate", "--kinds", scene["kind"],
               "--first", str(scene["scene"]), "--edited", str(edited)]  # fmt: skip
    judged = json.loads(subprocess.check_output(command, cwd=environment.ROOT, env=clean_environment(), text=True))
    say(
        f"  {judged['done']:.0%} of the true drag was done; inside the mask {judged['ratio']:.0%} of the difference "
        "to the true picture is left"
    )


def _serve(server: Server, name: str) -> None:
    say(f"ComfyUI is running at {server.url}")
    say(f"  open the template browser (GoodDrag) or drop example_workflows/{name}.json onto the page")
    say("  Ctrl-C stops it")
    try:
        while server.process.poll() is None:
            time.sleep(0.5)
    except KeyboardInterrupt:
        say("stopped")


def test(args: argparse.Namespace) -> int:
    unknown = set(args.tiers) - set(TIERS)
    if unknown:
        say(f"unknown tier {', '.join(sorted(unknown))}; there are {', '.join(TIERS)}")
        return 2
    tiers = args.tiers or list(DEFAULT_TIERS)
    say(f"setting up for {', '.join(tiers)}")
    paged = bool({"browser", "page"} & set(tiers))
    environment.set_up(tests=True, browser=paged, frontend="browser" in tiers)
    if "editor" in tiers:
        tools.install_typescript()
    if paged:
        tools.install_chromium()
    failed, start = [], time.monotonic()
    for tier in tiers:
        for command in TIERS[tier]:
            mark = time.monotonic()
            say(f"== {tier}: {command}")
            words = [str(environment.PYTHON), "-m", *command.split()]
            env = {**clean_environment(), "COMFYUI_DIR": str(environment.comfyui_dir()),
                   "PLAYWRIGHT_BROWSERS_PATH": str(tools.BROWSERS)}  # fmt: skip
            if "-n" in words:  # networks this small are twice as fast in two processes as on two threads
                env["OMP_NUM_THREADS"] = "1"
            if subprocess.run(words, cwd=environment.ROOT, env=env).returncode:
                failed.append(f"{tier}: {command}")
            say(f"== {time.monotonic() - mark:.0f} s")
    say(f"{'FAILED: ' + '; '.join(failed) if failed else 'all tiers passed'} in {time.monotonic() - start:.0f} s")
    return 1 if failed else 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    commands = parser.add_subparsers(dest="command", required=True)
    p = commands.add_parser("demo", help="drag a creature in a real ComfyUI and write the pictures")
    p.add_argument("--workflow", default=QUICKSTART, metavar="NAME", help="another of the example workflows")
    p.add_argument("--kind", help="kind of drag, instead of the workflow's")
    p.add_argument("--scene", type=int, help="number of the scene, instead of the workflow's")
    p.add_argument("--port", type=int, help="port of the server; a free one by default")
    p.add_argument("--serve", action="store_true", help="leave the server running")
    p.set_defaults(run=demo)
    p = commands.add_parser("test", help="run the tests")
    p.add_argument(
        "tiers", nargs="*", metavar="TIER", help=f"any of {', '.join(TIERS)}; all but browser and slow by default"
    )
    p.set_defaults(run=test)
    args = parser.parse_args()
    try:
        return args.run(args)
    except (SetupError, ServerError, ValueError) as error:
        say(f"error: {error}")
        return 1
    except KeyboardInterrupt:
        say("interrupted")
        return 130


if __name__ == "__main__":
    sys.exit(main())
