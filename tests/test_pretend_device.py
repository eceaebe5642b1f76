"""The pretended GPU refuses what CUDA refuses, and accepts what CUDA accepts."""

import copy
import gc
from collections.abc import Callable, Iterator

import numpy as np
import pytest
import torch
from pretend_device import Pretended, pretended_gpu
from torch import Tensor, nn
from torch.nn import functional as F

from shapecycle.rasterize import Topology, vertex_normals

Case = Callable[[Tensor, Tensor], object]


@pytest.fixture
def gpu() -> Iterator[Pretended]:
    with pretended_gpu() as seen:
        yield seen


def _index_of(x: Tensor) -> Tensor:
    return torch.tensor([0, 1], device=x.device)


def _written(target: Tensor, index: object, value: object) -> Tensor:
    target[index] = value
    return target


# Each takes a tensor (3, 3) of the GPU, with gradients, and one of the processor.
REFUSED: dict[str, Case] = {
    "add": lambda g, c: g + c,
    "add in place": lambda g, c: c.add_(g.detach()),
    "the processor times a 0-dim of the GPU": lambda g, c: c * g.sum(),
    "a 0-dim of the processor, written": lambda g, c: c.sum().add_(g.detach().sum()),
    "compare": lambda g, c: g < c,
    "matmul": lambda g, c: g @ c,
    "linear": lambda g, c: F.linear(g, g, c[0]),
    "convolution": lambda g, c: F.conv2d(g[None, None], c[None, None]),
    "bmm": lambda g, c: torch.bmm(g[None], c[None]),
    "einsum": lambda g, c: torch.einsum("ij,jk->ik", g, c),
    "cat": lambda g, c: torch.cat([g, c]),
    "stack": lambda g, c: torch.stack([g, c]),
    "stack of 0-dims": lambda g, c: torch.stack([g.sum(), c.sum()]),
    "where of another condition": lambda g, c: torch.where(c > 0, g, g),
    "where of another value": lambda g, c: torch.where(g > 0, g, c),
    "lerp": lambda g, c: g.detach().lerp_(c, 0.5),
    "lerp of the processor": lambda g, c: c.lerp_(g.detach(), 0.5),
    "gather": lambda g, c: g.gather(0, torch.zeros(1, 3, dtype=torch.int64)),
    "gather from the processor": lambda g, c: c.gather(0, torch.zeros_like(g[:1]).long()),
    "index_select": lambda g, c: g.index_select(0, _index_of(c)),
    "scatter_add": lambda g, c: torch.zeros_like(g).scatter_add(0, _index_of(c)[:, None], g),
    "index_add": lambda g, c: torch.zeros_like(c).index_add(0, _index_of(g), g[:2]),
    "index of the processor by the GPU's": lambda g, c: c[_index_of(g)],
    "mask of the processor by the GPU's": lambda g, c: c[g > 0],
    "index_put of another value": lambda g, c: _written(g.detach(), _index_of(g), c[:2]),
    "masked_fill of another mask": lambda g, c: g.masked_fill(c > 0, 0.0),
    "grid_sample": lambda g, c: F.grid_sample(
        g[None, None], c[None, :, None, :2], align_corners=False
    ),
    "cdist": lambda g, c: torch.cdist(g, c),
    "searchsorted": lambda g, c: torch.searchsorted(g.detach()[0].contiguous(), c[0]),
    "dot of a cast tensor": lambda g, c: g.detach().double() @ c.double(),
    "mse": lambda g, c: F.mse_loss(g, c),
    "addcmul": lambda g, c: torch.addcmul(g, c, g),
    "equal": lambda g, c: torch.equal(g, c),
    "foreach": lambda g, c: torch._foreach_add([g.detach()], [c]),
    "another GPU": lambda g, c: g.to("cuda:1"),
}

