"""The demo world: small clay creatures on a meadow, drawn from a parameter vector.

Because every picture is drawn from numbers, the *true* result of a drag exists: the same scene with one
number changed. That is what the demo model is judged by (``docs/demo-model.md``).

Coordinates: pixels of a 256 x 256 picture, x to the right, y down, pixel centres at integers. All lengths are
in these pixels; ``render`` scales them for other sizes. Angles are radians, 0 along +x, positive downwards.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

SIZE = 256
"""Side of the world in pixels."""

_SKIES = (  # top, bottom of the sky
    ((0.36, 0.62, 0.86), (0.83, 0.92, 0.93)),
    ((0.98, 0.72, 0.55), (0.99, 0.91, 0.72)),
    ((0.55, 0.50, 0.80), (0.97, 0.78, 0.80)),
    ((0.30, 0.68, 0.72), (0.90, 0.95, 0.80)),
    ((0.87, 0.60, 0.72), (0.99, 0.88, 0.84)),
    ((0.28, 0.36, 0.62), (0.70, 0.74, 0.88)),
)
_MEADOWS = (
    (0.45, 0.66, 0.35),
    (0.62, 0.70, 0.34),
    (0.33, 0.60, 0.47),
    (0.80, 0.66, 0.42),
    (0.56, 0.52, 0.66),
    (0.40, 0.56, 0.62),
)
_FURS = (
    (0.93, 0.55, 0.30),
    (0.86, 0.38, 0.42),
    (0.56, 0.44, 0.78),
    (0.30, 0.60, 0.80),
    (0.34, 0.68, 0.56),
    (0.95, 0.74, 0.34),
    (0.70, 0.52, 0.42),
    (0.92, 0.60, 0.70),
)
_HATS = ((0.20, 0.22, 0.36), (0.62, 0.16, 0.24), (0.14, 0.40, 0.42), (0.42, 0.26, 0.50))

ROAM_X, ROAM_Y, ROAM_ARM = (68.0, 188.0), (24.0, 130.0), (-0.75, 1.25)
"""Where a creature, and the sun and the cloud, may be when a long drag has moved them, and how far an arm swings."""


@dataclass(frozen=True)
class Scene:
    """Everything that is needed to draw one picture; every field is a number or an RGB colour in 0..1."""

    # background
    sky_top: tuple[float, float, float]
    sky_low: tuple[float, float, float]
    meadow: tuple[float, float, float]
    light: float  # -1: from the left, +1: from the right
    sun_x: float
    sun_y: float
    sun_r: float
    cloud_x: float
    cloud_y: float
    cloud_r: float
    hill_x: float
    hill_h: float
    ground_y: float
    # creature
    x: float  # of the body
    y: float  # of the feet
    scale: float
    side: float  # +1: the tail is on the right
    fur: tuple[float, float, float]
    belly: tuple[float, float, float]
    stripes: float  # 0: plain fur, 1: striped
    body_w: float
    body_h: float
    head_r: float
    head_dx: float
    head_dy: float
    ear_len: float
    ear_spread: float
    arm_len: float
    arm_l: float  # angle above the horizontal
    arm_r: float
    tail_len: float
    tail_up: float  # angle above the horizontal
    mouth: float  # opening
    has_hat: float
    hat_h: float
    hat: tuple[float, float, float]

    @classmethod
    def sample(cls, rng: np.random.Generator) -> Scene:
        """Draw a random scene; the same generator state gives the same scene."""

        def colour(palette: tuple, jitter: float) -> tuple[float, float, float]:
            base = np.array(palette[rng.integers(len(palette))])
            return tuple(float(v) for v in np.clip(base + rng.uniform(-jitter, jitter, 3), 0, 1))

        sky = _SKIES[rng.integers(len(_SKIES))]
        u = rng.uniform
        side = float(rng.choice((-1.0, 1.0)))
        fur = colour(_FURS, 0.05)
        has_hat = float(rng.random() < 0.4)
        light = float(rng.choice((-1.0, 1.0)))
        # the arm beside the tail points up, so that the two seldom overlap
        free, beside = u(-0.75, 0.95), u(0.3, 1.05)
        sun_x = u(24, 62) if light < 0 else u(194, 232)
        cloud_x = u(184, 222) if light < 0 else u(34, 72)
        return cls(
            sky_top=sky[0],
            sky_low=sky[1],
            meadow=colour(_MEADOWS, 0.04),
            light=light,
            sun_x=sun_x,
            sun_y=u(26, 96),
            sun_r=u(17, 23),
            cloud_x=cloud_x,
            cloud_y=u(26, 96),
            cloud_r=u(14, 18),
            hill_x=u(0, 256),
            hill_h=u(18, 46),
            ground_y=u(158, 182),
            x=u(100, 156),
            y=u(216, 236),
            scale=u(0.86, 1.04),
            side=side,
            fur=fur,
            belly=tuple(float(v) for v in np.clip(np.array(fur) * 0.35 + np.array((0.64, 0.62, 0.56)), 0, 1)),
            stripes=float(rng.random() < 0.5),
            body_w=u(36, 45),
            body_h=u(42, 50),
            head_r=u(38, 44),
            head_dx=u(-18, 18),
            head_dy=u(-4, 6),
            ear_len=u(22, 66),
            ear_spread=u(0.18, 0.62) + 0.45 * has_hat,
            arm_len=u(42, 54),
            arm_l=beside if side < 0 else free,
            arm_r=free if side < 0 else beside,
            tail_len=u(48, 64),
            tail_up=u(-0.2, 0.6),
            mouth=u(3, 30),
            has_hat=has_hat,
            hat_h=u(24, 62),
            hat=colour(_HATS, 0.03),
        )

    def roaming(self, rng: np.random.Generator) -> Scene:
        """The scene with everything that long drags move anywhere they may take it."""
        return replace(
            self,
            x=rng.uniform(*ROAM_X),
            sun_y=rng.uniform(*ROAM_Y),
            cloud_y=rng.uniform(*ROAM_Y),
            arm_l=rng.uniform(*ROAM_ARM),
            arm_r=rng.uniform(*ROAM_ARM),
        )


def scene(seed: int) -> Scene:
    """The held-out scene number ``seed``; training never draws from these (it seeds with a pair)."""
    return Scene.sample(np.random.default_rng(seed))


def anchors(s: Scene) -> dict[str, tuple[float, float]]:
    """Named points of the scene, (x, y) in pixels: what a person would take hold of."""
    k = s.scale
    bx, by = s.x, s.y - k * (s.body_h + 6)
    hx, hy = bx + k * s.head_dx, by - k * (s.body_h + s.head_r * 0.62 - s.head_dy)
    r = k * s.head_r
    out = {"belly": (bx, by), "head": (hx, hy), "nose": (hx, hy + 0.16 * r), "brow": (hx, hy - 0.45 * r)}
    for name, sign in (("l", -1.0), ("r", 1.0)):
        out[f"foot_{name}"] = (bx + sign * k * s.body_w * 0.55, s.y - 6 * k)
        out[f"eye_{name}"] = (hx + sign * 0.42 * r, hy - 0.14 * r)
        angle = -math.pi / 2 + sign * s.ear_spread
        base = (hx + 0.80 * r * math.cos(angle), hy + 0.80 * r * math.sin(angle))
        out[f"ear_base_{name}"] = base
        out[f"ear_{name}"] = (base[0] + k * s.ear_len * math.cos(angle), base[1] + k * s.ear_len * math.sin(angle))
        shoulder = (bx + sign * k * s.body_w * 0.74, by - k * s.body_h * 0.40)
        lift = s.arm_l if sign < 0 else s.arm_r
        out[f"shoulder_{name}"] = shoulder
        out[f"hand_{name}"] = (
            shoulder[0] + sign * k * s.arm_len * math.cos(lift),
            shoulder[1] - k * s.arm_len * math.sin(lift),
        )
    hip = (bx + s.side * k * s.body_w * 0.62, by + k * s.body_h * 0.55)
    out["hip"] = hip
    out["tail"] = (
        hip[0] + s.side * k * s.tail_len * math.cos(s.tail_up),
        hip[1] - k * s.tail_len * math.sin(s.tail_up),
    )
    lip = hy + 0.40 * r
    out["lip"] = (hx, lip)
    out["chin"] = (hx, lip + k * (s.mouth + 7))
    brim = hy - 0.74 * r
    out["brim"] = (hx, brim)
    out["hat"] = (hx, brim - k * s.hat_h)
    out["sun"] = (s.sun_x, s.sun_y)
    out["cloud"] = (s.cloud_x, s.cloud_y)
    return out


class _Canvas:
    """Anti-aliased, softly shaded shapes from signed distances, painted back to front."""

    def __init__(self, size: int, light: float):
        self.k = size / SIZE
        axis = (np.arange(size, dtype=np.float32) + 0.5) / self.k - 0.5
        self.x, self.y = axis[None, :], axis[:, None]
        self.rgb = np.zeros((size, size, 3), np.float32)
        direction = np.array((0.50 * light, -0.62, 0.60), np.float32)
        self.light = direction / np.linalg.norm(direction)

    def _box(self, x0: float, y0: float, x1: float, y1: float) -> tuple[slice, slice]:
        size = self.rgb.shape[0]
        lo = [min(max(math.floor((v + 0.5) * self.k), 0), size) for v in (x0, y0)]
        hi = [min(max(math.ceil((v + 1.5) * self.k), 0), size) for v in (x1, y1)]
        return slice(lo[1], hi[1]), slice(lo[0], hi[0])

    def _mix(self, box, colour, alpha) -> None:
        area = self.rgb[box]
        area += alpha[..., None] * (np.asarray(colour, np.float32) - area)

    def _shade(self, box, colour, distance, nx, ny, gloss: float) -> None:
        """Composite clay: Lambert light on the dome whose normal is (nx, ny, sqrt(1 - nx^2 - ny^2))."""
        nz = np.sqrt(np.maximum(1 - nx * nx - ny * ny, 0.02))
        lambert = nx * self.light[0] + ny * self.light[1] + nz * self.light[2]
        tone = 0.66 + 0.42 * lambert
        body = np.asarray(colour, np.float32) * tone[..., None]
        body += (gloss * np.maximum(lambert, 0) ** 12)[..., None]
        alpha = np.clip(0.5 - distance * self.k, 0, 1)
        self._mix(box, np.clip(body, 0, 1), alpha)

    def shadow(self, x, y, a, b, strength: float) -> None:
        """A soft dark ellipse."""
        box = self._box(x - a, y - b, x + a, y + b)
        q = ((self.x[:, box[1]] - x) / a) ** 2 + ((self.y[box[0]] - y) / b) ** 2
        self.rgb[box] *= 1 - strength * (np.clip(1 - q, 0, 1) ** 1.5)[..., None]

    def ellipse(
        self, x, y, a, b, colour, *, flat: float = 1.0, gloss: float = 0.10, cast: float = 0.0, stripes=None
    ) -> None:
        """``flat`` below 1 shades less of a dome; ``cast`` is the strength of the shadow on what lies behind."""
        if cast:
            self.shadow(x - 3 * np.sign(self.light[0]), y + 5, a * 1.22, b * 1.22, cast)
        box = self._box(x - a - 2, y - b - 2, x + a + 2, y + b + 2)
        u, v = (self.x[:, box[1]] - x) / a, (self.y[box[0]] - y) / b
        q = np.sqrt(u * u + v * v)
        slope = np.sqrt((u / a) ** 2 + (v / b) ** 2) / np.maximum(q, 1e-3)
        distance = (q - 1) / np.maximum(slope, 1e-3)
        tone = np.broadcast_to(np.asarray(colour, np.float32), (*q.shape, 3))
        if stripes is not None:
            wave = np.clip(0.5 + 1.6 * np.sin(v * 8.0 + 2.2 * u * u), 0, 1) * np.clip(6 * (np.abs(u) - 0.42), 0, 1)
            tone = tone + (0.55 * wave)[..., None] * (np.asarray(stripes, np.float32) - tone)
        self._shade(box, tone, distance, np.clip(u * flat, -0.99, 0.99), np.clip(v * flat, -0.99, 0.99), gloss)

    def limb(self, p, q, r0, r1, colour, *, gloss: float = 0.08, cast: float = 0.0) -> None:
        """A rounded limb from ``p`` (radius r0) to ``q`` (radius r1)."""
        (x0, y0), (x1, y1), r = p, q, max(r0, r1)
        if cast:
            for t in (0.25, 0.5, 0.75, 1.0):
                self.shadow(x0 + t * (x1 - x0), y0 + t * (y1 - y0) + 4, r * 1.4, r * 1.4, cast * 0.5)
        box = self._box(min(x0, x1) - r - 2, min(y0, y1) - r - 2, max(x0, x1) + r + 2, max(y0, y1) + r + 2)
        dx, dy = x1 - x0, y1 - y0
        px, py = self.x[:, box[1]] - x0, self.y[box[0]] - y0
        t = np.clip((px * dx + py * dy) / max(dx * dx + dy * dy, 1e-6), 0, 1)
        radius = r0 + t * (r1 - r0)
        ex, ey = px - t * dx, py - t * dy
        distance = np.sqrt(ex * ex + ey * ey) - radius
        tone = np.broadcast_to(np.asarray(colour, np.float32), (*t.shape, 3))
        self._shade(box, tone, distance, np.clip(ex / radius, -0.99, 0.99), np.clip(ey / radius, -0.99, 0.99), gloss)


def _dark(colour, amount: float) -> np.ndarray:
    return np.asarray(colour, np.float32) * (1 - amount)


def _background(c: _Canvas, s: Scene) -> None:
    t = np.clip(c.y / 190, 0, 1)[..., None]
    c.rgb[:] = np.asarray(s.sky_top, np.float32) * (1 - t) + np.asarray(s.sky_low, np.float32) * t
    glow = np.exp(-((c.x - s.sun_x) ** 2 + (c.y - s.sun_y) ** 2) / (2 * (1.35 * s.sun_r) ** 2))
    c._mix((slice(None), slice(None)), (1.0, 0.95, 0.78), 0.40 * glow)
    c.ellipse(s.sun_x, s.sun_y, s.sun_r, s.sun_r, (1.0, 0.86, 0.42), flat=0.55, gloss=0.05)
    r = s.cloud_r
    for dx, dy, k in ((-1.15, 0.20, 0.78), (1.20, 0.22, 0.72), (0.0, -0.18, 1.0)):
        c.ellipse(s.cloud_x + dx * r, s.cloud_y + dy * r, k * r * 1.12, k * r, (0.99, 0.98, 0.99), flat=0.6, gloss=0.0)
    # two rows of hills, hazy behind and clear in front
    far = s.ground_y - s.hill_h * (0.55 + 0.45 * np.cos((c.x - s.hill_x) * (2 * math.pi / 230)))
    haze = np.asarray(s.meadow, np.float32) * 0.45 + np.asarray(s.sky_low, np.float32) * 0.5
    c._mix((slice(None), slice(None)), haze, np.clip((c.y - far) * c.k + 0.5, 0, 1))
    near = s.ground_y + 10 * np.cos((c.x - s.hill_x - 90) * (2 * math.pi / 300))
    depth = c.y - near
    tone = 1.04 - 0.0024 * depth + 0.045 * np.sin(depth * 0.30 + 1.5 * np.sin(c.x * 0.045 + s.hill_x))
    c._mix(
        (slice(None), slice(None)), np.asarray(s.meadow, np.float32) * tone[..., None], np.clip(depth * c.k + 0.5, 0, 1)
    )


def _creature(c: _Canvas, s: Scene) -> None:
    k, p, fur = s.scale, anchors(s), np.asarray(s.fur, np.float32)
    bx, by = p["belly"]
    hx, hy = p["head"]
    r = k * s.head_r
    c.shadow(bx, s.y, k * s.body_w * 1.7, 15 * k, 0.55)
    # behind the body: tail
    tip = p["tail"]
    c.limb(p["hip"], tip, 9 * k, 17 * k, _dark(fur, 0.16))
    c.ellipse(*tip, 17 * k, 17 * k, s.belly, gloss=0.12)
    for name in ("foot_l", "foot_r"):
        c.ellipse(*p[name], 18 * k, 12 * k, _dark(fur, 0.14), cast=0.25)
    dark = _dark(fur, 0.42)
    c.ellipse(bx, by, k * s.body_w, k * s.body_h, fur, stripes=dark if s.stripes else None)
    c.ellipse(bx, by + 6 * k, 0.62 * k * s.body_w, 0.68 * k * s.body_h, s.belly, flat=0.8, gloss=0.04)
    for name in ("l", "r"):
        hand = p[f"hand_{name}"]
        c.limb(p[f"shoulder_{name}"], hand, 12 * k, 12 * k, fur, cast=0.20)
        c.ellipse(*hand, 15 * k, 15 * k, s.belly, gloss=0.12)
    for name in ("l", "r"):
        base, end = p[f"ear_base_{name}"], p[f"ear_{name}"]
        c.limb(base, end, 15 * k, 13 * k, _dark(fur, 0.04))
        inner = tuple(base[i] + 0.35 * (end[i] - base[i]) for i in (0, 1))
        c.limb(inner, end, 7.5 * k, 7 * k, np.asarray(s.belly) * 0.5 + np.array((0.48, 0.25, 0.28)), gloss=0.0)
    # head, with its shadow on the body
    c.ellipse(hx, hy, 1.06 * r, r, fur, cast=0.38, stripes=dark if s.stripes else None)
    _face(c, s, p, r)
    if s.has_hat:
        (x, y), top = p["brim"], p["hat"][1]
        c.shadow(x, y + 5 * k, 40 * k, 12 * k, 0.35)
        c.limb((x, y - 8 * k), (x, top + 12 * k), 23 * k, 22 * k, s.hat, gloss=0.06)
        c.limb((x - 12 * k, y - 9 * k), (x + 12 * k, y - 9 * k), 10 * k, 10 * k, np.asarray(s.belly) * 0.9, gloss=0.0)
        c.limb((x - 29 * k, y), (x + 29 * k, y), 8 * k, 8 * k, s.hat, gloss=0.06)
        c.ellipse(x, top + 4 * k, 15 * k, 9 * k, np.asarray(s.hat) + 0.22, flat=0.5, gloss=0.0)


def _face(c: _Canvas, s: Scene, p: dict, r: float) -> None:
    k, (hx, hy) = s.scale, p["head"]
    lip, chin = p["lip"][1], p["chin"][1]
    # the muzzle grows downwards with the mouth, so that opening it moves the chin
    top = hy - 0.06 * r
    c.ellipse(hx, (top + chin + 5 * k) / 2, 23 * k, (chin + 5 * k - top) / 2, s.belly, flat=0.8, gloss=0.04, cast=0.18)
    c.ellipse(
        hx,
        (lip + chin - 4 * k) / 2,
        14 * k,
        max(chin - 4 * k - lip, 2) / 2 + 1.5,
        (0.36, 0.12, 0.16),
        flat=0.3,
        gloss=0.0,
    )
    # upper teeth, and a tongue that hangs over the chin: what a person takes hold of to open the mouth
    c.limb((hx - 6 * k, lip + k), (hx + 6 * k, lip + k), 3.2 * k, 3.2 * k, (0.98, 0.97, 0.94), gloss=0.05)
    root = (hx, lip + k * (5 + 0.3 * s.mouth))
    c.limb(root, p["chin"], 8 * k, 9 * k, (0.90, 0.42, 0.46), gloss=0.12)
    c.limb(root, (hx, chin - k), 1.8 * k, 1.8 * k, (0.68, 0.24, 0.32), gloss=0.0)
    c.ellipse(*p["nose"], 9 * k, 6.5 * k, (0.22, 0.15, 0.17), gloss=0.35)
    for name in ("l", "r"):
        x, y = p[f"eye_{name}"]
        c.ellipse(x, y, 10.5 * k, 11.5 * k, (0.99, 0.98, 0.96), flat=0.5, gloss=0.0, cast=0.15)
        c.ellipse(x, y + 1 * k, 7.6 * k, 8.8 * k, (0.13, 0.11, 0.15), flat=0.6, gloss=0.2)
        c.ellipse(x + 2.5 * k * s.light, y - 2.5 * k, 3 * k, 3 * k, (1, 1, 1), flat=0.1, gloss=0.0)


def render(s: Scene, size: int = SIZE) -> np.ndarray:
    """Draw the scene: ``(size, size, 3)`` uint8 sRGB."""
    canvas = _Canvas(size, s.light)
    _background(canvas, s)
    _creature(canvas, s)
    return np.round(np.clip(canvas.rgb, 0, 1) * 255).astype(np.uint8)
