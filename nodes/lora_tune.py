"""GoodDrag LoRA Tune: fit a LoRA to the picture, so that the model can draw it."""

from comfy_api.v0_0_2 import io

from ..gooddrag.config import DragConfig
from ..gooddrag.method.kept import tuned
from ..gooddrag.method.lora import train_lora
from ..gooddrag.network.memory import gradient_bytes
from . import belonging, conditioning, families, host, lent, notices, patches, pictures
from .presets import configured, preset_input
from .types import CATEGORY

FIELDS = {
    "steps": "lora_steps",
    "rank": "lora_rank",
    "learning_rate": "lora_learning_rate",
    "batch_size": "lora_batch",
}


class LoRATune(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        d = DragConfig()
        return io.Schema(
            node_id="GoodDrag_LoRATune",
            display_name="GoodDrag LoRA Tune",
            category=CATEGORY,
            description="Tunes a small LoRA on one picture, so that the model redraws exactly this picture while parts of "
            "it are dragged. Runs again only when the picture, the model or a setting changes.",
            search_aliases=["train lora", "drag"],
            inputs=[
                io.Model.Input(
                    "model", tooltip="A Stable Diffusion 1.x, 2.x or SDXL model; LoRAs that are on it stay on it."
                ),
                io.Vae.Input("vae", tooltip="The VAE that belongs to the model."),
                io.Image.Input("image", tooltip="The picture that will be dragged. One picture, any size."),
                io.Conditioning.Input(
                    "positive", tooltip="What the picture shows. An empty text is fine, the paper uses none."
                ),
                preset_input(FIELDS),
                io.Int.Input(
                    "steps",
                    default=d.lora_steps,
                    min=0,
                    max=2000,
                    tooltip="Training steps. More fit the picture more closely and take longer; 0 tunes nothing.",
                ),
                io.Int.Input(
                    "rank",
                    default=d.lora_rank,
                    min=1,
                    max=128,
                    tooltip="Rank of the LoRA: how much it can learn. The paper uses 16.",
                    advanced=True,
                ),
                io.Float.Input(
                    "learning_rate",
                    default=d.lora_learning_rate,
                    min=1e-6,
                    max=1e-1,
                    step=1e-5,
                    round=1e-6,
                    tooltip="Of AdamW. The paper uses 0.0005; too high destroys the picture.",
                    advanced=True,
                ),
                io.Int.Input(
                    "batch_size",
                    default=d.lora_batch,
                    min=1,
                    max=32,
                    tooltip="Noise samples in a step. Fewer need less memory and learn less in a step.",
                    advanced=True,
                ),
                io.Int.Input(
                    "seed",
                    default=0,
                    min=0,
                    max=2**63 - 1,
                    control_after_generate=io.ControlAfterGenerate.fixed,
                    tooltip="Of the noise. The same seed gives the same LoRA.",
                ),
                host.checkpointing_input(),
                io.String.Input(
                    "file",
                    default="",
                    tooltip="Name of a file among ComfyUI's LoRAs, for example gooddrag/cat. The LoRA is kept there, and read from "
                    "there when model, picture, prompt and settings are the same, also after a restart. What was tuned on "
                    "something else stays, and gooddrag/cat-2 is kept beside it. Empty keeps none.",
                    advanced=True,
                ),
            ],
            outputs=[
                io.Model.Output(display_name="model", tooltip="The model with the tuned LoRA on it."),
                io.LoraModel.Output(display_name="lora", tooltip="The LoRA alone, for SaveLoRA or LoraModelLoader."),
            ],
        )

    @classmethod
    @notices.shown
    def execute(
        cls, model, vae, image, positive, preset, steps, rank, learning_rate, batch_size, seed, checkpointing, file
    ) -> io.NodeOutput:
        families.unet_config(model)
        patches.tell(model)
        kept = host.lora_file(file.strip()) if file.strip() else None
        given = {"steps": steps, "rank": rank, "learning_rate": learning_rate, "batch_size": batch_size}
        config = configured(FIELDS, preset, given, checkpointing=checkpointing)
        if not config.lora_steps:
            if kept:
                notices.tell("No steps are tuned, so no file is kept.")
            return io.NodeOutput(model, {})
        image = pictures.one(image)
        z0 = host.to_model(model, host.encode(vae, image))
        text = conditioning.told(model, positive, z0)
        shape = (config.lora_batch, *z0.shape[1:])

        def gradients(unet) -> int:
            return gradient_bytes(unet, shape, block=None, tuning=True)

        with lent.diffusers_model(model, shape, gradients=gradients) as borrowed:
            how = {"seed": seed, "callback": host.callback(model)}
            if kept:
                lora = tuned(borrowed, z0, text, config, file=kept, tell=notices.tell, **how)
            else:
                lora = train_lora(borrowed, z0, text, config, **how)
        state = host.lora_state_dict(model, lora)
        made = host.with_lora(model, state)
        belonging.mark_tuned(made, image)
        return io.NodeOutput(made, state)
