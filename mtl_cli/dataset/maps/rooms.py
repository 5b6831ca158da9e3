"""Rooms drawn by chance: what stands where, how it is coloured, and who looks at it.

Lengths are in metres. The world's x points right, y down and z forward, as the camera's does. What
a thing is decides its shape and its place alone: colours, textures and light are drawn for every
surface alike, so that a pixel's colour says nothing of its class.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

CLASSES = ["floor", "wall", "ceiling", "box", "ball", "table", "screen"]
FLOOR, WALL, CEILING, BOX, BALL, TABLE, SCREEN = range(len(CLASSES))
FACES = (WALL, WALL, CEILING, FLOOR, WALL, WALL)  # of a room: -x, +x, -y, +y, -z, +z
SCENES = ["storage", "playroom", "office", "corridor"]
NUM_CUBOIDS, NUM_BALLS = 5, 3
NUM_SURFACES = len(FACES) + NUM_CUBOIDS + NUM_BALLS  # in this order

# How likely each cuboid is to be nothing, a box, a table or a screen, and each ball to be there.
CUBOIDS = np.array([[0.1, 0.8, 0.05, 0.05], [0.6, 0.2, 0.1, 0.1], [0.1, 0.1, 0.45, 0.35]])
CUBOIDS = np.concatenate([CUBOIDS, [[0.4, 0.2, 0.2, 0.2]]])  # [scene, nothing or kind]
BALLS = np.array([0.1, 0.95, 0.15, 0.4])  # [scene]


@dataclass(frozen=True)
class Rooms:
    """S rooms; every field has a first dimension of S.

    Args:
        scene: which of `SCENES` each is, [S].
        centre, half: of the room, [S, 3].
        cuboid_centre, cuboid_half: [S, C, 3].
        cuboid_turn: about the vertical axis, in radians, [S, C].
        cuboid_kind: the class, -1: there is none, [S, C].
        ball_centre: [S, N, 3].
        ball_radius: 0: there is none, [S, N].
        colours: the two colours of each surface, from 0 to 1, [S, M, 2, 3].
        waves: two wave vectors that mix the colours, in 1/m, in the surface's axes, [S, M, 2, 3].
        phases: of the waves, [S, M, 2].
        contrast: 0: of one colour; large: the colours meet in sharp borders, [S, M].
        labelled: whether the class of a surface is known, [S, M].
        light: where the lamp is, [S, 3].
        lamp, ambient: how bright the lamp and the light from everywhere are, [S].
        cast: the colour of the light, [S, 3].
        eye: where the camera is, [S, 3].
        turn: the camera's axes as columns, in the world's, [S, 3, 3].
        focal: the focal length by the picture's width, [S].
    """

    scene: np.ndarray
    centre: np.ndarray
    half: np.ndarray
    cuboid_centre: np.ndarray
    cuboid_half: np.ndarray
    cuboid_turn: np.ndarray
    cuboid_kind: np.ndarray
    ball_centre: np.ndarray
    ball_radius: np.ndarray
    colours: np.ndarray
    waves: np.ndarray
    phases: np.ndarray
    contrast: np.ndarray
    labelled: np.ndarray
    light: np.ndarray
    lamp: np.ndarray
    ambient: np.ndarray
    cast: np.ndarray
    eye: np.ndarray
    turn: np.ndarray
    focal: np.ndarray

    def __post_init__(self) -> None:
        for own in fields(self):
            value = getattr(self, own.name)
            if value.dtype == np.float64:
                object.__setattr__(self, own.name, value.astype(np.float32))


def draw_rooms(draw: np.random.Generator, count: int, unlabelled: float) -> Rooms:
    """Draws ``count`` rooms; of their surfaces, the share ``unlabelled`` has no class."""
    scene = draw.integers(len(SCENES), size=count)
    corridor = (scene == SCENES.index("corridor"))[:, None]
    low = np.where(corridor, [1.0, 1.2, 4.5], [2.2, 1.2, 2.2])
    high = np.where(corridor, [1.5, 1.6, 6.0], [4.0, 1.6, 4.0])
    half = draw.uniform(low, high)
    # The floor is y = 0; the camera stands in the back half of the room, and looks to the front.
    centre = np.stack([np.zeros(count), -half[:, 1], np.zeros(count)], 1)
    eye = np.stack(
        [
            draw.uniform(-0.4, 0.4, count) * half[:, 0],
            -draw.uniform(0.9, 1.9, count),
            -draw.uniform(0.4, 0.85, count) * half[:, 2],
        ],
        1,
    )
    yaw = draw.uniform(-0.5, 0.5, count) * np.where(corridor[:, 0], 0.4, 1.0)
    pitch, roll = draw.uniform(-0.05, 0.45, count), draw.uniform(-0.08, 0.08, count)
    kind, size, above = draw_cuboids(draw, scene)
    there = draw.random((count, NUM_BALLS)) < BALLS[scene][:, None]
    radius = np.where(there, np.exp(draw.uniform(np.log(0.12), np.log(0.5), there.shape)), 0)
    view = eye, yaw, half
    return Rooms(
        scene=scene,
        centre=centre,
        half=half,
        cuboid_centre=placed(draw, view, size.max(2), above),
        cuboid_half=size,
        cuboid_turn=draw.uniform(-np.pi / 2, np.pi / 2, kind.shape),
        cuboid_kind=kind,
        ball_centre=placed(draw, view, radius, radius),
        ball_radius=radius,
        **draw_looks(draw, count, unlabelled),
        light=centre + half * draw.uniform(-0.85, 0.85, (count, 3)),
        lamp=draw.uniform(0.4, 1.2, count),
        ambient=draw.uniform(0.25, 0.6, count),
        cast=draw.uniform(0.75, 1.0, (count, 3)),
        eye=eye,
        turn=rotation(yaw, pitch, roll),
        focal=draw.uniform(0.65, 0.95, count),
    )


def draw_cuboids(
    draw: np.random.Generator, scene: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The classes [S, C] of the cuboids, half their sizes [S, C, 3], and how high their centres
    are above the floor [S, C]."""
    shape = (len(scene), NUM_CUBOIDS)
    edges = CUBOIDS[scene].cumsum(1)[:, None, :-1]
    kind = np.array([-1, BOX, TABLE, SCREEN])[(draw.random(shape)[..., None] > edges).sum(2)]
    scale = np.exp(draw.uniform(np.log(0.6), np.log(1.6), shape))[..., None]
    box = scale * draw.uniform(0.2, 0.45, (*shape, 3))
    table = scale * draw.uniform([0.35, 0.02, 0.35], [0.7, 0.05, 0.7], (*shape, 3))
    screen = scale * draw.uniform([0.35, 0.4, 0.02], [0.7, 0.8, 0.05], (*shape, 3))
    size = np.select(
        [(kind == TABLE)[..., None], (kind == SCREEN)[..., None]], [table, screen], box
    )
    height = draw.uniform(0.45, 0.9, shape)
    return kind, size, np.where(kind == TABLE, height, size[..., 1])


