"""Rooms as a camera sees them, by ray casting: the picture, and the exact maps of every pixel.

The ray of the pixel in column u and row v is ``turn @ ((u + 1/2 - W/2) / f, (v + 1/2 - H/2) / f,
1)`` with the focal length f in pixels. It is not made a unit vector, so t is the depth along the
axis.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from mtl_cli.dataset.maps.rays import (
    Vector,
    along,
    ball_interval,
    cuboid_interval,
    dot,
    turned,
)
from mtl_cli.dataset.maps.rooms import BALL, FACES, NUM_BALLS, NUM_CUBOIDS, Rooms

NEAREST = 0.05  # m; what is nearer is behind the lens
FIRST_BALL = len(FACES) + NUM_CUBOIDS


@dataclass(frozen=True)
class Views:
    """What S cameras see, without anything missing.

    Args:
        image: light that reaches each pixel, 1 is white, [S, 3, H, W].
        surface: which surface of the room each pixel shows, [S, H, W].
        kind: its class, [S, H, W].
        labelled: whether its class is known, [S, H, W].
        depth: along the camera's axis, in metres, [S, H, W].
        normals: unit vectors in the camera's axes that point at it, [S, 3, H, W].
        grazing: the sine of the angle between ray and surface, [S, H, W].
    """

    image: np.ndarray
    surface: np.ndarray
    kind: np.ndarray
    labelled: np.ndarray
    depth: np.ndarray
    normals: np.ndarray
    grazing: np.ndarray


@dataclass(frozen=True)
class Hits:
    """Where the rays meet something first: ``t``, the ``surface``, and the ``point`` and
    ``normal`` in the world's axes; ``local``, the point in the thing's own."""

    surface: np.ndarray
    point: Vector
    normal: Vector
    local: Vector


def render(rooms: Rooms, height: int, width: int) -> Views:
    """The views of all rooms, in single precision."""
    count = len(rooms.scene)
    rays = camera_rays(rooms, height, width)
    eye = [rooms.eye[:, i : i + 1] for i in range(3)]
    t, thing = first_hits(rooms, eye, rays)
    hits = look_up(rooms, along(eye, t, rays), thing)
    light = lit(rooms, hits)
    colour = albedo(rooms, hits) * (rooms.cast[:, None] * light[..., None])  # [S, P, 3]
    turn = rooms.turn[..., None]
    normal = np.stack([dot(hits.normal, [turn[:, k, i] for k in range(3)]) for i in range(3)], 1)
    length = np.sqrt(dot(rays, rays))
    kinds = np.concatenate(
        [
            np.broadcast_to(FACES, (count, len(FACES))),
            rooms.cuboid_kind,
            np.full((count, NUM_BALLS), BALL),
        ],
        1,
    )
    shape = (count, height, width)
    return Views(
        image=np.moveaxis(colour, 2, 1).reshape(count, 3, height, width),
        surface=hits.surface.reshape(shape),
        kind=np.take_along_axis(kinds, hits.surface, 1).reshape(shape),
        labelled=np.take_along_axis(rooms.labelled, hits.surface, 1).reshape(shape),
        depth=t.reshape(shape),
        normals=normal.reshape(count, 3, height, width),
        grazing=(-dot(hits.normal, rays) / length).reshape(shape),
    )


def camera_rays(rooms: Rooms, height: int, width: int) -> Vector:
    """The rays of all pixels in the world's axes, row by row."""
    focal = rooms.focal[:, None] * width
    u, v = np.meshgrid(
        np.arange(width, dtype=np.float32) + np.float32((1 - width) / 2),
        np.arange(height, dtype=np.float32) + np.float32((1 - height) / 2),
    )
    x, y = u.ravel() / focal, v.ravel() / focal  # [S, P]
    turn = rooms.turn[..., None]
    return [turn[:, i, 0] * x + turn[:, i, 1] * y + turn[:, i, 2] for i in range(3)]


def first_hits(rooms: Rooms, eye: Vector, rays: Vector) -> tuple[np.ndarray, np.ndarray]:
    """The t of the nearest hit, and of what: -1 the room, then cuboids, then balls, [S, P]."""
    origin = [eye[i] - rooms.centre[:, i : i + 1] for i in range(3)]
    half = [rooms.half[:, i : i + 1] for i in range(3)]
    _, nearest = cuboid_interval(origin, rays, half)
    thing = np.full(nearest.shape, -1)
    for number, (enter, leave) in enumerate(intervals(rooms, eye, rays)):
        hit = (enter <= leave) & (enter > NEAREST) & (enter < nearest)
        nearest = np.where(hit, enter, nearest)
        thing[hit] = number
    return nearest, thing


