"""A GPU made out of the processor: real numbers, and the rules of CUDA about where they are.

Every storage that is on the pretended GPU carries a mark. One mode of PyTorch answers what Python
asks (`.device`, `.to("cuda")`, `torch.zeros(..., device="cuda")`), another sees each operation that
is carried out, those of the backward pass included, refuses what CUDA refuses, marks the results,
and counts where the host would have to wait for the GPU.

What cannot be pretended: kernels of Warp (the rasteriser draws with PyTorch), the speed, memory
and rounding of a GPU, threads other than the one that entered, `torch.load` onto a GPU, streams.
"""

import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode, _get_current_function_mode_stack
from torch.utils._device import _device_constructors
from torch.utils._python_dispatch import TorchDispatchMode

import shapecycle
from shapecycle import devices, randomness
from shapecycle.losses import code
from shapecycle.rasterize import backend

PACKAGE = Path(shapecycle.__file__).parent
GPU = torch.device("cuda", 0)

CPU, CUDA = "cpu", "cuda"
ANYWHERE = "anywhere"
"""Of tensors that PyTorch makes for itself without telling the modes for which device."""

aten = torch.ops.aten
MIXING = {aten.copy_, aten._to_copy, aten._foreach_copy_}
FILLING = {aten.fill, aten.fill_}
INDEXING = {aten.index, aten.index_put, aten.index_put_, aten._index_put_impl_, aten._unsafe_index}
SCALAR_VALUES = {aten.masked_fill, aten.masked_fill_}
"""Not elementwise by its tag, though its value may come from the processor all the same."""
WAITING = {
    aten._local_scalar_dense: "item",
    aten.nonzero: "nonzero",
    aten.masked_select: "masked_select",
    aten._unique2: "unique",
    aten.unique_dim: "unique",
    aten.unique_consecutive: "unique",
    aten.equal: "equal",
    aten.bincount: "bincount",
    aten._linalg_eigh: "eigh",
    aten._linalg_check_errors: "check of linalg",
}
"""Operations whose result the host needs before it can go on."""

RealGenerator = torch.Generator


@dataclass
class Pretended:
    """What happened on the pretended GPU.

    Attributes:
        synchronisations: How often the host waited, by line of the package and operation.
        uploads: How often tensors were copied to the GPU, likewise.
        operations: What was carried out there outside backward passes, with shapes and numbers,
            where a test asks for it.
    """

    synchronisations: Counter[str] = field(default_factory=Counter)
    uploads: Counter[str] = field(default_factory=Counter)
    operations: list[str] | None = None


@contextmanager
def pretended_gpu() -> Iterator[Pretended]:
    """Make "cuda" a device of this process for a while."""
    seen = Pretended()
    operations = _Operations(seen)
    calls = _Calls(operations)
    group = torch._C._group_tensors_by_device_and_dtype
    run_backward = torch.autograd._engine_run_backward  # type: ignore[attr-defined]

    def grouped(lists: list[list[Tensor | None]], with_indices: bool = False) -> Any:
        """Name the pretended device where optimizers sort tensors by device."""
        with torch._C.DisableTorchFunction():
            found = group(lists, with_indices)
            return {
                (GPU if _where(tensors[0][0]) == CUDA else device, dtype): (tensors, indices)
                for (device, dtype), (tensors, indices) in found.items()
            }

    def backward(*args: Any, **kwargs: Any) -> Any:
        """Keep answering inside the backward passes of `torch.autograd.Function`."""
        if calls in _get_current_function_mode_stack():
            return run_backward(*args, **kwargs)
        with calls:
            return run_backward(*args, **kwargs)

    is_enabled, autocast_dtype = torch.is_autocast_enabled, torch.get_autocast_dtype
    replaced: list[tuple[Any, str, Any]] = [
        (torch, "Generator", _Generator),
        (randomness, "SharedGenerator", _SharedGenerator),
        (torch, "autocast", _Autocast),
        (torch, "is_autocast_enabled", lambda name="cuda": is_enabled(_real(name))),
        (torch, "get_autocast_dtype", lambda name: autocast_dtype(_real(name))),
        (torch._C, "_group_tensors_by_device_and_dtype", grouped),
        (torch.autograd, "_engine_run_backward", backward),
        *((torch.cuda, name, answer) for name, answer in _answers(operations).items()),
        (backend, "warp_obstacle", _warp_obstacle),
    ]
    with ExitStack() as stack:
        for owner, name, value in replaced:
            stack.enter_context(patch.object(owner, name, value))
        # What is remembered of "cuda" holds for the pretended device alone.
        for function in (devices.has_native_bfloat16, code._facing_normals):
            function.cache_clear()
            stack.callback(function.cache_clear)
        stack.enter_context(operations)
        stack.enter_context(calls)
        yield seen