def placed(
    draw: np.random.Generator,
    view: tuple[np.ndarray, np.ndarray, np.ndarray],
    reach: np.ndarray,
    above: np.ndarray,
) -> np.ndarray:
    """Places in front of the camera and inside the room, [S, N, 3].

    Args:
        draw: the generator.
        view: where the camera is, how it is turned, and half the room's size.
        reach: how far from its centre each thing reaches, [S, N].
        above: the height of each centre above the floor, [S, N].
    """
    eye, yaw, half = view
    distance = draw.uniform(1.3, 6.0, reach.shape) + reach
    angle = yaw[:, None] + draw.uniform(-0.6, 0.6, reach.shape)
    x = eye[:, :1] + distance * np.sin(angle)
    z = eye[:, 2:] + distance * np.cos(angle)
    wide, deep = (np.maximum(half[:, i : i + 1] - reach, 0.1) for i in (0, 2))
    return np.stack([np.clip(x, -wide, wide), -above, np.clip(z, -deep, deep)], 2)


def draw_looks(draw: np.random.Generator, count: int, unlabelled: float) -> dict[str, np.ndarray]:
    """Colours and textures, for every surface from the same distribution."""
    shape = (count, NUM_SURFACES)
    direction = draw.standard_normal((*shape, 2, 3))
    direction /= np.linalg.norm(direction, axis=-1, keepdims=True)
    length = np.exp(draw.uniform(np.log(0.25), np.log(2.0), (*shape, 2, 1)))
    return {
        "colours": draw.uniform(0.1, 1.0, (*shape, 2, 3)),
        "waves": 2 * np.pi * direction / length,
        "phases": draw.uniform(0, 2 * np.pi, (*shape, 2)),
        "contrast": draw.choice([0.0, 0.5, 5.0], shape),
        "labelled": draw.random(shape) >= unlabelled,
    }


def rotation(yaw: np.ndarray, pitch: np.ndarray, roll: np.ndarray) -> np.ndarray:
    """First rolled, then pitched down, then turned right, [S, 3, 3]."""
    zero, one = np.zeros_like(yaw), np.ones_like(yaw)

    def matrix(*entries: np.ndarray) -> np.ndarray:
        return np.stack(entries, 1).reshape(-1, 3, 3)

    c, s = np.cos(yaw), np.sin(yaw)
    about_y = matrix(c, zero, s, zero, one, zero, -s, zero, c)
    c, s = np.cos(pitch), np.sin(pitch)
    about_x = matrix(one, zero, zero, zero, c, s, zero, -s, c)
    c, s = np.cos(roll), np.sin(roll)
    about_z = matrix(c, -s, zero, s, c, zero, zero, zero, one)
    return about_y @ about_x @ about_z
