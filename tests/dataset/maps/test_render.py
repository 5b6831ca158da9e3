"""Rendered rooms: what geometry says of depth, normals, mirrors and zooms."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from mtl_cli.dataset.maps.pixels import borders
from mtl_cli.dataset.maps.render import Views, render
from mtl_cli.dataset.maps.rooms import BALL, CEILING, CLASSES, FLOOR, Rooms, draw_rooms

HEIGHT, WIDTH = 48, 64


@pytest.fixture(scope="module")
def rooms() -> Rooms:
    return draw_rooms(np.random.default_rng(7), 12, 0.1)


@pytest.fixture(scope="module")
def views(rooms: Rooms) -> Views:
    return render(rooms, HEIGHT, WIDTH)


def back_projected(rooms: Rooms, depth: np.ndarray) -> np.ndarray:
    """The point that each pixel shows, in the camera's axes, [S, H, W, 3]."""
    focal = rooms.focal.astype(np.float64)[:, None, None] * WIDTH
    x = (np.arange(WIDTH) + 0.5 - WIDTH / 2) / focal * depth
    y = (np.arange(HEIGHT) + 0.5 - HEIGHT / 2)[:, None] / focal * depth
    return np.stack([x, y, depth], -1)


def test_normals_are_the_cross_product_of_back_projected_depth_away_from_edges(rooms, views):
    points = back_projected(rooms, views.depth.astype(np.float64))
    right = points[:, 1:-1, 2:] - points[:, 1:-1, :-2]
    down = points[:, 2:, 1:-1] - points[:, :-2, 1:-1]
    cross = np.cross(down, right)  # y goes down: so this one points at the camera
    cross /= np.linalg.norm(cross, axis=-1, keepdims=True)
    normals = np.moveaxis(views.normals, 1, -1).astype(np.float64)
    np.testing.assert_allclose(np.linalg.norm(normals, axis=-1), 1, atol=1e-5)
    same = np.ones(views.depth.shape, bool)[:, 1:-1, 1:-1]
    here = np.index_exp[:, 1:-1, 1:-1]
    middle, before, after = slice(1, -1), slice(None, -2), slice(2, None)
    neighbours = [(after, middle), (before, middle), (middle, after), (middle, before)]
    for rows, columns in neighbours:
        same &= views.surface[:, rows, columns] == views.surface[here]
        ball = views.kind[here] == BALL
        same &= ball | (abs(normals[:, rows, columns] - normals[here]).max(-1) < 1e-5)
    angle = np.degrees(np.arccos((cross * normals[:, 1:-1, 1:-1]).sum(-1).clip(-1, 1)))
    assert same.mean() > 0.8
    assert (same & ball).sum() > 100
    assert angle[same & ~ball].max() < 0.2
    assert np.median(angle[same & ball]) < 4


def test_a_flipped_scene_is_the_mirrored_cameras(rooms, views):
    x = np.array([-1, 1, 1], np.float32)
    mirror = np.diag(x)
    swapped = [1, 0, *range(2, rooms.contrast.shape[1])]  # the left wall and the right one
    waves = rooms.waves * x
    vectors = ("centre", "cuboid_centre", "ball_centre", "light", "eye")
    mirrored = replace(
        rooms,
        **{key: getattr(rooms, key) * x for key in vectors},
        cuboid_turn=-rooms.cuboid_turn,
        turn=mirror @ rooms.turn @ mirror,
        colours=rooms.colours[:, swapped],
        waves=waves[:, swapped],
        phases=rooms.phases[:, swapped],
        contrast=rooms.contrast[:, swapped],
        labelled=rooms.labelled[:, swapped],
    )  # fmt: skip
    found = render(mirrored, HEIGHT, WIDTH)
    depth, normals = views.depth[..., ::-1], views.normals[..., ::-1] * x[:, None, None]
    # Where two things are equally near, rounding decides which one is seen.
    assert (found.kind == views.kind[..., ::-1]).mean() > 0.999
    assert (found.labelled == views.labelled[..., ::-1]).mean() > 0.999
    assert (abs(found.depth - depth) < 1e-4 * depth).mean() > 0.998
    assert (abs(found.normals - normals) < 1e-4).mean() > 0.998
    assert (abs(found.image - views.image[..., ::-1]) < 1e-2).mean() > 0.99
    edges, other = (borders(torch.from_numpy(v.surface.copy())) for v in (views, found))
    assert (edges.flip(-1) == other).float().mean() > 0.998


def test_a_longer_lens_enlarges_the_middle_and_leaves_depth_and_normals(rooms, views):
    zoomed = render(replace(rooms, focal=3 * rooms.focal), HEIGHT, WIDTH)
    # At three times the focal length every third pixel sees what a pixel of the middle saw.
    rows, columns = slice(HEIGHT // 3, 2 * HEIGHT // 3), slice(21, 43)
    depth, normals = views.depth[:, rows, columns], views.normals[:, :, rows, columns]
    assert (abs(zoomed.depth[:, 1::3, 0::3] - depth) < 1e-3 * depth).mean() > 0.995
    assert (abs(zoomed.normals[:, :, 1::3, 0::3] - normals) < 1e-3).mean() > 0.995


def test_what_stands_on_the_floor_and_hangs_above_is_where_it_should_be(rooms, views):
    points = back_projected(rooms, views.depth)  # [S, H, W, 3]
    world = np.einsum("sij,shwj->shwi", rooms.turn, points) + rooms.eye[:, None, None]
    height = -world[..., 1]
    np.testing.assert_allclose(height[views.kind == FLOOR], 0, atol=1e-4)
    ceiling = np.broadcast_to(2 * rooms.half[:, 1, None, None], height.shape)
    there = views.kind == CEILING
    np.testing.assert_allclose(height[there], ceiling[there], atol=1e-3)
    assert set(np.unique(views.kind)) == set(range(len(CLASSES)))


def test_edges_are_where_a_neighbour_shows_something_else(views):
    padded = np.pad(views.surface, ((0, 0), (1, 1), (1, 1)), "edge")
    neighbours = [
        padded[:, dy : dy + HEIGHT, dx : dx + WIDTH] for dy, dx in [(0, 1), (2, 1), (1, 0), (1, 2)]
    ]
    expected = np.any([other != views.surface for other in neighbours], axis=0)
    assert np.array_equal(borders(torch.from_numpy(views.surface))[:, 0].numpy(), expected)
