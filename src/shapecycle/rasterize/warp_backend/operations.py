"""The rasteriser's operations on Warp kernels, each with a gradient written by hand."""

from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.autograd.function import once_differentiable

from shapecycle.rasterize.topology import Topology
from shapecycle.rasterize.visibility import EMPTY, Visibility
from shapecycle.rasterize.warp_backend.runtime import Launch, launch

MAX_EDGES = 1 << 20
"""Edge numbers share an int32 with 11 bits of offset; larger meshes go to the reference."""

MAX_NUMBERS = 1 << 31
"""Of any array: kernels address it by an int32."""

MAX_BATCH_EDGES = 1 << 30
"""Edges of the whole batch are counted in an int32 with one bit for the side."""


def rasterize(
    clip: Float[Tensor, "b v 4"],
    topology: Topology,
    size: tuple[int, int],
    cull: bool,
    behind: Visibility | None,
) -> Visibility:
    """Find the nearest face at every pixel centre; see the public function."""
    height, width = size
    batch, vertices, _ = clip.shape
    key = torch.full((batch, height, width), EMPTY, dtype=torch.int64, device=clip.device)
    count, stride = _rows(topology.faces)
    arguments = (clip.contiguous(), topology.faces_int32, vertices, count, stride, height, width)
    layer = (0, key) if behind is None else (1, behind.key.contiguous())
    step = Launch("rasterize", count, (*arguments, *layer, int(cull), key))
    launch(clip, batch, step, work=batch * (count + height * width))
    return Visibility(key, count)


def interpolate(
    attributes: Float[Tensor, "ab n c"],
    clip: Float[Tensor, "b v 4"],
    topology: Topology,
    visibility: Visibility,
    faces: Int[Tensor, "*m f 3"],
) -> Float[Tensor, "b c h w"]:
    """Spread vertex attributes over the visible faces; see the public function."""
    result: Tensor = _Interpolate.apply(  # type: ignore[no-untyped-call]
        attributes, clip, topology, visibility.key.contiguous(), _int32(faces, topology)
    )
    return result


def antialias(
    image: Float[Tensor, "b c h w"],
    clip: Float[Tensor, "b v 4"],
    topology: Topology,
    visibility: Visibility,
) -> Float[Tensor, "b c h w"]:
    """Blend pixels across silhouettes; see the public function."""
    result: Tensor = _Antialias.apply(  # type: ignore[no-untyped-call]
        image, clip, topology, visibility.key.contiguous()
    )
    return result


def vertex_normals(vertices: Float[Tensor, "b v 3"], topology: Topology) -> Float[Tensor, "b v 3"]:
    """Average the normals of the faces around each vertex; see the public function."""
    result: Tensor = _VertexNormals.apply(  # type: ignore[no-untyped-call]
        vertices, topology
    )
    return result


def shade_textured(
    albedo: Float[Tensor, "ab 3 th tw"],
    uv: Float[Tensor, "ub n 2"],
    uv_faces: Int[Tensor, "*m f 3"],
    normals: Float[Tensor, "b v 3"],
    light: Float[Tensor, "b 9 3"],
    min_shading: float,
    clip: Float[Tensor, "b v 4"],
    topology: Topology,
    visibility: Visibility,
) -> Float[Tensor, "b 4 h w"]:
    """Light a textured surface; see the public function."""
    rows = _int32(uv_faces, topology)
    result: Tensor = _ShadeTextured.apply(  # type: ignore[no-untyped-call]
        albedo, uv, normals, light, clip, min_shading, rows, topology, visibility.key.contiguous()
    )
    return result


def solid_colour(
    points: Float[Tensor, "b n 3"],
    regions: Float[Tensor, "b r 14"],
    mirrored: Float[Tensor, " b"],
) -> Float[Tensor, "b n 3"]:
    """Evaluate solid textures; see the public function."""
    batch, count, _ = points.shape
    colour = torch.empty_like(points, memory_format=torch.contiguous_format)
    texture = (regions.contiguous(), regions.shape[1], mirrored.contiguous())
    step = Launch("solid_colour", count, (points.contiguous(), count, *texture, colour))
    launch(points, batch, step)
    return colour