# Where tensors are ----------------------------------------------------------------------------


def _where(tensor: Tensor) -> str:
    """Read the mark of a tensor's storage; PyTorch keeps attributes as long as the storage."""
    try:
        return getattr(tensor.untyped_storage(), "where", CPU)
    except NotImplementedError:  # sparse tensors have none
        return CPU


def _mark(tensor: Tensor, where: str) -> None:
    tensor.untyped_storage().where = where  # type: ignore[attr-defined]


def _asked(device: torch.device | str | int) -> str | None:
    """Say which of our two devices is meant; None for one that is not ours."""
    device = torch.device(device)
    if device.type == CUDA and device.index not in (None, 0):
        raise RuntimeError("CUDA error: invalid device ordinal")
    return device.type if device.type in (CPU, CUDA) else None


def _tensors(*values: object) -> list[Tensor]:
    """List all tensors in nested lists, tuples and dictionaries."""
    found: list[Tensor] = []
    for value in values:
        if isinstance(value, Tensor):
            found.append(value)
        elif isinstance(value, list | tuple):
            found += _tensors(*value)
        elif isinstance(value, dict):
            found += _tensors(*value.values())
    return found


def _described(value: Any) -> str:
    """Describe arguments: the shapes of tensors, and all else as it is."""
    if isinstance(value, Tensor):
        return f"{tuple(value.shape)} {value.dtype}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_described, value))}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{k}: {_described(v)}' for k, v in value.items())}}}"
    return "generator" if isinstance(value, RealGenerator) else str(value)


class _Move(torch.autograd.Function):
    """Copy a tensor to the other device, and its gradient back."""

    @staticmethod
    def forward(ctx: Any, tensor: Tensor, where: str) -> Tensor:
        ctx.origin = _where(tensor)
        copy = tensor.detach().clone()
        _mark(copy, where)
        return copy

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        with torch._C.DisableTorchFunction():
            return _Move.apply(gradients[0], ctx.origin), None


# What is carried out --------------------------------------------------------------------------


