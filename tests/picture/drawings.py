"""Masks to draw: a plain way of drawing them, and what a hostile or a busy person sends."""

import itertools
import math
import random

import numpy as np

from gooddrag.picture.value import MAX_SHAPE_POINTS, MAX_SHAPES, Shape


def plain(shapes, width, height):
    """The mask, every shape judged at every pixel."""
    y, x = np.mgrid[:height, :width].astype(float)
    mask = np.zeros((height, width), np.float32)
    for s in shapes:
        if s.kind in ("fill", "clear"):
            mask[:] = s.kind == "fill"
        elif s.kind == "invert":
            mask = 1 - mask
        elif s.kind == "grow":
            mask = grown(mask > 0, s.size).astype(np.float32)
        else:
            alpha = {"brush": stroke, "lasso": inside, "rectangle": between}[s.kind](s, x, y).astype(np.float32)
            mask = np.minimum(mask, 1 - alpha) if s.erase else np.maximum(mask, alpha)
    return mask


def stroke(s, x, y):
    radius = s.size / 2
    alpha = np.zeros(x.shape)
    for (x0, y0), (x1, y1) in itertools.pairwise(s.points if len(s.points) > 1 else s.points * 2):
        dx, dy, length = x1 - x0, y1 - y0, (x1 - x0) * (x1 - x0) + (y1 - y0) * (y1 - y0)
        t = np.clip(((x - x0) * dx + (y - y0) * dy) / length, 0, 1) if length > 0 else 0.0
        distance = np.sqrt((x - x0 - t * dx) ** 2 + (y - y0 - t * dy) ** 2)
        if s.hardness < 1:
            alpha = np.maximum(alpha, np.clip((radius - distance) / (radius - radius * s.hardness), 0, 1))
        else:
            alpha = np.maximum(alpha, distance <= radius)
    return alpha


def inside(s, x, y):
    odd = np.zeros(x.shape, bool)
    for (x0, y0), (x1, y1) in zip(s.points, (*s.points[1:], s.points[0])):
        if y0 != y1:
            odd ^= ((y0 <= y) != (y1 <= y)) & (x0 + (y - y0) * (x1 - x0) / (y1 - y0) > x)
    return odd


def between(s, x, y):
    (x0, x1), (y0, y1) = (sorted(p[i] for p in s.points) for i in (0, 1))
    return (x0 <= x) & (x <= x1) & (y0 <= y) & (y <= y1)


def grown(region, radius):
    if radius < 0:
        return ~grown(~region, -radius)
    out = region.copy()
    if radius >= 1:
        y, x = np.nonzero(region)
        for row, col in np.ndindex(region.shape):
            out[row, col] |= bool(((x - col) ** 2 + (y - row) ** 2 <= radius * radius).any())
    return out


def mixed(rng: random.Random, width: int, height: int, most: int = 10) -> list[Shape]:
    """A few shapes of all kinds, often on whole pixels, where edges are decided."""
    whole = rng.random() < 0.4

    def point():
        x, y = rng.uniform(-0.3, 1.3) * width, rng.uniform(-0.3, 1.3) * height
        return (float(round(x)), float(round(y))) if whole else (x, y)

    def points(*counts):
        return tuple(point() for _ in range(rng.choice(counts)))

    def shape(kind):
        erase = rng.random() < 0.4
        if kind == "brush":
            size = rng.choice([0.5, 1, 2 * rng.randint(1, 20), rng.uniform(0.5, 150), 9999])
            return Shape(
                kind, points(1, 1, 2, 5, 30), erase, float(size), rng.choice([1.0, 1.0, 0.5, 0.0, rng.random()])
            )
        if kind == "grow":
            return Shape(
                kind, size=float(rng.choice([rng.uniform(-20, 20), rng.randint(-9, 9), rng.randint(-256, 256)]))
            )
        if kind in ("lasso", "rectangle"):
            return Shape(kind, points(2) if kind == "rectangle" else points(3, 5, 50), erase)
        return Shape(kind)

    kinds = ["brush"] * 5 + [
        "lasso",
        "rectangle",
        "rectangle",
        "grow",
        "invert",
        rng.choice(["fill", "clear", "brush"]),
    ]
    return [shape(rng.choice(kinds)) for _ in range(rng.randint(1, most))]


def path(rng: random.Random, count: int, step: float, side: float) -> tuple[tuple[float, float], ...]:
    """A line as a hand draws it, kept in the picture."""
    x, y, angle = rng.uniform(0, side), rng.uniform(0, side), rng.uniform(0, 2 * math.pi)
    points = []
    for _ in range(count):
        angle += rng.gauss(0, 0.3)
        x, y = x + step * math.cos(angle), y + step * math.sin(angle)
        if not (0 < x < side and 0 < y < side):
            x, y, angle = min(max(x, 0.0), side), min(max(y, 0.0), side), angle + math.pi / 2
        points.append((x, y))
    return tuple(points)


def hostile(rng: random.Random, side: float) -> list[Shape]:
    """Much of a few kinds of shapes, within the value's limits."""

    def point(spread):
        return rng.uniform(-spread, 1 + spread) * side, rng.uniform(-spread, 1 + spread) * side

    def one(kind, count, sizes, erase):
        if kind == "brush":
            hardness = rng.choice([1.0, 1.0, 0.0, 0.5, rng.random()])
            return Shape(kind, points(count), erase, rng.uniform(*sizes), hardness)
        if kind == "grow":
            return Shape(kind, size=rng.choice([rng.uniform(-256, 256), 256.0, -256.0, 1.0, 8.0]))
        if kind in ("lasso", "rectangle"):
            return Shape(kind, points(2 if kind == "rectangle" else max(count, 3)), erase)
        return Shape(kind)

    def points(count):
        if jitter:
            return tuple((side / 2 + rng.uniform(-3, 3), side / 2 + rng.uniform(-3, 3)) for _ in range(count))
        return path(rng, count, rng.choice([1, 5, 20]), side) if drawn else tuple(point(spread) for _ in range(count))

    shapes: list[Shape] = []
    drawn, jitter, spread = rng.random() < 0.4, rng.random() < 0.1, rng.choice([0.0, 0.3, 100.0])
    kinds = rng.sample(
        ["brush", "brush", "brush", "lasso", "rectangle", "grow", "invert", "fill", "clear"], rng.randint(1, 3)
    )
    count = int(10 ** rng.uniform(0, math.log10(MAX_SHAPES)))
    each = max(1, int(10 ** rng.uniform(0, 5)) // count)
    sizes = rng.choice([(0.5, 3), (5, 60), (60, 400), (400, 3000), (9000, 10_000), (0.5, 10_000)])
    erasing = rng.choice([0, 0.2, 0.5])
    left = MAX_SHAPE_POINTS // 2
    for i in range(count):
        shapes.append(one(kinds[i % len(kinds)], each, sizes, rng.random() < erasing))
        left -= len(shapes[-1].points)
        if left < each + 3:
            break
    return shapes
