"""The rasteriser's operations on Warp kernels, each with a gradient written by hand."""

from typing import Any

import torch
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
    clip: Tensor,
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
    attributes: Tensor, clip: Tensor, topology: Topology, visibility: Visibility, faces: Tensor
) -> Tensor:
    """Spread vertex attributes over the visible faces; see the public function."""
    rows = topology.faces_int32 if faces is topology.faces else _int32(faces)
    result: Tensor = _Interpolate.apply(  # type: ignore[no-untyped-call]
        attributes, clip, topology, visibility.key.contiguous(), rows
    )
    return result


def antialias(image: Tensor, clip: Tensor, topology: Topology, visibility: Visibility) -> Tensor:
    """Blend pixels across silhouettes; see the public function."""
    result: Tensor = _Antialias.apply(  # type: ignore[no-untyped-call]
        image, clip, topology, visibility.key.contiguous()
    )
    return result


def vertex_normals(vertices: Tensor, topology: Topology) -> Tensor:
    """Average the normals of the faces around each vertex; see the public function."""
    result: Tensor = _VertexNormals.apply(  # type: ignore[no-untyped-call]
        vertices, topology
    )
    return result


def shade_textured(
    albedo: Tensor,
    uv: Tensor,
    uv_faces: Tensor,
    normals: Tensor,
    light: Tensor,
    min_shading: float,
    clip: Tensor,
    topology: Topology,
    visibility: Visibility,
) -> Tensor:
    """Light a textured surface; see the public function."""
    rows = topology.faces_int32 if uv_faces is topology.faces else _int32(uv_faces)
    result: Tensor = _ShadeTextured.apply(  # type: ignore[no-untyped-call]
        albedo, uv, normals, light, clip, min_shading, rows, topology, visibility.key.contiguous()
    )
    return result


def _rows(table: Tensor) -> tuple[int, int]:
    """Number of rows per item, and the step from one item's rows to the next (0 if shared)."""
    count, columns = table.shape[-2:]
    return count, count * columns if table.ndim == 3 else 0


def _int32(faces: Tensor) -> Tensor:
    return faces.to(torch.int32).reshape(-1).contiguous()


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
        wants = [int(need) for need in ctx.needs_input_grad[:2]]
        attributes_grad = torch.zeros_like(attributes) if wants[0] else clip.new_zeros(1)
        clip_grad = torch.zeros_like(clip) if wants[1] else clip.new_zeros(1)
        inputs = _interpolation_inputs(ctx, attributes, clip, key)
        outputs = (grad.contiguous(), *wants, attributes_grad, clip_grad)
        launch(
            clip,
            len(key),
            Launch("interpolate_adjoint", key[0].numel(), (*inputs, *outputs)),
            disjoint=len(attributes) > 1 or not wants[0],
        )
        return (
            attributes_grad if wants[0] else None,
            clip_grad if wants[1] else None,
            None,
            None,
            None,
        )


def _interpolation_inputs(
    ctx: Any, attributes: Tensor, clip: Tensor, key: Tensor
) -> tuple[Any, ...]:
    items, count, channels = attributes.shape
    table = ctx.topology.faces
    return (
        attributes,
        count * channels if items > 1 else 0,
        ctx.rows,
        channels,
        clip,
        clip.shape[1],
        ctx.topology.faces_int32,
        _rows(table)[1],
        key,
        key.shape[1],
        key.shape[2],
    )


class _Antialias(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, image: Tensor, clip: Tensor, topology: Topology, key: Tensor) -> Tensor:
        image, clip = image.contiguous(), clip.contiguous()
        batch, channels, height, width = image.shape
        edges, stride = _rows(topology.edges)
        shape = (clip.shape[1], topology.edges_int32, edges, stride)
        found = torch.empty(batch * edges, dtype=torch.int32, device=clip.device)
        count = torch.zeros(batch, dtype=torch.int32, device=clip.device)
        best = torch.full((batch * 4 * height * width,), -1, dtype=torch.int32, device=clip.device)
        # One lane walks on a CPU; a GPU has one for every edge that may have been found.
        ctx.lanes = 1 if clip.device.type == "cpu" else edges
        walk = (found, count, ctx.lanes, clip, *shape, best, height, width, channels)
        result = image.clone()
        launch(
            clip,
            batch,
            Launch("mark_outermost", edges, (clip, *shape, key, height, width, best, found, count)),
            Launch("antialias", ctx.lanes, (*walk, image, result)),
        )
        ctx.save_for_backward(image, clip, found, count, best)
        ctx.shape = shape
        return result

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        image, clip, found, count, best = ctx.saved_tensors
        batch, channels, height, width = image.shape
        grad = grad.contiguous()
        image_grad, clip_grad = grad.clone(), torch.zeros_like(clip)
        walk = (found, count, ctx.lanes, clip, *ctx.shape, best, height, width, channels)
        outputs = (image, grad, image_grad, clip_grad)
        launch(
            clip,
            batch,
            Launch("antialias_adjoint", ctx.lanes, (*walk, *outputs)),
            work=4 * batch * (height + width),
        )
        return image_grad, clip_grad, None, None


class _VertexNormals(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, vertices: Tensor, topology: Topology) -> Tensor:
        vertices = vertices.contiguous()
        batch, count, _ = vertices.shape
        faces, stride = _rows(topology.faces)
        total, unit = torch.zeros_like(vertices), torch.zeros_like(vertices)
        inputs = (vertices, count, topology.faces_int32, faces, stride)
        launch(
            vertices,
            batch,
            Launch("add_face_normals", faces, (*inputs, total)),
            Launch("to_unit", count, (total, unit)),
            work=batch * count,
        )
        ctx.save_for_backward(vertices, total)
        ctx.topology = topology
        return unit

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        vertices, total = ctx.saved_tensors
        batch, count, _ = vertices.shape
        faces, stride = _rows(ctx.topology.faces)
        total_grad, vertices_grad = torch.zeros_like(total), torch.zeros_like(vertices)
        inputs = (vertices, count, ctx.topology.faces_int32, faces, stride)
        launch(
            vertices,
            batch,
            Launch("to_unit_adjoint", count, (total, grad.contiguous(), total_grad)),
            Launch("face_normals_adjoint", faces, (*inputs, total_grad, vertices_grad)),
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
        # Kernels skip what nobody wants, and then never touch its stand-in.
        geometry = needs[2] or needs[4]
        wants = (needs[0], needs[1], geometry, needs[3], geometry)
        grads = [
            torch.zeros_like(t) if want else t.new_zeros(t.shape[-1])
            for t, want in zip(tensors, wants, strict=True)
        ]
        albedo, uv, normals, light, clip = grads
        flags = [int(w) for w in (wants[0], wants[1], geometry, wants[3])]
        inputs = _shading_inputs(ctx, tensors, key)
        is_shared = any(w and len(t) == 1 for t, w in zip(tensors[:2], wants, strict=False))
        outputs = (picture, grad.contiguous(), *flags, albedo, uv, normals, light, clip)
        launch(
            key,
            len(key),
            Launch("shade_textured_adjoint", key[0].numel(), (*inputs, *outputs)),
            disjoint=not is_shared,
        )
        found = [g if need else None for g, need in zip(grads, needs, strict=True)]
        return (*found, None, None, None, None)


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
        clip,
        clip.shape[1],
        ctx.topology.faces_int32,
        _rows(ctx.topology.faces)[1],
        key,
        key.shape[1],
        key.shape[2],
    )