def intervals(
    rooms: Rooms, origin: Vector, rays: Vector
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Where the rays enter and leave each cuboid, then each ball."""
    for i in range(NUM_CUBOIDS):
        own = [o - rooms.cuboid_centre[:, i, k, None] for k, o in enumerate(origin)]
        turn = rooms.cuboid_turn[:, i, None]
        cos, sin = np.cos(turn), np.sin(turn)
        there = rooms.cuboid_kind[:, i, None] >= 0
        half = [rooms.cuboid_half[:, i, k, None] for k in range(3)]
        enter, leave = cuboid_interval(turned(own, cos, sin), turned(rays, cos, sin), half)
        yield np.where(there, enter, np.inf), leave
    for i in range(NUM_BALLS):
        own = [o - rooms.ball_centre[:, i, k, None] for k, o in enumerate(origin)]
        yield ball_interval(own, rays, rooms.ball_radius[:, i, None])


def look_up(rooms: Rooms, point: Vector, thing: np.ndarray) -> Hits:
    """Which surface each point is on, and its normal there."""
    zero = np.zeros_like(rooms.cuboid_turn[:, :1])
    turn = np.concatenate([zero, rooms.cuboid_turn, np.zeros_like(rooms.ball_radius)], 1)
    centre = np.concatenate([rooms.centre[:, None], rooms.cuboid_centre, rooms.ball_centre], 1)
    ball_half = np.repeat(np.maximum(rooms.ball_radius, 1e-3)[..., None], 3, 2)
    half = np.concatenate([rooms.half[:, None], rooms.cuboid_half, ball_half], 1)
    own = thing + 1  # [S, P], into the concatenated
    turn, number = np.take_along_axis(turn, own, 1), np.arange(len(thing))[:, None]
    cos, sin = np.cos(turn), np.sin(turn)
    local = turned([p - centre[number, own, k] for k, p in enumerate(point)], cos, sin)
    part = np.stack([x / half[number, own, k] for k, x in enumerate(local)])  # [3, S, P]
    axis = np.abs(part).argmax(0)
    side = np.take_along_axis(part, axis[None], 0)[0] > 0
    in_room, is_ball = thing < 0, thing >= NUM_CUBOIDS
    sign = np.where(side ^ in_room, np.float32(1), np.float32(-1))  # into the room
    flat = [np.where(axis == k, sign, np.float32(0)) for k in range(3)]
    ball = part / np.sqrt((part**2).sum(0))
    normal = [np.where(is_ball, ball[k], flat[k]) for k in range(3)]
    surface = np.where(in_room, 2 * axis + side, thing + len(FACES))
    return Hits(surface, point, turned(normal, cos, -sin), local)


def albedo(rooms: Rooms, hits: Hits) -> np.ndarray:
    """The colour of each point in white light, [S, P, 3]."""
    number, surface = np.arange(len(hits.surface))[:, None], hits.surface
    wave: np.ndarray = rooms.contrast[number, surface]
    for i in range(2):
        vector = [rooms.waves[number, surface, i, k] for k in range(3)]
        wave = wave * np.sin(dot(vector, hits.local) + rooms.phases[number, surface, i])
    mix = np.clip(0.5 + wave, 0, 1)[..., None]
    first, second = (rooms.colours[number, surface, i] for i in range(2))
    return first + mix * (second - first)


def lit(rooms: Rooms, hits: Hits) -> np.ndarray:
    """How much light falls on each point, [S, P]: from everywhere, and from the lamp where no
    cuboid and no ball is in the way. The room is convex and hides nothing."""
    to_light = [rooms.light[:, k, None] - p for k, p in enumerate(hits.point)]
    square = dot(to_light, to_light)
    cosine = np.maximum(dot(hits.normal, to_light), 0) / np.sqrt(square)
    start = along(hits.point, np.full_like(cosine, 1e-3), hits.normal)
    free = np.ones(square.shape, bool)
    for enter, leave in intervals(rooms, start, to_light):
        free &= ~((enter <= leave) & (leave > 0) & (enter < 1))
    far = (rooms.half**2).mean(1)[:, None]  # m2, at which the lamp is as bright as it says
    direct = rooms.lamp[:, None] * cosine * np.minimum(far / square, 3)
    return rooms.ambient[:, None] + np.where(free, direct, 0)
