"""An emulated CUDA for tests: finds faults of device, number format, order and waiting where there is no GPU.

Everything is computed on the CPU, so pictures in float32 must be the CPU's, byte for byte. What a device is, is a
property of memory: `Ledger` keeps for each storage which GPU it is on, or that it is page-locked, so that views,
parameters and `.data` need no care. While an `EmulatedCuda` is entered, in all threads that begin meanwhile:

* `_Questions`, a mode of torch's functions, answers what Python asks of a tensor (`.device`, `.to`, `.numpy`) and
  takes `device="cuda"` out of calls;
* `_Operations`, a mode of torch's dispatcher, sees every operation: it refuses what CUDA refuses, raises the `Fault`s
  that a test asked for, and notes where the host waits for a device;
* `tests.emulated_driver` stands in for `torch.cuda`, for `torch.accelerator` and for NVIDIA's management library.

::

    with EmulatedCuda(gpus=(Gpu(), Gpu(capability=(7, 5)))) as cuda:
        ...
        assert cuda.waits == []

Asynchronous copies are what they are on a GPU: page-locked memory that was changed before its copy is surely done
raises `RaceError`, and what is copied to the host asynchronously is rubbish until somebody waited for it. What can't be
seen: CUDA's own arithmetic, its speed, streams beside the default one, kernels that it lacks, `torch.compile`.
"""

import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from functools import cache
from pathlib import PurePath
from typing import Any, Self
from unittest import mock

import torch
from torch._dynamo import trace_rules
from torch.multiprocessing.reductions import StorageWeakRef
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

from tests import emulated_driver
from tests.emulated_driver import Gpu

CPU = torch.device("cpu")
KERNELS = ("sm_75", "sm_80", "sm_86", "sm_90", "sm_100", "sm_120", "compute_120")
"""What a wheel for CUDA 13 has kernels for."""

ANY_DEVICES = {"copy_", "_to_copy", "set_", "detach", "alias", "lift_fresh", "clone", "record_stream"}
"""Operations that may be given tensors of several devices, or have one tensor alone."""
NO_SCALARS = {"index_select", "gather", "scatter", "embedding", "searchsorted", "bucketize", "equal", "clamp"}
"""Operations that don't take a number in a tensor of the CPU beside tensors of a GPU, as arithmetic does."""
ONE_FORMAT = {
    *("mm", "bmm", "addmm", "baddbmm", "addmv", "mv", "dot", "convolution", "native_layer_norm", "native_group_norm"),
    *("native_batch_norm", "_fused_rms_norm", "scaled_dot_product_attention", "_linalg_solve_ex", "prelu"),
}
"""Operations all of whose numbers have one format on a GPU."""
NO_HALF = {"_linalg_solve_ex", "linalg_inv_ex", "_linalg_svd", "_linalg_eigh", "linalg_qr", "_fft_r2c", "quantile"}
WAITING = {
    **dict.fromkeys(("_local_scalar_dense", "equal", "is_nonzero"), "number read"),
    **dict.fromkeys(("nonzero", "masked_select", "_unique2", "unique_dim", "bincount"), "size read"),
    **dict.fromkeys(("_linalg_solve_ex", "linalg_inv_ex", "repeat_interleave"), "size read"),
}
"""Operations whose result the host has to know: name -> what kind of wait that is."""


class RaceError(AssertionError):
    """Page-locked memory was changed while a copy from it was under way."""


@dataclass(frozen=True, slots=True)
class Wait:
    """The host stood still until a device was done."""

    kind: str
    """"number read", "size read", "pageable copy", "blocking copy", "copy to the host", "synchronize" or "event"."""
    what: str
    program: str
    """The innermost line of the program, "engine/decoding.py:50 _decoded"; empty where a test waited by itself."""
    library: str
    """The innermost line of a library other than torch."""