ACCEPTED: dict[str, Case] = {
    "add": lambda g, c: g + g,
    "a Python number": lambda g, c: 2 * g + 1,
    "a 0-dim of the processor": lambda g, c: g * c.sum() + c[0, 0],
    "the other way round": lambda g, c: c.sum() / g,
    "where with a number": lambda g, c: torch.where(g > 0, g, 0.0),
    "where with 0-dim": lambda g, c: torch.where(g > 0, g, torch.tensor(1.0)),
    "masked_fill with 0-dim": lambda g, c: g.masked_fill(g > 0, torch.tensor(1.0)),
    "index by the processor's": lambda g, c: g[_index_of(c)],
    "mask by the processor's": lambda g, c: g[c > -10],
    "index by a list": lambda g, c: g[[0, 1]],
    "index by the GPU's": lambda g, c: g[_index_of(g)],
    "index_put of a number": lambda g, c: _written(g * 1, _index_of(c), 0.5),
    "a slice is written from the processor": lambda g, c: _written(g * 1, slice(0, 2), c[:2]),
    "copy_": lambda g, c: (g * 1).copy_(c),
    "to": lambda g, c: g + c.to("cuda"),
    "to the device of another": lambda g, c: g @ c.to(g),
    "to a device and a type": lambda g, c: g.double() + c.to(g.device, torch.float64),
    "there and back and there": lambda g, c: g.cpu().mul(c).cuda() + g,
    "new_tensor": lambda g, c: g * g.new_tensor([1.0, 2.0, 3.0]),
    "new_zeros": lambda g, c: g + g.new_zeros(3),
    "zeros_like": lambda g, c: g + torch.zeros_like(g) + torch.randn_like(g),
    "factory": lambda g, c: g + torch.zeros(3, 3, device="cuda") + torch.ones(3, device=g.device),
    "tensor": lambda g, c: g + torch.tensor([1.0, 2, 3], device="cuda:0"),
    "as_tensor": lambda g, c: g + torch.as_tensor(np.ones(3, np.float32), device=g.device),
    "views": lambda g, c: g.mT.reshape(-1)[2:].unfold(0, 2, 1).flip(0),
    "unbind": lambda g, c: torch.stack(g.unbind(0)),
    "amax": lambda g, c: g.amax(1) + g.std(0) + g.norm(dim=1),
    "max and argmax": lambda g, c: g.max(0).values + g.argmax(0),
    "sort": lambda g, c: g.sort(0).values.cumsum(0),
    "interpolate": lambda g, c: F.interpolate(g[None, None], (7, 5), mode="bilinear"),
    "grid_sample": lambda g, c: F.grid_sample(
        g[None, None], g.detach()[None, :, None, :2], align_corners=False
    ),
    "convolution": lambda g, c: F.conv2d(F.pad(g[None, None], (1, 1, 1, 1)), g[None, None]),
    "index_add": lambda g, c: torch.zeros_like(g).index_add(0, _index_of(g), g[:2]),
    "scatter_add": lambda g, c: torch.zeros_like(g).scatter_add(0, torch.ones_like(g).long(), g),
    "einsum": lambda g, c: torch.einsum("ij,jk->ik", g, g),
    "cdist": lambda g, c: torch.cdist(g, g + 1),
    "eigh": lambda g, c: torch.linalg.eigh(g.detach() @ g.detach().mT)[1] @ g,
    "tril": lambda g, c: torch.tril(g) + torch.eye(3, device=g.device),
}


@pytest.mark.parametrize("case", REFUSED.values(), ids=REFUSED.keys())
def test_refuses_what_cuda_refuses(gpu: Pretended, case: Case) -> None:
    g, c = torch.rand(3, 3).cuda().requires_grad_(), torch.rand(3, 3)
    with pytest.raises(RuntimeError, match="device"):
        case(g, c)


@pytest.mark.parametrize("case", ACCEPTED.values(), ids=ACCEPTED.keys())
def test_accepts_what_cuda_accepts_forward_and_backward(gpu: Pretended, case: Case) -> None:
    torch.manual_seed(0)
    start, c = torch.rand(3, 3), torch.rand(3, 3)
    g = start.cuda().requires_grad_()
    torch.manual_seed(1)
    result = case(g, c)
    assert isinstance(result, Tensor)
    assert result.device == torch.device("cuda:0")
    assert result.is_cuda
    result.square().sum().backward()
    assert g.grad is not None
    assert g.grad.device == torch.device("cuda:0")
    # A real GPU gives the same numbers but for rounding, and so must a pretended one.
    torch.manual_seed(1)
    plain = start.clone().requires_grad_()
    expected = case(plain.cuda(), c)
    assert isinstance(expected, Tensor)
    expected.square().sum().backward()
    assert plain.grad is not None
    assert plain.grad.device == torch.device("cpu")
    torch.testing.assert_close(g.grad.cpu(), plain.grad)


def test_tensors_stay_where_they_are_when_python_forgets_their_storage(gpu: Pretended) -> None:
    x = torch.ones(2, device="cuda")
    view = x[:1].detach()
    del x
    gc.collect()
    assert view.is_cuda
    assert copy.deepcopy(view).is_cuda


def test_a_gradient_goes_back_over_the_devices(gpu: Pretended) -> None:
    x = torch.rand(3, requires_grad=True)
    weight = torch.rand(3, requires_grad=True, device="cuda")
    ((x.to("cuda") * weight).cpu() * x).sum().backward()
    assert x.grad is not None
    assert x.grad.device == torch.device("cpu")
    assert weight.grad is not None
    assert weight.grad.is_cuda