class _Operations(TorchDispatchMode):
    """Checks where the operands of every operation are, and marks the results."""

    def __init__(self, seen: Pretended) -> None:
        super().__init__()
        self.seen = seen
        self.asked: str | None = None
        self.made_anywhere = False
        self.is_counting = True

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """Do not import the compiler, which takes seconds, to be protected from it."""
        return False

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        with torch._C.DisableTorchFunction():
            kwargs = kwargs or {}
            inputs = _tensors(args, kwargs)
            where = self._check(func, args, kwargs, inputs)
            # What a backward pass does follows from what was done forwards.
            is_forward = torch._C._current_autograd_node() is None
            if where != CPU and is_forward and self.seen.operations is not None:
                self.seen.operations.append(f"{_line()} {func} {_described((args, kwargs))}")
            result = func(*args, **kwargs)
            if where != CPU:
                known = {tensor.untyped_storage()._cdata for tensor in inputs}
                for tensor in _tensors(result):
                    if tensor.untyped_storage()._cdata not in known:
                        _mark(tensor, where)
            return result

    def _check(
        self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any], inputs: list[Tensor]
    ) -> str:
        """Return where the result is, after refusing what CUDA refuses."""
        if not inputs:
            self.made_anywhere |= self.asked is None
            return self.asked or ANYWHERE
        found = {_where(tensor) for tensor in inputs}
        operation = func.overloadpacket
        if CUDA not in found:
            return CPU if CPU in found else ANYWHERE
        for tensor in inputs:
            if _where(tensor) == ANYWHERE:
                _mark(tensor, CUDA)
        if operation in MIXING:
            return self._copy(operation, args, kwargs)
        if operation in FILLING:  # reads a number, wherever it is
            if _tensors(args[1]) and _where(args[1]) == CUDA != _where(args[0]):
                self.wait("item")
            return _where(args[0])
        if operation in INDEXING:
            return self._index(operation, *args, **kwargs)
        if CPU in found:
            self._check_scalars(func, args, kwargs, inputs)
        if operation in WAITING:
            self.wait(WAITING[operation])
        elif operation is aten.repeat_interleave and kwargs.get("output_size") is None:
            self.wait("repeat_interleave")
        return CUDA

    def _check_scalars(
        self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any], inputs: list[Tensor]
    ) -> None:
        """Let 0-dim operands of the processor into elementwise operations, and nothing else."""
        arguments = func._schema.arguments
        written = {
            id(tensor)
            for k, argument in enumerate(arguments)
            if argument.alias_info is not None and argument.alias_info.is_write
            for tensor in _tensors(args[k] if k < len(args) else kwargs.get(argument.name))
        }
        is_elementwise = torch.Tag.pointwise in func.tags or func.overloadpacket in SCALAR_VALUES
        for tensor in inputs:
            is_scalar = tensor.dim() == 0 and id(tensor) not in written
            is_welcome = is_scalar and is_elementwise
            if _where(tensor) == CPU and not is_welcome:
                raise RuntimeError(
                    "Expected all tensors to be on the same device, but found at least two "
                    f"devices, cuda:0 and cpu! (pretended, in {func})"
                )

    def _copy(self, operation: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
        target, source = _where(_tensors(args[0])[0]), _where(_tensors(*args[:2])[-1])
        if operation is aten._to_copy:
            return target
        is_blocking = not (args[2] if len(args) > 2 else kwargs.get("non_blocking"))
        self.moved(source, target, is_blocking)
        return target

    def _index(
        self, operation: Any, owner: Tensor, indices: Any, values: Any = None, *args: Any, **_: Any
    ) -> str:
        """Let a GPU's tensor be indexed by the processor's indices, but not the other way round."""
        indices, where = _tensors(indices), _where(owner)
        if where == CPU and any(_where(index) == CUDA for index in indices):
            raise RuntimeError(
                "indices should be either on cpu or on the same device as the indexed tensor "
                f"(cpu) (pretended, in {operation})"
            )
        if values is not None and _where(values) != where and values.dim() > 0:
            raise RuntimeError(
                "Expected all tensors to be on the same device, but found at least two devices, "
                f"cuda:0 and cpu! (pretended, values of {operation})"
            )
        fills = values is not None and values.numel() == 1 and _where(values) == CPU
        for index in indices:
            if _where(index) == CPU:
                self.moved(CPU, CUDA)
            elif index.dtype in (torch.bool, torch.uint8) and not fills:
                self.wait("boolean index")
        return where

    def wait(self, operation: str) -> None:
        """Count a wait of the host for the GPU."""
        if self.is_counting:
            self.seen.synchronisations[f"{_line()} {operation}"] += 1

    def moved(self, source: str, target: str, is_blocking: bool = True) -> None:
        """Count a copy between the devices."""
        if (source, target) == (CPU, CUDA):
            self.seen.uploads[f"{_line()} upload"] += 1
        elif (source, target) == (CUDA, CPU) and is_blocking:
            self.wait("download")


@cache
def _in_package(file: str) -> str | None:
    path = Path(file)
    return path.relative_to(PACKAGE).as_posix() if path.is_relative_to(PACKAGE) else None


def _line() -> str:
    """Name the innermost line of the package that is being run."""
    frame = sys._getframe(1)
    while frame is not None:
        if file := _in_package(frame.f_code.co_filename):
            return f"{file}:{frame.f_lineno}"
        frame = frame.f_back  # type: ignore[assignment]
    return "outside"


# What Python asks -----------------------------------------------------------------------------


class _Calls(TorchFunctionMode):
    """Answers questions about devices, and gives factories and copies their device."""

    def __init__(self, operations: _Operations) -> None:
        super().__init__()
        self.operations = operations
        T = torch.Tensor
        self.factories = _device_constructors()
        self.newcomers = {T.new_tensor, T.new_zeros, T.new_ones, T.new_full, T.new_empty}
        self.uploading = {torch.tensor, T.new_tensor, torch.as_tensor, torch.asarray}
        self.special: dict[Any, Callable[..., Any]] = {
            T.device.__get__: lambda x: torch.device(CPU) if _where(x) == CPU else GPU,
            T.is_cuda.__get__: lambda x: _where(x) != CPU,
            T.is_cpu.__get__: lambda x: _where(x) == CPU and x.is_cpu,
            T.get_device: lambda x: -1 if _where(x) == CPU else 0,
            T.to: self._to,
            T.type_as: lambda x, other: self._to(x, other),
            T.cuda: lambda x, device=None, **k: self._to(x, GPU if device is None else device, **k),
            T.cpu: lambda x, **_: self._to(x, CPU),
            T.numpy: lambda x, **k: self._numpy(T.numpy, x, **k),
            T.__array__: lambda x, *a, **k: self._numpy(T.__array__, x, *a, **k),
            T.tolist: self._tolist,
            T.pin_memory: lambda x, *_: x.clone(),
            T.__deepcopy__: self._deepcopy,
            torch.nn.functional.one_hot: self._one_hot,
        }

    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if func in self.special:
            if func == torch.Tensor.device.__get__ and args[0].is_meta:
                return func(*args)
            return self.special[func](*args, **kwargs)
        if getattr(func, "__name__", "") in ("__get__", "__set__", "__delete__"):
            return func(*args, **kwargs)
        asked = self._asked_for(func, args, kwargs)
        self._check_generator(func, asked, args, kwargs)
        if func in (torch.as_tensor, torch.asarray) and isinstance(args[0], Tensor):
            return self._to(args[0], device=asked, dtype=kwargs.get("dtype"))
        if kwargs.get("device") is not None and asked is not None:
            kwargs = kwargs | {"device": CPU}
        operations = self.operations
        before = operations.asked, operations.made_anywhere
        operations.asked, operations.made_anywhere = asked, False
        try:
            result = func(*args, **kwargs)
            if asked is not None:
                if func in self.uploading and asked == CUDA:
                    operations.moved(CPU, CUDA)
                    # It may share memory with an array; on a GPU it cannot.
                    result = result.clone() if func not in (torch.tensor,) else result
                _mark(result, asked)
            elif operations.made_anywhere:
                there = {_where(tensor) for tensor in _tensors(args, kwargs)}
                for tensor in _tensors(result):
                    if _where(tensor) == ANYWHERE:
                        _mark(tensor, CUDA if CUDA in there else CPU)
        finally:
            operations.asked, operations.made_anywhere = before
        return result

    def _asked_for(self, func: Any, args: Any, kwargs: dict[str, Any]) -> str | None:
        """Say where a factory's result goes; None for what is no factory of ours."""
        if kwargs.get("device") is not None:
            return _asked(kwargs["device"])
        if func in (torch.as_tensor, torch.asarray) and isinstance(args[0], Tensor):
            return _where(args[0])
        if func in self.factories:
            return CPU
        return _where(args[0]) if func in self.newcomers else None

    def _check_generator(self, func: Any, asked: str | None, args: Any, kwargs: Any) -> None:
        for generator in (x for x in (*args, *kwargs.values()) if isinstance(x, RealGenerator)):
            tensors = _tensors(args)
            where = asked or (_where(tensors[0]) if tensors else CPU)
            if where != generator.device.type:
                raise RuntimeError(
                    f"Expected a '{where}' device type for generator but found "
                    f"'{generator.device.type}' (pretended, in {getattr(func, '__name__', func)})"
                )

    def _to(self, tensor: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        copy = kwargs.pop("copy", False)
        other = kwargs.pop("other", None)
        if args and isinstance(args[0], Tensor):
            other, args = args[0], args[1:]
        if other is not None:
            args = (_where(other), other.dtype, *args)
        if len(args) > 3:  # device, dtype, non_blocking, copy
            copy, args = args[3], args[:3]
        device, dtype, non_blocking, form = torch._C._nn._parse_to(*args, **kwargs)
        target = _where(tensor) if device is None else _asked(device)
        if target is None:
            return tensor.to(device, dtype)
        how = {} if form is None else {"memory_format": form}
        result = tensor.to(tensor.dtype if dtype is None else dtype, copy=copy, **how)
        if target == _where(tensor):
            return result
        self.operations.moved(_where(tensor), target, not non_blocking)
        moved: Tensor = _Move.apply(result, target)
        return moved

    def _numpy(self, function: Any, tensor: Tensor, *args: Any, **kwargs: Any) -> Any:
        if _where(tensor) == CPU:
            return function(tensor, *args, **kwargs)
        if not kwargs.get("force"):
            raise TypeError(
                "can't convert cuda:0 device type tensor to numpy. Use Tensor.cpu() to copy the "
                "tensor to host memory first."
            )
        return self._to(tensor.detach(), CPU).numpy()

    def _tolist(self, tensor: Tensor) -> Any:
        if _where(tensor) != CPU:
            self.operations.wait("tolist")
        return tensor.tolist()

    def _deepcopy(self, tensor: Tensor, memo: Any) -> Any:
        result = torch.Tensor.__deepcopy__(tensor, memo)
        _mark(result, _where(tensor))
        return result

    def _one_hot(self, tensor: Tensor, num_classes: int = -1) -> Tensor:
        """Do without the checks that PyTorch makes of the classes on processors only."""
        before, self.operations.is_counting = self.operations.is_counting, num_classes < 0
        try:
            return torch.nn.functional.one_hot(tensor, num_classes)
        finally:
            self.operations.is_counting = before


# What stands for parts of PyTorch --------------------------------------------------------------


def _real(device_type: str) -> str:
    return CPU if device_type == CUDA else device_type


class _Autocast(torch.autocast):
    """The processor's autocast in place of the GPU's."""

    def __init__(self, device_type: str, *args: Any, **kwargs: Any) -> None:
        super().__init__(_real(device_type), *args, **kwargs)


class _AnyGenerator(type(RealGenerator)):  # type: ignore[misc]
    """Annotations that are read meanwhile outlive the pretended GPU: they must take any."""

    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, RealGenerator)


class _Generator(RealGenerator, metaclass=_AnyGenerator):
    """A generator of the processor that says where it is, and whose states do not fit others."""

    where: str

    def __new__(cls, device: torch.device | str = CPU) -> "_Generator":
        generator: _Generator = super().__new__(cls)
        generator.where = _asked(device) or CPU
        return generator

    @property
    def device(self) -> torch.device:  # type: ignore[override]
        return GPU if self.where == CUDA else torch.device(CPU)

    def get_state(self) -> Tensor:
        with torch._C.DisableTorchFunction():
            state = super().get_state()
            return torch.cat([state, state.new_zeros(8)]) if self.where == CUDA else state

    def set_state(self, state: Tensor) -> "_Generator":  # type: ignore[override]
        with torch._C.DisableTorchFunction():
            if _where(state) == CUDA:
                raise TypeError("expected a torch.ByteTensor, but got torch.cuda.ByteTensor")
            if self.where == CUDA:
                if len(state) != len(super().get_state()) + 8:
                    raise RuntimeError("RNG state is wrong size")
                state = state[:-8].clone()
            super().set_state(state)
        return self


class _SharedGenerator(_Generator, randomness.SharedGenerator):
    """The same, in the hands of one of several processes."""


def _answers(operations: _Operations) -> dict[str, Any]:
    """Return what functions of `torch.cuda` answer."""
    return {
        "is_available": lambda: True,
        "is_initialized": lambda: True,
        "device_count": lambda: 1,
        "current_device": lambda: 0,
        "get_device_name": lambda device=None: "NVIDIA Pretended",
        "get_device_capability": lambda device=None: (9, 0),
        "is_bf16_supported": lambda including_emulation=True: True,
        "is_current_stream_capturing": lambda: operations.seen.operations is not None,
        "synchronize": lambda device=None: operations.wait("synchronize"),
        "manual_seed": lambda seed: None,
        "manual_seed_all": lambda seed: None,
        "empty_cache": lambda: None,
        "mem_get_info": lambda device=None: (60 << 30, 80 << 30),
        "reset_peak_memory_stats": lambda device=None: None,
        **{
            f"{kind}memory_{what}": lambda device=None: 1 << 20
            for kind in ("", "max_")
            for what in ("allocated", "reserved")
        },
    }


def _warp_obstacle(device: torch.device) -> str | None:
    """Let the reference draw: kernels cannot be launched on a pretended device."""
    return "the GPU is pretended" if device.type == CUDA else _real_obstacle(device)


_real_obstacle = backend.warp_obstacle