def shade_solid(
    vertices: Float[Tensor, "b v 3"],
    camera: Float[Tensor, "b v 3"],
    regions: Float[Tensor, "b r 14"],
    mirrored: Float[Tensor, " b"],
    light: Float[Tensor, "b 9 3"],
    min_shading: float,
    clip: Float[Tensor, "b v 4"],
    topology: Topology,
    visibility: Visibility,
    samples: int,
) -> Float[Tensor, "b 4 h w"]:
    """Light solid-textured faces; see the public function."""
    vertices, camera, clip, light = (t.contiguous() for t in (vertices, camera, clip, light))
    batch, (height, width) = len(clip), visibility.size
    picture = clip.new_empty((batch, 4, height // samples, width // samples))
    texture = (regions.contiguous(), regions.shape[1], mirrored.contiguous())
    seen = _seen_faces(clip, topology, visibility.key.contiguous())
    arguments = (vertices, camera, *texture, light, min_shading, *seen, samples, picture)
    launch(clip, batch, Launch("shade_solid", picture[0, 0].numel(), arguments))
    return picture


def _rows(table: Tensor) -> tuple[int, int]:
    """Number of rows per item, and the step from one item's rows to the next (0 if shared)."""
    count, columns = table.shape[-2:]
    return count, count * columns if table.ndim == 3 else 0


def _int32(faces: Tensor, topology: Topology) -> Tensor:
    """One flat int32 array of faces; a topology keeps that of its own."""
    if faces is topology.faces:
        return topology.faces_int32
    return faces.to(torch.int32).reshape(-1).contiguous()


def _seen_faces(clip: Tensor, topology: Topology, key: Tensor) -> tuple[Any, ...]:
    """What kernels that work pixel by pixel need to know to find each pixel's face."""
    _, stride = _rows(topology.faces)
    return (clip, clip.shape[1], topology.faces_int32, stride, key, key.shape[1], key.shape[2])


def _zeros(tensors: Sequence[Tensor], wanted: Sequence[bool]) -> list[Tensor]:
    """Gradients to add to. Kernels never touch an unwanted one; it gets a small stand-in."""
    return [
        torch.zeros_like(t) if want else t.new_zeros(t.shape[-1])
        for t, want in zip(tensors, wanted, strict=True)
    ]


def _needed(grads: Sequence[Tensor], ctx: Any) -> list[Tensor | None]:
    needs = ctx.needs_input_grad[: len(grads)]
    return [g if need else None for g, need in zip(grads, needs, strict=True)]


class _Interpolate(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, attributes: Tensor, clip: Tensor, topology: Topology, key: Tensor, rows: Tensor
    ) -> Tensor:
        attributes, clip = attributes.contiguous(), clip.contiguous()
        ctx.save_for_backward(attributes, clip, key)
        ctx.topology, ctx.rows = topology, rows
        batch, height, width = key.shape
        image = attributes.new_empty((batch, attributes.shape[2], height, width))
        inputs = _interpolation_inputs(ctx, attributes, clip, key)
        launch(clip, batch, Launch("interpolate", height * width, (*inputs, image)))
        return image

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        attributes, clip, key = ctx.saved_tensors
        needs = ctx.needs_input_grad[:2]
        grads = _zeros((attributes, clip), needs)
        inputs = _interpolation_inputs(ctx, attributes, clip, key)
        outputs = (grad.contiguous(), *map(int, needs), *grads)
        launch(
            clip,
            len(key),
            Launch("interpolate_adjoint", key[0].numel(), (*inputs, *outputs)),
            disjoint=len(attributes) > 1 or not needs[0],
        )
        return (*_needed(grads, ctx), None, None, None)


def _interpolation_inputs(
    ctx: Any, attributes: Tensor, clip: Tensor, key: Tensor
) -> tuple[Any, ...]:
    items, count, channels = attributes.shape
    stride = count * channels if items > 1 else 0
    return (attributes, stride, ctx.rows, channels, *_seen_faces(clip, ctx.topology, key))


class _Antialias(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, image: Tensor, clip: Tensor, topology: Topology, key: Tensor) -> Tensor:
        image, clip = image.contiguous(), clip.contiguous()
        batch, _, height, width = image.shape
        edges, stride = _rows(topology.edges)
        ctx.shape = (clip.shape[1], topology.edges_int32, edges, stride)
        found = torch.empty(batch * edges, dtype=torch.int32, device=clip.device)
        count = torch.zeros(batch, dtype=torch.int32, device=clip.device)
        best = torch.full((batch * 4 * height * width,), -1, dtype=torch.int32, device=clip.device)
        # One lane walks on a CPU; a GPU has one for every edge that may have been found.
        ctx.lanes = 1 if clip.device.type == "cpu" else edges
        result = image.clone()
        marking = (clip, *ctx.shape, key, height, width, best, found, count)
        inputs = _walk_inputs(ctx, image, clip, found, count, best)
        launch(
            clip,
            batch,
            Launch("mark_outermost", edges, marking),
            Launch("antialias", ctx.lanes, (*inputs, result)),
        )
        ctx.save_for_backward(image, clip, found, count, best)
        return result

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        image, clip, *_ = ctx.saved_tensors
        batch, _, height, width = image.shape
        grad = grad.contiguous()
        image_grad, clip_grad = grad.clone(), torch.zeros_like(clip)
        inputs = _walk_inputs(ctx, *ctx.saved_tensors)
        launch(
            clip,
            batch,
            Launch("antialias_adjoint", ctx.lanes, (*inputs, grad, image_grad, clip_grad)),
            work=4 * batch * (height + width),
        )
        return image_grad, clip_grad, None, None


def _walk_inputs(
    ctx: Any, image: Tensor, clip: Tensor, found: Tensor, count: Tensor, best: Tensor
) -> tuple[Any, ...]:
    _, channels, height, width = image.shape
    return (found, count, ctx.lanes, clip, *ctx.shape, best, height, width, channels, image)


class _VertexNormals(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, vertices: Tensor, topology: Topology) -> Tensor:
        vertices = vertices.contiguous()
        batch, count, _ = vertices.shape
        faces, stride = _rows(topology.faces)
        total, unit = torch.zeros_like(vertices), torch.zeros_like(vertices)
        ctx.shape = (count, topology.faces_int32, faces, stride)
        launch(
            vertices,
            batch,
            Launch("add_face_normals", faces, (vertices, *ctx.shape, total)),
            Launch("to_unit", count, (total, unit)),
            work=batch * count,
        )
        ctx.save_for_backward(vertices, total)
        return unit

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        vertices, total = ctx.saved_tensors
        count, _, faces, _ = ctx.shape
        batch = len(vertices)
        total_grad, vertices_grad = torch.zeros_like(total), torch.zeros_like(vertices)
        outputs = (total_grad, vertices_grad)
        launch(
            vertices,
            batch,
            Launch("to_unit_adjoint", count, (total, grad.contiguous(), total_grad)),
            Launch("face_normals_adjoint", faces, (vertices, *ctx.shape, *outputs)),
            work=batch * count,
        )
        return vertices_grad, None


class _ShadeTextured(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        albedo: Tensor,
        uv: Tensor,
        normals: Tensor,
        light: Tensor,
        clip: Tensor,
        min_shading: float,
        rows: Tensor,
        topology: Topology,
        key: Tensor,
    ) -> Tensor:
        tensors = [t.contiguous() for t in (albedo, uv, normals, light, clip)]
        batch, height, width = key.shape
        picture = clip.new_empty((batch, 4, height, width))
        ctx.min_shading, ctx.topology, ctx.rows = min_shading, topology, rows
        inputs = _shading_inputs(ctx, tensors, key)
        launch(clip, batch, Launch("shade_textured", height * width, (*inputs, picture)))
        ctx.save_for_backward(*tensors, key, picture)
        return picture

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        *tensors, key, picture = ctx.saved_tensors
        needs = ctx.needs_input_grad[:5]
        # The kernel gives the gradients of normals and of positions together or not at all.
        geometry = needs[2] or needs[4]
        wanted = (needs[0], needs[1], geometry, needs[3], geometry)
        grads = _zeros(tensors, wanted)
        pixels = len(key), key[0].numel() if wanted[3] else 1
        basis, shade_grads = picture.new_zeros(*pixels, 9), picture.new_zeros(*pixels, 3)
        inputs = _shading_inputs(ctx, tensors, key)
        is_shared = any(w and len(t) == 1 for t, w in zip(tensors[:2], wanted, strict=False))
        outputs = (picture, grad.contiguous(), *map(int, wanted[:4]))
        sums = (*grads[:3], basis, shade_grads, grads[4])
        launch(
            key,
            len(key),
            Launch("shade_textured_adjoint", key[0].numel(), (*inputs, *outputs, *sums)),
            disjoint=not is_shared,
        )
        if wanted[3]:
            with torch.autocast(key.device.type, enabled=False):
                grads[3] = basis.mT @ shade_grads
        return (*_needed(grads, ctx), None, None, None, None)


def _shading_inputs(ctx: Any, tensors: list[Tensor], key: Tensor) -> tuple[Any, ...]:
    albedo, uv, normals, light, clip = tensors
    _, _, albedo_height, albedo_width = albedo.shape
    return (
        albedo,
        albedo[0].numel() if len(albedo) > 1 else 0,
        albedo_height,
        albedo_width,
        uv,
        uv.shape[1] if len(uv) > 1 else 0,
        ctx.rows,
        normals,
        light,
        ctx.min_shading,
        *_seen_faces(clip, ctx.topology, key),
    )