@dataclass(slots=True)
class Fault:
    """An error that a test wants to have raised: `EmulatedCuda.faults` holds those that are still to come."""

    at: str
    """What fails: an operation such as "convolution", or "copy", "synchronize", "record", "context", "empty_cache"."""
    error: Exception
    after: int = 0
    """How many times it works before."""
    times: int = 1


class Ledger:
    """Which storages are on which GPU and which are page-locked; every other one is plain memory of the host."""

    def __init__(self) -> None:
        self._kept: dict[int, tuple[StorageWeakRef, torch.device]] = {}
        self._pinned: dict[int, StorageWeakRef] = {}
        self._swept_at = 1000

    def device_of(self, tensor: torch.Tensor) -> torch.device:
        kept = self._kept.get(_storage(tensor))
        return tensor.device if kept is None else kept[1]

    def put(self, tensor: torch.Tensor, device: torch.device) -> torch.Tensor:
        """A tensor of its own memory is on that device from now on."""
        storage = tensor.untyped_storage()
        if device.type == "cuda":
            self._kept[storage._cdata] = (StorageWeakRef(storage), device)
            if len(self._kept) > self._swept_at:
                self._sweep()
        else:
            self._kept.pop(storage._cdata, None)
        return tensor

    def pin(self, tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        self._pinned[storage._cdata] = StorageWeakRef(storage)
        return tensor

    def is_pinned(self, tensor: torch.Tensor) -> bool:
        return _storage(tensor) in self._pinned

    def bytes_on(self, device: torch.device) -> int:
        """What is alive there."""
        self._sweep()
        mine = [key for key, (_, each) in self._kept.items() if each == device]
        return sum(storage.nbytes() for key in mine if (storage := alive(key)) is not None)

    def _sweep(self) -> None:
        """Lets go of storages that nobody holds; only then can their addresses come again."""
        for key in [key for key, (kept, _) in list(self._kept.items()) if kept.expired()]:
            del self._kept[key]
        for key in [key for key, kept in list(self._pinned.items()) if kept.expired()]:
            del self._pinned[key]
        self._swept_at = 2 * len(self._kept) + 1000


def _storage(tensor: torch.Tensor) -> int:
    return tensor.untyped_storage()._cdata


def alive(key: int) -> torch.UntypedStorage | None:
    """The storage at an address that the ledger holds weakly; None if it is gone."""
    return torch.UntypedStorage._new_with_weak_ptr(key)


@dataclass(slots=True)
class _Copy:
    """An asynchronous copy that nobody has waited for."""

    storage: Callable[[], torch.UntypedStorage | None]
    """Of page-locked memory: what is copied from it, or comes into it."""
    content: torch.UntypedStorage
    """Its bytes when the copy began, or those that will be there once it is done."""
    inwards: bool
    place: str
    number: int

    def settle(self) -> None:
        storage = self.storage()
        if storage is None:
            return
        if not self.inwards:
            storage.copy_(self.content)
        elif not torch.equal(_bytes(storage), _bytes(self.content)):
            raise RaceError(f"page-locked memory was changed under the copy from it that began at {self.place}")


def _bytes(storage: torch.UntypedStorage) -> torch.Tensor:
    return torch.empty(0, dtype=torch.uint8).set_(storage)


class EmulatedCuda(AbstractContextManager["EmulatedCuda"]):
    """A CUDA that is there while it is entered; see the module."""

    def __init__(self, gpus: Sequence[Gpu] = (Gpu(), Gpu()), kernels: Sequence[str] = KERNELS) -> None:
        """`kernels` is what torch was built for, as `torch.cuda.get_arch_list` tells it."""
        self.gpus, self.kernels = tuple(gpus), list(kernels)
        self.ledger = Ledger()
        self.waits: list[Wait] = []
        self.faults: list[Fault] = []
        self.contexts: set[int] = set()
        """The GPUs that something was done on."""
        self.recorded: list[torch.device] = []
        """The device of each event's stream, in the order in which they were recorded."""
        self.copies = 0
        """Asynchronous copies so far."""
        self.current = threading.local()
        self._pending: list[_Copy] = []
        self._exits = ExitStack()

    def __enter__(self) -> Self:
        trace_rules.get_torch_obj_rule_map()  # lists torch's functions, once; it must not find those that stand in
        emulated_driver.forget_answers()
        run = threading.Thread.run

        def run_with_modes(thread: threading.Thread) -> None:
            with _Questions(self), _Operations(self):
                run(thread)

        self._exits.enter_context(mock.patch.object(threading.Thread, "run", run_with_modes))
        for owner, name, answer in emulated_driver.stand_ins(self):
            self._exits.enter_context(mock.patch.object(owner, name, answer, create=True))
        self._exits.enter_context(_Questions(self))
        self._exits.enter_context(_Operations(self))
        return self

    def __exit__(self, *_: object) -> None:
        self._exits.close()
        emulated_driver.forget_answers()

    def resolve(self, device: object = None) -> torch.device:
        """A device as people write it, None for the current one -> one with a number, if it is a GPU."""
        found = torch.device("cuda", device) if isinstance(device, int) else torch.device(device or "cuda")
        if found.type != "cuda":
            return found
        index = getattr(self.current, "index", 0) if found.index is None else found.index
        if index >= len(self.gpus):
            raise torch.AcceleratorError("CUDA error: invalid device ordinal")
        return torch.device("cuda", index)

    def touch(self, device: torch.device) -> None:
        """Something is done there, for which CUDA makes a context."""
        self.strike("context")
        if self.gpus[device.index].broken:
            raise torch.AcceleratorError(self.gpus[device.index].broken)
        self.contexts.add(device.index)

    def strike(self, place: str) -> None:
        """Raises the fault that a test asked for here."""
        for fault in [each for each in self.faults if each.at == place]:
            if fault.after:
                fault.after -= 1
                continue
            fault.times -= 1
            if not fault.times:
                self.faults.remove(fault)
            raise fault.error

    def wait(self, kind: str, what: str, until: int | None = None) -> None:
        """The host waits: for all that was queued, or for what was before copy number `until`."""
        self.waits.append(Wait(kind, what, *_place()))
        done = [copy for copy in self._pending if until is None or copy.number <= until]
        self._pending = [copy for copy in self._pending if copy not in done]
        for copy in done:
            copy.settle()

    def transfer(self, source: torch.Tensor, target: torch.Tensor, non_blocking: bool) -> None:
        """Tells of the copy between devices that was just made, and lets its bytes come late where CUDA does."""
        origin, goal = self.ledger.device_of(source), self.ledger.device_of(target)
        what = f"{tuple(source.shape)} {str(source.dtype).removeprefix('torch.')}"
        for each in {origin, goal}:
            if each.type == "cuda":
                self.touch(each)
        self.strike("copy")
        if origin.type == goal.type:
            return
        inwards = goal.type == "cuda"
        if not non_blocking or (inwards and not self.ledger.is_pinned(source)):
            plain = inwards and not self.ledger.is_pinned(source)
            self.wait("pageable copy" if plain else "blocking copy" if inwards else "copy to the host", what)
            return
        self.copies += 1
        held = source if inwards else target
        storage = held.untyped_storage()
        content = storage.clone()
        if inwards:
            kept = StorageWeakRef(storage)
            self._pending.append(_Copy(lambda: alive(kept.cdata), content, True, " ".join(_place()), self.copies))
        else:
            storage.fill_(0xAB)
            self._pending.append(_Copy(lambda: storage, content, False, "", self.copies))


def _place() -> tuple[str, str]:
    """(program, library): the innermost lines of both."""
    program = library = ""
    frame = sys._getframe(2)
    while frame is not None and not program:
        owner, name = _owner(frame.f_code.co_filename)
        line = f"{name}:{frame.f_lineno} {frame.f_code.co_name}" if owner else ""
        program = line if owner == "program" else program
        library = library or (line if owner == "library" else "")
        frame = frame.f_back
    return program, library


@cache
def _owner(file: str) -> tuple[str, str]:
    """("program", "library" or "", the file's name in its folder)."""
    parts = PurePath(file).parts
    installed = "site-packages" in parts
    owner = "program" if "sframes_tui" in parts and not installed else "library" if installed else ""
    return "" if "torch" in parts else owner, "/".join(parts[-2:])


def _tensors(*values: object) -> Iterator[torch.Tensor]:
    """Those in arguments or results, however nested."""
    for each in values:
        if isinstance(each, torch.Tensor):
            yield each
        elif isinstance(each, tuple | list):
            yield from _tensors(*each)
        elif isinstance(each, dict):
            yield from _tensors(*each.values())


class _Around(threading.local):
    """The device of what is made within the call in hand, where nothing else tells it."""

    device = CPU


_around = _Around()
_GETTERS = {each.__get__ for each in (torch.Tensor.shape, torch.Tensor.dtype, torch.Tensor.grad, torch.Tensor.layout)}
_PLAIN = {
    *_GETTERS,
    *(torch.Tensor.size, torch.Tensor.dim, torch.Tensor.numel, torch.Tensor.stride, torch.Tensor.is_floating_point),
    *(torch.Tensor.untyped_storage, torch.Tensor.__len__, torch.Tensor.requires_grad_, torch.Tensor.element_size),
}
"""Questions that have nothing to do with a device."""


class _Questions(TorchFunctionMode):
    """What Python asks of tensors, and calls that name a device."""

    def __init__(self, cuda: EmulatedCuda) -> None:
        super().__init__()
        self._cuda, self._device_of = cuda, cuda.ledger.device_of
        self._answers: dict[object, Callable[..., Any]] = {
            torch.Tensor.device.__get__: lambda tensor, *_: self._device_of(tensor),
            torch.Tensor.is_cuda.__get__: lambda tensor, *_: self._device_of(tensor).type == "cuda",
            torch.Tensor.is_cpu.__get__: lambda tensor, *_: self._device_of(tensor).type == "cpu",
            torch.Tensor.get_device: lambda tensor: -1 if (index := self._device_of(tensor).index) is None else index,
            torch.Tensor.is_pinned: lambda tensor, *_: cuda.ledger.is_pinned(tensor),
            torch.Tensor.pin_memory: self._pin,
            torch.Tensor.to: self._to,
            torch.Tensor.cuda: lambda tensor, device=None, non_blocking=False, **_: self._moved(
                tensor, cuda.resolve(device), non_blocking
            ),
            torch.Tensor.cpu: lambda tensor, **_: self._moved(tensor, CPU, False),
            torch.Tensor.type_as: lambda tensor, other: self._to(tensor, other),
            torch.Tensor.tolist: self._listed,
            torch.as_tensor: self._made_by(torch.as_tensor),
            torch.asarray: self._made_by(torch.asarray),
        }
        for name in ("numpy", "__array__", "__dlpack__"):
            self._answers[getattr(torch.Tensor, name)] = self._of_the_host(getattr(torch.Tensor, name))

    def __torch_function__(
        self, function: Callable[..., Any], _: Sequence[type], args: Sequence[Any] = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        if (answer := self._answers.get(function)) is not None:
            return answer(*args, **kwargs)
        return function(*args, **kwargs) if function in _PLAIN else self._called(function, args, dict(kwargs))

    def _called(self, function: Callable[..., Any], args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
        given = list(_tensors(args, kwargs))
        wanted = None if kwargs.get("device") is None else self._cuda.resolve(kwargs["device"])
        pinned = kwargs.pop("pin_memory", False)
        if wanted is not None and wanted.type == "cuda":
            kwargs["device"] = CPU
        if function is torch.nn.functional.scaled_dot_product_attention:
            _check_formats(function.__name__, given)
        outer, _around.device = _around.device, wanted or _common(given, self._device_of)
        try:
            result = function(*args, **kwargs)
        finally:
            _around.device = outer
        if wanted is not None and wanted.type in ("cpu", "cuda"):
            self._put_new(result, given, wanted, function)
        return self._cuda.ledger.pin(result) if pinned else result

    def _put_new(self, result: Any, given: Sequence[torch.Tensor], device: torch.device, function: Any) -> None:
        old = {_storage(each) for each in given}
        for each in _tensors(result):
            if _storage(each) not in old:
                self._cuda.ledger.put(each, device)
                if device.type == "cuda" and function in (torch.tensor, torch.Tensor.new_tensor):
                    self._cuda.wait("pageable copy", f"torch.tensor {tuple(each.shape)}")

    def _to(self, tensor: torch.Tensor, *args: Any, **kwargs: Any) -> torch.Tensor:
        """`Tensor.to` in all its forms."""
        names = {torch.dtype: "dtype", torch.memory_format: "memory_format", bool: "flag"}
        told = {**kwargs}
        for each in args:
            if isinstance(each, torch.Tensor):
                told |= {"dtype": each.dtype, "device": self._device_of(each)}
            elif (name := names.get(type(each), "device")) == "flag":
                told["copy" if "non_blocking" in told else "non_blocking"] = each
            elif each is not None:
                told[name] = each
        other = told.pop("other", None)
        if other is not None:
            return self._to(tensor, other, **told)
        device = told.pop("device", None)
        target = self._device_of(tensor) if device is None else self._cuda.resolve(device)
        return self._moved(tensor, target, told.pop("non_blocking", False), **told)

    def _moved(self, tensor: torch.Tensor, target: torch.device, non_blocking: bool, **options: Any) -> torch.Tensor:
        source, options = self._device_of(tensor), {key: value for key, value in options.items() if value is not None}
        if source == target or "cuda" not in (source.type, target.type):
            there = tensor.device if source == target else target
            return tensor.to(there, **options)
        if "meta" in (source.type, target.type):
            if source.type == "meta":
                raise NotImplementedError("Cannot copy out of meta tensor; no data!")
            return tensor.to(target, **options)
        made = self._cuda.ledger.put(tensor.to(**{**options, "copy": True}), target)
        self._cuda.transfer(tensor, made, non_blocking)
        return made

    def _made_by(self, function: Callable[..., torch.Tensor]) -> Callable[..., torch.Tensor]:
        def answer(data: Any, dtype: torch.dtype | None = None, device: Any = None, **options: Any) -> torch.Tensor:
            made = data if isinstance(data, torch.Tensor) else function(data, dtype=dtype, **options)
            return self._to(made, dtype=dtype, device=device)

        return answer

    def _pin(self, tensor: torch.Tensor, *_: Any) -> torch.Tensor:
        if self._device_of(tensor).type == "cuda":
            raise RuntimeError("cannot pin a CUDA tensor: only dense CPU tensors can be pinned")
        return tensor if self._cuda.ledger.is_pinned(tensor) else self._cuda.ledger.pin(tensor.clone())

    def _listed(self, tensor: torch.Tensor) -> Any:
        if self._device_of(tensor).type == "cuda":
            self._cuda.wait("copy to the host", f"tolist {tuple(tensor.shape)}")
        return tensor.tolist()

    def _of_the_host(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def answer(tensor: torch.Tensor, *args: Any, **kwargs: Any) -> Any:
            if (device := self._device_of(tensor)).type == "cuda":
                raise TypeError(f"can't convert {device} device type tensor to numpy. Use Tensor.cpu() first.")
            return function(tensor, *args, **kwargs)

        return answer


def _common(tensors: Sequence[torch.Tensor], device_of: Callable[[torch.Tensor], torch.device]) -> torch.device:
    """Where the result of a call with these is, as far as devices are right."""
    places = [(device_of(each), each.dim()) for each in tensors]
    gpus = [device for device, dimensions in sorted(places, key=lambda each: -each[1]) if device.type == "cuda"]
    return gpus[0] if gpus else CPU


@cache
def _kind(operation: Any) -> tuple[str, bool]:
    """An operation's name, and whether it consists of others that can be looked at."""
    return operation._schema.name.split("::")[1], operation._can_decompose()


class _Operations(TorchDispatchMode):
    """Every operation on the way to its kernel."""

    def __init__(self, cuda: EmulatedCuda) -> None:
        super().__init__()
        self._cuda, self._device_of = cuda, cuda.ledger.device_of

    def __torch_dispatch__(self, operation: Any, _: Any, args: Sequence[Any] = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        name, made_of_others = _kind(operation)
        if made_of_others:
            with self:
                return operation.decompose(*args, **kwargs)
        given = list(_tensors(args, kwargs))
        device = _common(given, self._device_of) if given else _around.device
        if device.type == "cuda":
            self._judge(name, args, kwargs, given, device)
        result = operation(*args, **kwargs)
        if device.type == "cuda":
            old = {_storage(each) for each in given}
            for each in _tensors(result):
                if _storage(each) not in old and each.device.type == "cpu":
                    self._cuda.ledger.put(each, device)
            if name == "copy_" and self._device_of(args[0]) != self._device_of(args[1]):
                self._cuda.transfer(args[1], args[0], bool(args[2] if len(args) > 2 else kwargs.get("non_blocking")))
        return result

    def _judge(
        self, name: str, args: Sequence[Any], kwargs: Mapping[str, Any], given: list[torch.Tensor], device: torch.device
    ) -> None:
        """Raises what CUDA would raise and notes what it waits for."""
        self._cuda.touch(device)
        self._cuda.strike(name)
        if (generator := kwargs.get("generator")) is not None and generator.device.type == "cpu":
            raise RuntimeError("Expected a 'cuda' device type for generator but found 'cpu'")
        if name in ("index", "index_put", "index_put_", "_index_put_impl_"):
            given = self._judge_indices(args)
        if name not in ANY_DEVICES:
            self._check_devices(name, given)
        _check_formats(name, given)
        if name in WAITING and kwargs.get("output_size") is None:
            self._cuda.wait(WAITING[name], f"{name} {tuple(given[0].shape)}")

    def _judge_indices(self, args: Sequence[Any]) -> list[torch.Tensor]:
        """The tensors that must share a device; indices may be the host's, at the price of a copy."""
        data, indices = args[0], list(_tensors(args[1]))
        for each in indices:
            if each.dtype in (torch.bool, torch.uint8):
                self._cuda.wait("size read", f"mask {tuple(each.shape)}")
            elif self._device_of(each).type == "cpu":
                self._cuda.wait("pageable copy", f"indices {tuple(each.shape)}")
        return [data, *(each for each in indices if self._device_of(each).type == "cuda"), *_tensors(args[2:])]

    def _check_devices(self, name: str, given: Sequence[torch.Tensor]) -> None:
        """Numbers in tensors of the host may go with tensors of a GPU in arithmetic, one of them, or two in `where`."""
        numbers = [each for each in given if not each.dim() and self._device_of(each).type == "cpu"]
        devices = {self._device_of(each) for each in given if not any(each is number for number in numbers)}
        allowed = 0 if name in NO_SCALARS else 2 if name == "where" else 1
        if len(devices) > 1 or len(numbers) > allowed:
            found = ", ".join(f"{tuple(each.shape)} on {self._device_of(each)}" for each in given)
            raise RuntimeError(
                "Expected all tensors to be on the same device, but found at least two devices! (when checking "
                f"arguments of aten::{name}: {found})"
            )


def _check_formats(name: str, given: Sequence[torch.Tensor]) -> None:
    formats = {each.dtype for each in given if each.is_floating_point()}
    if name in ONE_FORMAT and len(formats) > 1:
        raise RuntimeError(f"aten::{name}: expected one number format, but found {', '.join(map(str, formats))}")
    if name in NO_HALF and formats & {torch.float16, torch.bfloat16}:
        raise RuntimeError(f'"{name}" not implemented for {formats} on CUDA')
