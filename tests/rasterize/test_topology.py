"""Edges are listed once, with what lies across them; any soup of faces is welcome."""

import numpy as np
import pytest
import torch
from rasterize_scenes import perspective, sphere

from shapecycle.rasterize import Topology, antialias, rasterize

TETRAHEDRON = np.array([[0, 1, 2], [0, 2, 3], [0, 3, 1], [1, 3, 2]])


def edge_sets(topology: Topology) -> dict[tuple[int, int], set[int]]:
    return {(a, b): {c, d} - {-1} for a, b, c, d in topology.edges.tolist()}


def test_a_closed_mesh_has_three_edges_for_two_faces_each_with_two_opposite_vertices():
    _, topology = sphere(2)
    assert len(topology.edges) == len(topology.faces) * 3 // 2
    assert (topology.edges >= 0).all()
    assert (topology.edges[:, 2] != topology.edges[:, 3]).all()
    assert edge_sets(Topology.from_faces(TETRAHEDRON))[0, 2] == {1, 3}


def test_an_open_edge_has_one_opposite_vertex():
    topology = Topology.from_faces(np.array([[4, 1, 7]]))
    assert edge_sets(topology) == {(1, 4): {7}, (4, 7): {1}, (1, 7): {4}}
    assert topology.vertex_count == 8


def test_repeated_and_reversed_faces_add_no_edge():
    once = Topology.from_faces(TETRAHEDRON)
    twice = Topology.from_faces(np.concatenate([TETRAHEDRON, TETRAHEDRON, TETRAHEDRON[:, ::-1]]))
    assert torch.equal(once.edges, twice.edges)
    assert len(twice.faces) == 12


def test_faces_that_repeat_a_vertex_keep_their_number_but_have_no_edge():
    topology = Topology.from_faces(np.array([[0, 1, 1], [0, 1, 2], [3, 3, 3]]))
    assert len(topology.faces) == 3
    assert len(topology.edges) == 3


def test_an_edge_of_three_faces_is_listed_once():
    fan = np.array([[0, 1, 2], [0, 1, 3], [0, 1, 4]])
    assert edge_sets(Topology.from_faces(fan))[0, 1] == {2, 4}
    assert len(Topology.from_faces(fan).edges) == 7


def test_vertex_numbers_too_large_for_one_key_give_the_same_edges():
    far = 1 << 22
    near, shifted = Topology.from_faces(TETRAHEDRON), Topology.from_faces(TETRAHEDRON + far)
    assert torch.equal(near.edges + far, shifted.edges)


def test_a_stack_draws_each_mesh_as_it_is_drawn_alone():
    meshes = [sphere(1), sphere(2), sphere(0)]
    most = max(vertices.shape[1] for vertices, _ in meshes)
    padded = torch.zeros(3, most, 3)
    for row, (vertices, _) in zip(padded, meshes, strict=True):
        row[: vertices.shape[1]] = vertices[0]
    stack = Topology.stack([topology.faces for _, topology in meshes])
    assert stack.batch == 3
    for backend in ("torch", "auto"):
        clip = perspective(padded)
        seen = rasterize(clip, stack, (20, 24), backend=backend)
        coverage = antialias(seen.mask[:, None].float(), clip, stack, seen, backend=backend)
        for k, (vertices, topology) in enumerate(meshes):
            clip = perspective(vertices)
            alone = rasterize(clip, topology, (20, 24), backend=backend)
            assert torch.equal(seen.face_id[k], alone.face_id[0])
            mask = alone.mask[:, None].float()
            assert torch.equal(
                coverage[k], antialias(mask, clip, topology, alone, backend=backend)[0]
            )


def test_a_mesh_without_faces_draws_nothing():
    topology = Topology.from_faces(np.zeros((0, 3), np.int64))
    clip = perspective(torch.zeros(2, 0, 3))
    for backend in ("torch", "auto"):
        seen = rasterize(clip, topology, (4, 5), backend=backend)
        assert not seen.mask.any()
        image = torch.ones(2, 3, 4, 5)
        assert torch.equal(antialias(image, clip, topology, seen, backend=backend), image)


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(
    ("faces", "message"),
    [
        (np.zeros((4, 2), np.int64), r"faces has shape \(4, 2\)"),
        (np.zeros((4, 3)), "faces has type float64"),
        (np.array([[0, -3, 1]]), "faces contains the index -3"),
    ],
)
def test_what_is_no_face_list_is_refused(faces, message):
    with pytest.raises(ValueError, match=message):
        Topology.from_faces(faces)


@pytest.mark.usefixtures("unchecked")
def test_an_empty_stack_is_refused_and_a_bad_mesh_is_named():
    with pytest.raises(ValueError, match="meshes is empty"):
        Topology.stack([])
    with pytest.raises(ValueError, match=r"meshes\[1\] has shape"):
        Topology.stack([TETRAHEDRON, TETRAHEDRON[:, :2]])
