"""Wrong arguments are refused by name and value."""

import numpy as np
import pytest
import torch
from rasterize_scenes import orthographic, perspective, sphere

from shapecycle.rasterize import (
    Topology,
    Visibility,
    antialias,
    interpolate,
    rasterize,
    shade_sh,
    shade_textured,
    vertex_normals,
)

VERTICES, TOPOLOGY = sphere(1)
CLIP = perspective(VERTICES)
SEEN = rasterize(CLIP, TOPOLOGY, (8, 9))
IMAGE = torch.zeros(1, 3, 8, 9)


@pytest.mark.usefixtures("unchecked")
def test_clip_positions_must_be_four_floats():
    with pytest.raises(ValueError, match=r"clip has shape \(1, 42, 3\); expected \(b, v, 4\)"):
        rasterize(VERTICES, TOPOLOGY, (8, 9))
    with pytest.raises(ValueError, match=r"clip has type torch\.int64"):
        rasterize(CLIP.long(), TOPOLOGY, (8, 9))


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_positions_that_are_not_finite_are_found(value):
    clip = CLIP.clone()
    clip[0, 7, 2] = value
    with pytest.raises(
        ValueError, match=rf"clip has 1 non-finite values; the first is {value} at.* \(0, 7, 2\)"
    ):
        rasterize(clip, TOPOLOGY, (8, 9))


def test_indices_beyond_the_vertices_are_refused():
    with pytest.raises(ValueError, match="names vertex 41, but clip has only 40 vertices"):
        rasterize(CLIP[:, :40], TOPOLOGY, (8, 9))
    with pytest.raises(ValueError, match="names vertex 41, but vertices has only 40"):
        vertex_normals(VERTICES[:, :40], TOPOLOGY)
    with pytest.raises(ValueError, match="attributes has 30 rows, but topology names vertex 41"):
        interpolate(VERTICES[:, :30], CLIP, TOPOLOGY, SEEN)
    with pytest.raises(ValueError, match=r"faces holds indices 0\.\.41, but there are 30 rows"):
        interpolate(VERTICES[:, :30], CLIP, TOPOLOGY, SEEN, faces=TOPOLOGY.faces)


def test_indices_changed_in_place_are_checked_again():
    faces = TOPOLOGY.faces.clone()
    interpolate(VERTICES, CLIP, TOPOLOGY, SEEN, faces=faces)
    faces[3, 1] = -2
    with pytest.raises(ValueError, match=r"faces holds indices -2\.\.41"):
        interpolate(VERTICES, CLIP, TOPOLOGY, SEEN, faces=faces)


@pytest.mark.usefixtures("unchecked")
def test_batches_must_agree():
    pair = torch.cat([CLIP, CLIP])
    stack = Topology.stack([TOPOLOGY.faces] * 3)
    with pytest.raises(ValueError, match="topology holds 3 meshes, clip 2"):
        rasterize(pair, stack, (8, 9))
    with pytest.raises(ValueError, match=r"visibility holds 1 images on cpu, clip 2"):
        interpolate(VERTICES, pair, TOPOLOGY, SEEN)
    with pytest.raises(ValueError, match="attributes hold 3 items, clip 1"):
        interpolate(VERTICES.expand(3, -1, 3), CLIP, TOPOLOGY, SEEN)
    with pytest.raises(ValueError, match=r"image has shape .*; expected \(1, c, 8, 9\)"):
        antialias(IMAGE.expand(2, -1, -1, -1), CLIP, TOPOLOGY, SEEN)


@pytest.mark.usefixtures("unchecked")
def test_attribute_faces_must_match_a_shared_topology():
    stack = Topology.stack([TOPOLOGY.faces])
    with pytest.raises(ValueError, match="this one is stacked"):
        interpolate(VERTICES, CLIP, stack, SEEN, faces=TOPOLOGY.faces)
    with pytest.raises(ValueError, match=r"faces has shape \(5, 3\); expected \(80, 3\)"):
        interpolate(VERTICES, CLIP, TOPOLOGY, SEEN, faces=TOPOLOGY.faces[:5])
    with pytest.raises(ValueError, match=r"faces is torch\.float32"):
        interpolate(VERTICES, CLIP, TOPOLOGY, SEEN, faces=TOPOLOGY.faces.float())


