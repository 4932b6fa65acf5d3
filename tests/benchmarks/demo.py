"""The quickstart's edit in a real ComfyUI server: a first drag, another one, one that goes on, and which nodes ran."""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

from devtools import workflow
from devtools.server import Server

from .report import Report

ROOT = Path(__file__).resolve().parent.parent.parent


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--preset", default="custom", help="of LoRA Tune, DDIM Inversion and Sampler")


def seconds_by_node(server: Server, prompt: dict) -> dict[str, float]:
    """Seconds by the nodes of this pack that ran."""
    seconds: dict[str, float] = {}
    now = [None, time.perf_counter()]

    def hear(kind: str, data: dict) -> None:
        if kind != "executing":
            return
        moment = time.perf_counter()
        if now[0]:
            seconds[now[0]] = seconds.get(now[0], 0) + moment - now[1]
        node = data.get("node")
        now[:] = [prompt[node]["class_type"] if node else None, moment]

    server.run(prompt, hear)
    return {name.removeprefix("GoodDrag_"): s for name, s in seconds.items() if name.startswith("GoodDrag_")}


def run(args: argparse.Namespace) -> Report:
    rounds = []
    with Server() as server:
        prompt = workflow.to_prompt(
            workflow.load(ROOT / "example_workflows" / "gooddrag_quickstart.json"), server.get("/object_info")
        )
        node = {
            k: prompt[workflow.find(prompt, f"GoodDrag_{k}")]["inputs"]
            for k in ("Points", "Sampler", "LoRATune", "Invert")
        }
        for kind in ("Sampler", "LoRATune", "Invert"):
            node[kind]["preset"] = args.preset
        for _ in range(args.rounds):
            server.forget()
            node["Sampler"]["start"] = "picture"
            node["Points"]["points"] = ""
            result = {"a first drag": seconds_by_node(server, prompt)}
            node["Points"]["points"] = json.dumps([[[118, 122], [140, 124]]])
            result["another handle and target, same picture"] = seconds_by_node(server, prompt)
            node["Sampler"]["start"] = "last run"
            node["Points"]["points"] = json.dumps([[[118, 122], [140, 130]]])
            result["the target moved by 6 pixels, start = last run"] = seconds_by_node(server, prompt)
            rounds.append(result)
    lines = ["| run | nodes that ran, seconds | all | of the first |", "|---|---|---|---|"]
    best = {name: min((r[name] for r in rounds), key=lambda s: sum(s.values())) for name in rounds[0]}
    first = sum(best["a first drag"].values())
    for name, seconds in best.items():
        parts = ", ".join(f"{k} {s:.1f}" for k, s in seconds.items() if s >= 0.05)
        lines.append(f"| {name} | {parts} | {sum(seconds.values()):.1f} | {sum(seconds.values()) / first:.2f} |")
    return Report("\n".join(lines), {"preset": args.preset, "rounds": rounds})
