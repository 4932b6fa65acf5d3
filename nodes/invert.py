"""GoodDrag DDIM Inversion: the picture as noise, from which it can be drawn again."""

from comfy_api.v0_0_2 import io

from ..gooddrag.config import DragConfig
from ..gooddrag.method.inversion import invert
from ..gooddrag.network.schedule import Schedule
from . import belonging, conditioning, control, families, host, latents, lent, notices, patches, pictures
from .presets import configured, preset_input
from .types import CATEGORY, InversionType, InversionValue

FIELDS = {"steps": "inference_steps", "strength": "strength"}

MUCH = 1.7
"""Times the pixels that suit a family; beyond, a drag takes long and the model repeats what it knows in a smaller size."""
LARGE = (
    "The picture is {0}x{1}, and pictures of about {3}x{3} suit {2} best. GoodDrag Fit makes a working picture of that size, "
    "which is dragged faster and better, and GoodDrag Carry Back brings the edit into the large one; the template gooddrag_large "
    "shows it."
)


LITTLE = 0.85
"""Of the way to noise that even steps would go: timesteps lie whole numbers apart, so that many steps leave out the noisiest."""


def _tell_of_less(schedule: Schedule) -> None:
    reached, asked = schedule.timesteps[0], 1 + (len(schedule.timesteps) - 1) * 1000 / schedule.steps
    if reached < LITTLE * asked:
        notices.tell(
            f"{schedule.steps} steps at strength {schedule.strength:g} reach timestep {reached}, and {asked:.0f} was asked for: "
            "timesteps of so many steps are too close together. 50 or 100 steps go all the way."
        )


class Invert(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        d = DragConfig()
        return io.Schema(
            node_id="GoodDrag_Invert",
            display_name="GoodDrag DDIM Inversion",
            category=CATEGORY,
            description="Turns the picture into the noise that the model would draw it from (DDIM inversion, Eq. 3). "
            "Runs again only when the picture, the model or a setting changes.",
            search_aliases=["ddim inversion", "noise", "drag"],
            inputs=[
                io.Model.Input(
                    "model", tooltip="The model from GoodDrag LoRA Tune, or untuned. The sampler needs the same."
                ),
                io.Vae.Input("vae", tooltip="The VAE that belongs to the model."),
                io.Image.Input("image", tooltip="The picture that will be dragged. One picture, any size."),
                io.Conditioning.Input("positive", tooltip="The same as for the tuning."),
                preset_input(FIELDS),
                io.Int.Input(
                    "steps",
                    default=d.inference_steps,
                    min=1,
                    max=1000,
                    tooltip="DDIM steps for the whole way to noise. More are more exact and take longer.",
                ),
                io.Float.Input(
                    "strength",
                    default=d.strength,
                    min=0.02,
                    max=1.0,
                    step=0.01,
                    tooltip="How far to go towards noise, 0 to 1. Higher allows larger changes and keeps less of "
                    "the picture; the paper uses 0.75.",
                ),
                io.Conditioning.Input(
                    "negative",
                    optional=True,
                    tooltip="What the picture is kept away from, with `guidance` above 1: a CLIPTextEncode, its text may be empty.",
                ),
                io.Float.Input(
                    "guidance",
                    optional=True,
                    default=1.0,
                    min=1.0,
                    max=30.0,
                    step=0.1,
                    tooltip="Classifier-free guidance (cfg) in the inversion and whenever the drag denoises; these then take "
                    "twice as long. 1 is none, as in the paper. Higher follows `positive` more, and gives the picture back less "
                    "exactly.",
                ),
            ],
            outputs=[
                InversionType.Output(display_name="inversion", tooltip="For GoodDrag Sampler."),
                io.Latent.Output(
                    display_name="noise",
                    tooltip="z_T, for other samplers: KSamplerAdvanced with add_noise off, euler, ddim_uniform, "
                    "the same steps and cfg, and start_at_step the steps that were not inverted (12 of 50 at strength 0.75) "
                    "gives the picture back. Other numbers are on the help page.",
                ),
            ],
        )

    @classmethod
    @notices.shown
    def execute(
        cls, model, vae, image, positive, preset, steps, strength, negative=None, guidance=1.0
    ) -> io.NodeOutput:
        families.unet_config(model)
        patches.tell(model)
        config = configured(FIELDS, preset, {"steps": steps, "strength": strength})
        image = pictures.one(image)
        size = (image.shape[2], image.shape[1])
        family = families.family(model)
        belonging.tell_of_tuning(model, image)
        if size[0] * size[1] > MUCH * family.side**2:
            notices.tell(LARGE.format(*size, family.name, family.side))
        z0 = host.to_model(model, host.encode(vae, image))
        text = conditioning.told(model, positive, z0, size=size)
        guided = conditioning.guidance(model, guidance, positive, negative, z0, size)
        texts = [text, guided.negative] if guided else [text]
        loaded = lent.diffusers_model(model, tuple(z0.shape), beside=control.models(*texts))
        with loaded as borrowed, control.running(*texts):
            inversion = invert(borrowed, z0, text, size, config, host.callback(model), guidance=guided)
            key = lent.fingerprint(borrowed)
        _tell_of_less(inversion.schedule)
        noise = latents.for_samplers(model, inversion.latent, inversion.schedule.timesteps[0])
        return io.NodeOutput(
            InversionValue(inversion, model=key, picture=belonging.picture_key(image)),
            {"samples": noise, latents.SIZE: size},
        )