class _Doubled(torch.autograd.Function):
    """Two results, of which one may go unused; makes tensors of its own on the way back."""

    @staticmethod
    def forward(ctx: torch.autograd.function.FunctionCtx, x: Tensor) -> tuple[Tensor, Tensor]:
        ctx.save_for_backward(x)  # type: ignore[attr-defined]
        return x * 2, x * 3

    @staticmethod
    def backward(ctx: torch.autograd.function.FunctionCtx, a: Tensor, b: Tensor) -> Tensor:  # type: ignore[override]
        (x,) = ctx.saved_tensors  # type: ignore[attr-defined]
        assert x.device.type == a.device.type == b.device.type == "cuda"
        return 2 * a + 3 * b + torch.zeros(len(x), device=b.device) + torch.zeros_like(x)


def test_ones_own_functions_know_the_device_on_the_way_back(gpu: Pretended) -> None:
    x = torch.rand(3, device="cuda", requires_grad=True)
    _Doubled.apply(x * 1)[0].sum().backward()
    assert x.grad is not None
    assert x.grad.is_cuda
    (slope,) = torch.autograd.grad(_Doubled.apply(x * 1)[1].sum(), [x])
    assert slope.is_cuda
    torch.testing.assert_close(slope.cpu(), torch.full((3,), 3.0))


def test_a_backward_pass_that_mixes_devices_is_refused(gpu: Pretended) -> None:
    class Wrong(torch.autograd.Function):
        @staticmethod
        def forward(ctx: object, x: Tensor) -> Tensor:
            return x * 2

        @staticmethod
        def backward(ctx: object, gradient: Tensor) -> Tensor:  # type: ignore[override]
            return gradient * torch.full((3,), 2.0)

    x = torch.rand(3, device="cuda", requires_grad=True)
    with pytest.raises(RuntimeError, match="same device"):
        Wrong.apply(x).sum().backward()


@pytest.mark.parametrize("options", [{}, {"fused": True}, {"foreach": False}, {"amsgrad": True}])
def test_modules_move_and_learn_and_are_saved(gpu: Pretended, options: dict[str, bool]) -> None:
    torch.manual_seed(0)
    twins = [nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Flatten(), nn.Linear(8, 1))]
    twins.append(copy.deepcopy(twins[0]).to("cuda"))
    for net in twins:
        adam = torch.optim.Adam(net.parameters(), lr=0.01, **options)  # type: ignore[arg-type]
        for _ in range(3):
            adam.zero_grad()
            net(
                torch.linspace(0, 1, 32, device=net[3].weight.device).view(2, 1, 4, 4)
            ).sum().backward()
            torch.nn.utils.clip_grad_norm_(net.parameters(), 0.5)
            adam.step()
        assert {p.device for p in net.parameters()} == {net[3].weight.device}
        state = adam.state_dict()
        adam.load_state_dict(copy.deepcopy(state))
        assert adam.state[net[3].weight]["exp_avg"].device == net[3].weight.device
    cpu, cuda = twins
    assert cuda[3].weight.is_cuda
    assert not cpu[3].weight.is_cuda
    assert cuda[1].running_mean.is_cuda
    torch.testing.assert_close(cuda[3].weight.cpu(), cpu[3].weight)
    cpu.load_state_dict(cuda.state_dict())
    assert not cpu[3].weight.is_cuda
    with pytest.raises(RuntimeError, match="same device"):
        cuda(torch.zeros(2, 1, 4, 4))


def test_arrays_are_refused_a_view_of_the_gpu(gpu: Pretended) -> None:
    x = torch.ones(3, device="cuda")
    for function in (Tensor.numpy, np.asarray):
        with pytest.raises(TypeError, match="can't convert cuda:0 device type tensor to numpy"):
            function(x)
    assert x.cpu().numpy().sum() == 3


def test_generators_belong_to_a_device(gpu: Pretended) -> None:
    cpu, cuda = torch.Generator().manual_seed(0), torch.Generator(device="cuda").manual_seed(0)
    assert (cpu.device.type, cuda.device.type) == ("cpu", "cuda")
    assert isinstance(cuda, torch.Generator)
    assert torch.randn(2, generator=cuda, device="cuda").is_cuda
    for wrong in (
        lambda: torch.randn(2, generator=cpu, device="cuda"),
        lambda: torch.zeros(2, device="cuda").normal_(generator=cpu),
        lambda: torch.multinomial(torch.ones(2, device="cuda"), 1, generator=cpu),
    ):
        with pytest.raises(RuntimeError, match="Expected a 'cuda' device type for generator"):
            wrong()
    for wrong in (
        lambda: torch.rand(2, generator=cuda),
        lambda: torch.randint(3, (2,), generator=cuda),
        lambda: torch.randperm(3, generator=cuda),
    ):
        with pytest.raises(RuntimeError, match="Expected a 'cpu' device type for generator"):
            wrong()
    state, first = cuda.get_state(), torch.rand(2, generator=cuda, device="cuda")
    assert not state.is_cuda
    cuda.set_state(state)
    assert torch.equal(first, torch.rand(2, generator=cuda, device="cuda"))
    with pytest.raises(RuntimeError, match="wrong size"):
        cuda.set_state(cpu.get_state())
    with pytest.raises(RuntimeError, match="size"):
        cpu.set_state(state)


