"""The example workflows: the files are what the script writes, those on the demo model run, and dev.py names what others need."""

import subprocess
import sys

import pytest
from conftest import EXAMPLES, ROOT, executed

from devtools import workflow
from devtools.server import clean_environment
from devtools.templates.catalogue import TEMPLATES, build
from devtools.templates.graph import Workflow

SHORT = {
    "GoodDrag_LoRATune": {"steps": 1, "batch_size": 1},
    "GoodDrag_Invert": {"steps": 10},
    "GoodDrag_Sampler": {"operations": 2, "operations_per_step": 1, "gradient_steps": 1},
    "KSampler": {"steps": 2},
}


def nodes(name: str) -> list[dict]:
    return workflow.load(EXAMPLES / f"{name}.json")["nodes"]


def test_every_file_is_one_of_the_script():
    assert sorted(file.stem for file in EXAMPLES.glob("*.json")) == sorted(TEMPLATES)


@pytest.mark.parametrize("name", TEMPLATES)
def test_the_file_is_what_the_script_writes(object_info, name):
    made = build(name, object_info).as_file()
    assert workflow.load(EXAMPLES / f"{name}.json") == made, "run python -m devtools.templates"


@pytest.mark.parametrize("name", TEMPLATES)
def test_every_node_lies_in_a_group_with_a_title(name):
    graph = workflow.load(EXAMPLES / f"{name}.json")
    assert all(group["title"] for group in graph["groups"])
    for node in graph["nodes"]:
        (x, y), (width, height) = node["pos"], node["size"]
        around = [
            g["title"]
            for g in graph["groups"]
            if g["bounding"][0] < x
            and g["bounding"][1] < y - 30
            and x + width < g["bounding"][0] + g["bounding"][2]
            and y + height < g["bounding"][1] + g["bounding"][3]
        ]
        assert len(around) == 1, (node["title"], around)


@pytest.mark.parametrize("name", TEMPLATES)
def test_every_file_that_a_loader_asks_for_can_be_downloaded(object_info, name):
    for node in nodes(name):
        models = node["properties"].get("models", [])
        assert [m["name"] for m in models] == node["widgets_values"][:1] or not node["type"].endswith(
            ("LoaderSimple", "LoraLoader", "ControlNetLoader", "UpscaleModelLoader")
        )
        for model in models:
            assert model["url"].startswith("https://huggingface.co/")
            assert model["url"].endswith("/" + model["name"])
            assert model["directory"] in ("checkpoints", "loras", "controlnet", "upscale_models")


@pytest.mark.parametrize(
    "name",
    [
        name
        for name in TEMPLATES
        if name != "gooddrag_quickstart" and any(n["type"] == "GoodDrag_DemoModel" for n in nodes(name))
    ],
)
def test_runs_on_the_demo_model(server, object_info, name):
    prompt = workflow.to_prompt(workflow.load(EXAMPLES / f"{name}.json"), object_info)
    for node in prompt.values():
        node["inputs"].update(SHORT.get(node["class_type"], {}))
    messages = []
    entry = server.run(prompt, lambda kind, data: messages.append((kind, data)))
    assert set(executed(prompt, messages)) >= {"GoodDrag_Sampler", "GoodDrag_Decode"}
    for key, node in prompt.items():
        if node["class_type"] in ("SaveImage", "PreviewImage"):
            assert entry["outputs"][key]["images"], node["_meta"]["title"]


def test_the_blueprint_has_the_nodes_defaults(object_info):
    graph = workflow.load(ROOT / "subgraphs" / "Drag edit.json")
    [inner] = graph["definitions"]["subgraphs"]
    ours = [node for node in inner["nodes"] if node["type"].startswith("GoodDrag_")]
    assert len(ours) == 5
    for node in ours:
        specs = object_info[node["type"]]["input"]
        defaults = []
        for spec in {**specs.get("required", {}), **specs.get("optional", {})}.values():
            if workflow.is_widget(spec):
                defaults.append(spec[1].get("default", workflow.choices(spec)[0] if workflow.choices(spec) else None))
                defaults += [v for option, v in workflow.EDITOR_ALONE.items() if spec[1].get(option)]
        assert node["widgets_values"] == defaults, node["type"]


def test_a_builder_names_inputs_that_are_not_there(object_info):
    with pytest.raises(ValueError, match="VAEDecode has no input pixels; it has samples, vae"):
        Workflow("test", object_info).add("VAEDecode", pixels=None)
    with pytest.raises(ValueError, match="VAEDecode needs samples"):
        Workflow("test", object_info).add("VAEDecode")


def test_missing_models_are_those_that_the_server_does_not_offer(object_info):
    graph = workflow.load(EXAMPLES / "gooddrag_own_lora.json")
    missing = workflow.missing_models(graph, object_info)
    assert [model["directory"] for model in missing] == ["checkpoints", "loras"]
    info = {**object_info, "LoraLoader": {"input": {"required": {"lora_name": [[missing[1]["name"]]]}}}}
    assert [model["directory"] for model in workflow.missing_models(graph, info)] == ["checkpoints"]
    assert workflow.missing_models(workflow.load(EXAMPLES / "gooddrag_chained.json"), object_info) == []


def test_dev_py_lists_the_workflows_when_the_name_is_none_of_them():
    command = [sys.executable, "dev.py", "demo", "--workflow", "nothing"]
    said = subprocess.run(command, cwd=ROOT, env=clean_environment(), capture_output=True, text=True)
    assert said.returncode == 2
    assert said.stdout.startswith("unknown workflow nothing; there are gooddrag_ablation, ")
    assert all(name in said.stdout for name in TEMPLATES)
