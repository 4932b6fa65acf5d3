"""A small generator of the demo world, for methods that edit a generator's latent and not a picture (DragGAN).

As in StyleGAN2 (arXiv 1912.04958) a mapping network leads to a latent w, every convolution is modulated by its own w and
demodulated, and every resolution adds its part to the picture. Unlike there the world is known, so that the mapping starts from
the numbers of a scene instead of noise and the rest is regression; and the first map is no constant but blobs that w places, as in
BlobGAN (arXiv 2205.02837): regression learns where things are many times faster with them.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, astuple, dataclass, fields
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional as F

from . import world

GENERATOR = Path(__file__).parent / "weights" / "generator"
WEIGHTS_FILE = "generator.safetensors"
FEATURES = 64
"""Side of the map that is dragged by: a quarter of the picture, as the sixth block is of DragGAN's."""


@dataclass(frozen=True)
class Config:
    latent: int = 128
    hidden: int = 256
    blobs: int = 32
    coarsest: int = 16
    widths: tuple[int, ...] = (96, 80, 64, 32)
    """Channels at 16, 32, 64 and 128 pixels; the last resolution gives two rows and columns of the picture for each."""


class _Blobs(nn.Module):
    """The first map: soft discs that w places and sizes, each with a feature of its own, on a ground that w colours."""

    def __init__(self, config: Config):
        super().__init__()
        count, channels, size = config.blobs, config.widths[0], config.coarsest
        self.place = nn.Linear(config.latent, 3 * count)
        self.feature = nn.Parameter(torch.randn(count, channels) / 2)
        self.ground = nn.Linear(config.latent, channels)
        nn.init.normal_(self.place.weight, std=0.3 * config.latent**-0.5)
        with torch.no_grad():
            self.place.bias.copy_(torch.cat([torch.rand(2 * count) * 1.2 - 0.6, torch.full((count,), -1.5)]))
        axis = (torch.arange(size) + 0.5) / size * 2 - 1
        self.register_buffer("grid", torch.stack(torch.meshgrid(axis, axis, indexing="xy")), persistent=False)

    def forward(self, w: Tensor) -> Tensor:
        x, y, size = self.place(w)[:, :, None, None].chunk(3, dim=1)
        distances = (self.grid[0] - x).square() + (self.grid[1] - y).square()
        discs = torch.exp(-distances / (2 * torch.exp(2 * size) + 1e-4))
        return torch.einsum("nkhw,kc->nchw", discs, self.feature) + self.ground(w)[:, :, None, None]


class _Styled(nn.Module):
    """A 3 x 3 convolution whose input channels are scaled by w, and whose output has unit variance again."""

    def __init__(self, latent: int, given: int, made: int):
        super().__init__()
        self.style = nn.Linear(latent, given)
        self.weight = nn.Parameter(torch.randn(made, given, 3, 3) / (9 * given) ** 0.5)
        self.bias = nn.Parameter(torch.zeros(made))
        nn.init.normal_(self.style.weight, std=latent**-0.5)
        nn.init.ones_(self.style.bias)

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        style = self.style(w)
        scale = torch.rsqrt(style.square() @ self.weight.square().sum(dim=(2, 3)).T + 1e-8)
        y = F.conv2d(x * style[:, :, None, None], self.weight, padding=1) * scale[:, :, None, None]
        return F.leaky_relu(y + self.bias[:, None, None], 0.2) * 2**0.5


