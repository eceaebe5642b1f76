"""The template: a closed sphere, its symmetry, and its unfolding."""

import pytest
import torch

from shapecycle.code_to_image.template import octasphere

SIZES = [1, 2, 3, 5, 8]


@pytest.mark.parametrize("n", SIZES)
def test_counts_are_those_of_a_subdivided_octahedron(n: int) -> None:
    template = octasphere(n)
    assert len(template.vertices) == 4 * n * n + 2
    assert len(template.faces) == len(template.uv_faces) == 8 * n * n
    assert len(template.uv) == (2 * n + 1) ** 2
    torch.testing.assert_close(template.vertices.norm(dim=1), torch.ones(4 * n * n + 2))


@pytest.mark.parametrize("n", SIZES)
def test_it_is_one_closed_sphere(n: int) -> None:
    template = octasphere(n)
    euler = len(template.vertices) - len(template.edges) + len(template.faces)
    assert euler == 2
    directed = template.faces[:, [[0, 1], [1, 2], [2, 0]]].flatten(0, 1)
    # Every directed edge once, and its reverse once: closed, orientable, consistently wound.
    assert len(torch.unique(directed, dim=0)) == len(directed) == 2 * len(template.edges)
    assert torch.equal(torch.unique(directed.flip(1), dim=0), torch.unique(directed, dim=0))
    assert torch.equal(torch.unique(directed.sort(1).values, dim=0), template.edges)


@pytest.mark.parametrize("n", SIZES)
def test_all_faces_look_outward(n: int) -> None:
    template = octasphere(n)
    a, b, c = template.vertices[template.faces].unbind(1)
    outward = (torch.linalg.cross(b - a, c - a) * (a + b + c)).sum(1)
    assert outward.min() > 0


@pytest.mark.parametrize("n", [4, 8])
def test_faces_are_of_about_one_size(n: int) -> None:
    template = octasphere(n)
    a, b, c = template.vertices[template.faces].unbind(1)
    areas = torch.linalg.cross(b - a, c - a).norm(dim=1) / 2
    assert areas.max() / areas.min() < 3


@pytest.mark.parametrize("n", SIZES)
def test_mirroring_twice_is_doing_nothing(n: int) -> None:
    template = octasphere(n)
    assert torch.equal(template.mirror[template.mirror], torch.arange(len(template.vertices)))
    flipped = template.vertices * torch.tensor([-1.0, 1.0, 1.0])
    torch.testing.assert_close(template.vertices[template.mirror], flipped, atol=1e-6, rtol=0)


@pytest.mark.parametrize("n", SIZES)
def test_mirroring_the_object_flips_the_texture(n: int) -> None:
    template = octasphere(n)
    # The triangle of three mirrored vertices has the flipped texture coordinates.
    place = {}
    for face, uv_face in zip(template.faces.tolist(), template.uv_faces.tolist(), strict=True):
        uv = template.uv[uv_face]
        place[frozenset(face)] = dict(zip(face, uv.tolist(), strict=True))
    for face, uv_face in zip(template.faces, template.uv_faces, strict=True):
        mirrored = template.mirror[face].tolist()
        there = place[frozenset(mirrored)]
        for vertex, (u, v) in zip(mirrored, template.uv[uv_face].tolist(), strict=True):
            assert there[vertex] == pytest.approx([1 - u, v], abs=1e-6)


@pytest.mark.parametrize("n", SIZES)
def test_the_unfolded_faces_fill_the_square_without_overlap(n: int) -> None:
    template = octasphere(n)
    a, b, c = template.uv[template.uv_faces].unbind(1)
    first, second = b - a, c - a
    areas = (first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0]) / 2
    assert areas.min() > 0, "seen from outside, textures are not mirrored"
    assert areas.sum() == pytest.approx(1.0, abs=1e-5)


def test_top_and_bottom_lie_where_the_description_says() -> None:
    template = octasphere(4)
    uv_of = torch.zeros(len(template.vertices), 2)
    uv_of[template.faces.flatten()] = template.uv[template.uv_faces.flatten()]
    top, right = template.vertices[:, 1].argmax(), template.vertices[:, 0].argmax()
    front = template.vertices[:, 2].argmax()
    assert uv_of[top].tolist() == [0.5, 0.5]
    assert uv_of[right].tolist() == [1.0, 0.5]
    assert uv_of[front].tolist() == [0.5, 0.0]


@pytest.mark.parametrize(("n", "size"), [(1, 8), (4, 32), (5, 32), (8, 24), (3, 64)])
def test_texel_corners_give_the_texels_own_coordinates_back(n: int, size: int) -> None:
    template = octasphere(n)
    face, weights = template.texel_corners(size)
    assert face.shape == (size, size)
    assert weights.min() >= 0
    torch.testing.assert_close(weights.sum(-1), torch.ones(size, size))
    uv = (template.uv[template.uv_faces[face]] * weights[..., None]).sum(2)
    centre = (torch.arange(size) + 0.5) / size
    torch.testing.assert_close(uv[..., 0], centre.expand(size, size), atol=1e-5, rtol=0)
    # Row 0 is the top row.
    torch.testing.assert_close(
        uv[..., 1], 1 - centre[:, None].expand(size, size), atol=1e-5, rtol=0
    )


def test_texels_lie_on_the_surface_and_mirror_with_it() -> None:
    template = octasphere(8)
    face, weights = template.texel_corners(32)
    points = (template.vertices[template.faces[face]] * weights[..., None]).sum(2)
    assert points.norm(dim=-1).min() > 0.97
    flipped = points.flip(1) * torch.tensor([-1.0, 1.0, 1.0])
    torch.testing.assert_close(points, flipped, atol=1e-5, rtol=0)


def test_the_template_that_is_kept_lies_on_the_processor_whatever_the_default_device() -> None:
    octasphere.cache_clear()
    with torch.device("meta"):
        template = octasphere(3)
    assert {part.device.type for part in vars(template).values()} == {"cpu"}