def test_autocast_computes_in_half_precision_there(gpu: Pretended) -> None:
    x = torch.rand(2, 2, device="cuda")
    with torch.autocast("cuda", torch.bfloat16):
        assert torch.is_autocast_enabled("cuda")
        assert (x @ x).dtype == torch.bfloat16
        assert (x @ x).is_cuda
        with torch.autocast("cuda", enabled=False):
            assert (x @ x).dtype == torch.float32
    assert not torch.is_autocast_enabled("cuda")


WAITS: dict[str, Callable[[Tensor], object]] = {
    "item": lambda x: x.sum().item(),
    "float": lambda x: float(x[0]),
    "int": lambda x: int(x[0]),
    "bool": lambda x: bool((x > 0).all()),
    "if": lambda x: 1 if x.isfinite().all() else 0,
    "tolist": lambda x: x.tolist(),
    "cpu": lambda x: x.cpu(),
    "to": lambda x: x.to("cpu"),
    "copy into the processor's": lambda x: torch.zeros(4).copy_(x),
    "nonzero": lambda x: x.nonzero(),
    "boolean mask": lambda x: x[x > 0],
    "boolean mask, written": lambda x: _written(x, x > 0, x[:3] + 1),
    "masked_select": lambda x: x.masked_select(x > 0),
    "unique": lambda x: torch.unique(x),
    "repeat_interleave": lambda x: x.repeat_interleave(x.long()),
    "equal": lambda x: torch.equal(x, x),
    "a slice to a 0-dim": lambda x: x[: x.long()[1]],
    "max of Python": lambda x: max(x[0], x[1]),
}

GOES_ON: dict[str, Callable[[Tensor], object]] = {
    "arithmetic": lambda x: (x * 2).sum(),
    "one_hot of so many classes": lambda x: F.one_hot(x.long(), 4),
    "repeat_interleave with its size": lambda x: x.repeat_interleave(x.long(), output_size=6),
    "mask filled with a number": lambda x: _written(x, x > 0, 0.0),
    "where": lambda x: torch.where(x > 0, x, 0.0),
    "index": lambda x: x[torch.tensor([0], device="cuda")],
    "asynchronous copy": lambda x: x.to("cpu", non_blocking=True),
    "length": lambda x: len(x),
    "of the processor": lambda x: float(torch.ones(())),
}


def test_counts_where_the_host_waits(gpu: Pretended) -> None:
    x = torch.tensor([0.0, 1.0, 2.0, 3.0], device="cuda")
    for name, wait in WAITS.items():
        gpu.synchronisations.clear()
        wait(x.clone())
        assert gpu.synchronisations.total() == 1, name
    for name, go_on in GOES_ON.items():
        gpu.synchronisations.clear()
        go_on(x.clone())
        assert not gpu.synchronisations, name


def test_counts_uploads_apart(gpu: Pretended) -> None:
    for upload in (
        lambda: torch.ones(2).cuda(),
        lambda: torch.tensor([1.0], device="cuda"),
        lambda: torch.zeros(2, device="cuda").copy_(torch.ones(2)),
        lambda: torch.zeros(2, device="cuda")[torch.tensor([0])],
    ):
        gpu.uploads.clear()
        upload()
        assert gpu.uploads.total() == 1
    assert not gpu.synchronisations


def test_names_the_line_of_the_package(gpu: Pretended) -> None:
    vertices = torch.zeros(1, 3, 3, device="cuda")
    face = torch.tensor([[0, 1, 2]])
    vertex_normals(vertices, Topology.from_faces(face).to("cuda"))
    assert any(line.startswith("rasterize/topology.py:") for line in gpu.uploads)
    vertex_normals(vertices, Topology.from_faces(face.cuda()))
    assert any(line.startswith("rasterize/topology.py:") for line in gpu.synchronisations)


def test_the_pretended_gpu_goes_away() -> None:
    before = torch.cuda.is_available(), torch.Generator, torch.autocast
    with pretended_gpu():
        assert torch.cuda.is_available()
    assert (torch.cuda.is_available(), torch.Generator, torch.autocast) == before