class Generator(nn.Module):
    """``mapping``: numbers of scenes ``(n, numbers)`` to w ``(n, latent)``; ``forward``: one w for every layer, ``(n, layers,
    latent)``, to pictures ``(n, 3, 256, 256)`` in about -1..1."""

    def __init__(self, config: Config = Config()):
        super().__init__()
        self.config = config
        numbers, latent, widths = len(described(world.scene(0))), config.latent, config.widths
        sizes = [numbers, config.hidden, config.hidden, latent]
        self.mapping = nn.Sequential(
            *(m for a, b in pairwise(sizes) for m in (nn.Linear(a, b), nn.LeakyReLU(0.2))),
            nn.Linear(latent, latent),
        )
        self.start = _Blobs(config)
        before = (widths[0], *widths)
        # two convolutions a resolution, one at the last
        plan = [[(before[i], width)] + [(width, width)] * (i < len(widths) - 1) for i, width in enumerate(widths)]
        self.blocks = nn.ModuleList(nn.ModuleList(_Styled(latent, a, b) for a, b in block) for block in plan)
        last = len(widths) - 1
        self.colours = nn.ModuleList(nn.Conv2d(width, 12 if i == last else 3, 1) for i, width in enumerate(widths))
        self.layers = 1 + sum(len(block) for block in plan)

    @property
    def movable(self) -> int:
        """How many layers come before the features and take part in them: their w moves what the picture shows."""
        before = [block for i, block in enumerate(self.blocks) if self.config.coarsest << i <= FEATURES]
        return 1 + sum(len(block) for block in before)

    def forward(self, ws: Tensor, size: int = world.SIZE) -> Tensor:
        """``size`` below the world's: what is drawn up to that resolution, 16, 32, 64 pixels or all."""
        return self.drawn(ws, size)[0]

    def drawn(self, ws: Tensor, size: int = world.SIZE) -> tuple[Tensor, Tensor]:
        """The pictures, and the features ``(n, c, 64, 64)`` that they were drawn from."""
        x = self.start(ws[:, 0])
        picture, features, layer = None, x, 1
        for i, (block, colour) in enumerate(zip(self.blocks, self.colours)):
            if i:
                x = F.interpolate(x, scale_factor=2, mode="bilinear")
            for conv in block:
                x = conv(x, ws[:, layer])
                layer += 1
            if x.shape[-1] == FEATURES:
                features = x
            part = colour(x)
            part = F.pixel_shuffle(part, 2) if part.shape[1] == 12 else part
            if picture is not None:
                part = part + F.interpolate(picture, part.shape[2:], mode="bilinear")
            picture = part
            if picture.shape[-1] >= size:
                break
        return picture, features

    def spread(self, w: Tensor) -> Tensor:
        """One w ``(n, latent)`` for all layers."""
        return w[:, None].expand(-1, self.layers, -1)

    def of(self, scenes: Sequence[world.Scene]) -> Tensor:
        """w of scenes, ``(n, latent)``."""
        given = np.stack([described(s) for s in scenes])
        return self.mapping(torch.from_numpy(given).to(self.start.feature))

    @classmethod
    def load(cls, folder: Path = GENERATOR) -> Generator:
        """In float32, for use: no gradients of its weights."""
        given = json.loads((folder / "config.json").read_text())
        values = {field.name: given[field.name] for field in fields(Config)}
        generator = cls(Config(**{name: tuple(v) if isinstance(v, list) else v for name, v in values.items()}))
        generator.load_state_dict({name: w.float() for name, w in load_file(folder / WEIGHTS_FILE).items()})
        return generator.eval().requires_grad_(False)

    def save(self, folder: Path) -> None:
        """In half precision."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "config.json").write_text(json.dumps(asdict(self.config), indent=2) + "\n")
        save_file({name: w.half().contiguous() for name, w in self.state_dict().items()}, folder / WEIGHTS_FILE)


def difference(made: Tensor, wanted: Tensor) -> Tensor:
    """What training and inversion make small, of pictures in -1..1: colours, and edges, whose places matter most."""
    d = made - wanted
    edges = sum((d.roll(1, k) - d).abs().mean() for k in (2, 3))
    return 4 * d.square().mean() + d.abs().mean() + 0.5 * edges


def _numbers(scene: world.Scene) -> np.ndarray:
    """Its fields, colours as three, and the places of its parts, which a mapping would else have to learn sines for."""
    places = [c for point in world.anchors(scene).values() for c in point]
    flat = [v for value in astuple(scene) for v in (value if isinstance(value, tuple) else (value,))]
    turn = 2 * np.pi / 230 * scene.hill_x
    return np.array([*flat, *places, np.cos(turn), np.sin(turn)], dtype=np.float64)


@cache
def _scale() -> tuple[np.ndarray, np.ndarray]:
    known = np.stack([_numbers(world.Scene.sample(np.random.default_rng((77, i)))) for i in range(2000)])
    return known.mean(axis=0), known.std(axis=0) + 1e-6


def described(scene: world.Scene) -> np.ndarray:
    """What the mapping starts from: the numbers of a scene, each with mean 0 and deviation 1 over scenes; float32."""
    mean, deviation = _scale()
    return ((_numbers(scene) - mean) / deviation).astype(np.float32)