def test_types_must_agree():
    with pytest.raises(ValueError, match=r"attributes is torch\.float64.*clip torch\.float32"):
        interpolate(VERTICES.double(), CLIP, TOPOLOGY, SEEN)
    with pytest.raises(ValueError, match=r"image is torch\.float64.*clip torch\.float32"):
        antialias(IMAGE.double(), CLIP, TOPOLOGY, SEEN)
    with pytest.raises(ValueError, match=r"normals is torch\.float64.*light torch\.float32"):
        shade_sh(VERTICES.double(), torch.zeros(1, 9, 3))


def test_another_device_is_refused():
    with pytest.raises(ValueError, match="topology is on meta, clip on cpu"):
        rasterize(CLIP, TOPOLOGY.to("meta"), (8, 9))


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize("size", [(0, 4), (4, -1), (4,)])
def test_an_image_without_pixels_is_refused(size):
    with pytest.raises(ValueError, match=r"size is .*; expected"):
        rasterize(CLIP, TOPOLOGY, size)


@pytest.mark.usefixtures("unchecked")
def test_a_light_of_another_shape_is_refused():
    with pytest.raises(ValueError, match=r"light has shape \(1, 3, 9\); expected \(b, 9, 3\)"):
        shade_sh(VERTICES, torch.zeros(1, 3, 9))
    with pytest.raises(ValueError, match=r"normals has shape \(1, 42, 4\)"):
        shade_sh(CLIP, torch.zeros(1, 9, 3))


@pytest.mark.usefixtures("unchecked")
def test_a_visibility_of_another_mesh_is_refused():
    """Its face numbers would be read beyond the end of the topology's."""
    points, topology = sphere(2)
    _, other = sphere(1)
    clip = orthographic(points)
    seen = rasterize(clip, topology, (8, 8))
    for wrong in (seen, Visibility(seen.key)):
        with pytest.raises(ValueError, match="topology has 80"):
            interpolate(points, clip, other, wrong)
        with pytest.raises(ValueError, match="topology has 80"):
            antialias(torch.zeros(1, 1, 8, 8), clip, other, wrong)
    with pytest.raises(ValueError, match="key has shape"):
        interpolate(points, clip, topology, Visibility(seen.key[0]))


def test_a_crop_of_a_visibility_is_one():
    points, topology = sphere(2)
    clip = orthographic(points)
    seen = rasterize(clip, topology, (8, 8))
    crop = Visibility(seen.key[:, :, ::1][:, :8, :8].transpose(1, 2))
    drawn = interpolate(points, clip, topology, crop)
    assert torch.equal(drawn, interpolate(points, clip, topology, crop, backend="torch"))


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"clip": [[1.0]]}, "clip is a list"),
        ({"topology": torch.zeros(1, 3)}, "topology is a Tensor"),
        ({"size": 16}, r"size is 16; expected \(height, width\)"),
        ({"size": (16.0, 16.0)}, "size is"),
        ({"clip": torch.zeros(0, 42, 4)}, "clip holds no items"),
    ],
)
def test_what_is_something_else_altogether_is_named(change, message):
    points, topology = sphere(1)
    arguments = {"clip": orthographic(points), "topology": topology, "size": (8, 8)} | change
    with pytest.raises((TypeError, ValueError), match=message):
        rasterize(**arguments)


def test_textures_without_texels_and_lights_that_are_not_finite_are_refused():
    points, topology = sphere(1)
    clip = orthographic(points)
    seen = rasterize(clip, topology, (8, 8))
    albedo, uv, light = torch.rand(1, 3, 4, 4), points[..., :2], torch.rand(1, 9, 3)
    with pytest.raises(ValueError, match="at least one texel"):
        shade_textured(albedo[:, :, :0], uv, points, light, clip, topology, seen)
    with pytest.raises(ValueError, match="light has 27 non-finite values"):
        shade_textured(albedo, uv, points, light * float("nan"), clip, topology, seen)


@pytest.mark.usefixtures("unchecked")
def test_an_index_beyond_all_vertices_is_refused_before_it_wraps_round():
    faces = np.array([[0, 1, 2**63 + 5]], np.uint64)
    with pytest.raises(ValueError, match="expected below 2"):
        Topology.from_faces(faces)
