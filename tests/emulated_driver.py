"""What stands in for `torch.cuda`, `torch.accelerator` and NVIDIA's management library beside `tests.emulated_cuda`.

Of the management library it holds that it counts in another order than CUDA: from the last GPU to the first.
"""

import contextlib
import sys
import time
import types
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pynvml
import torch

if TYPE_CHECKING:
    from tests.emulated_cuda import EmulatedCuda

DRIVER = "590.44.01"


@dataclass(frozen=True, slots=True)
class Gpu:
    """One card of an emulated machine."""

    name: str = "Emulated GPU"
    memory: int = 24 * 2**30
    """Bytes."""
    taken: int = 2**30
    """Bytes of it that other programs hold."""
    capability: tuple[int, int] = (8, 0)
    broken: str = ""
    """The sentence with which everything fails that is tried on it; empty: nothing does."""
    mute: bool = False
    """The management library tells nothing of it but its memory, as of a part of a card (MIG)."""


class Stream:
    def __init__(self, cuda: "EmulatedCuda", device: object = None) -> None:
        self._cuda, self.device = cuda, cuda.resolve(device)

    def synchronize(self) -> None:
        self._cuda.strike("synchronize")
        self._cuda.wait("synchronize", f"stream of {self.device}")

    def wait_stream(self, other: "Stream") -> None:
        """One stream is all there is."""


class Event:
    """Is recorded on the stream of the current device, unless another is given."""

    def __init__(self, cuda: "EmulatedCuda", **_: bool) -> None:
        self._cuda, self.device, self._until, self._time = cuda, torch.device("cpu"), 0, 0.0

    def record(self, stream: Stream | None = None) -> None:
        self.device = self._cuda.resolve() if stream is None else stream.device
        self._cuda.touch(self.device)
        self._cuda.strike("record")
        self._cuda.recorded.append(self.device)
        self._until, self._time = self._cuda.copies, time.perf_counter()

    def synchronize(self) -> None:
        self._cuda.wait("event", f"on {self.device}", self._until)

    def query(self) -> bool:
        return True

    def elapsed_time(self, other: "Event") -> float:
        return (other._time - self._time) * 1000


def stand_ins(cuda: "EmulatedCuda") -> Iterator[tuple[object, str, object]]:
    """(owner, name, what stands in for it) of everything that is asked of CUDA beside tensors."""
    for name, answer in _torch_cuda(cuda).items():
        yield torch.cuda, name, answer
    for name, answer in _accelerator(cuda).items():
        yield torch.accelerator, name, answer
    for name, answer in _management(cuda).items():
        yield pynvml, name, answer
    yield torch.version, "cuda", "13.0"
    yield torch.backends.cudnn, "version", lambda: 91002
    yield torch.backends.cudnn, "is_available", lambda: True
    yield torch.backends.cuda, "is_built", lambda: True


def _torch_cuda(cuda: "EmulatedCuda") -> dict[str, Callable[..., Any]]:
    count = len(cuda.gpus)
    return {
        **_devices(cuda),
        "is_available": lambda: count > 0,
        "device_count": lambda: count,
        "is_initialized": lambda: True,
        "init": _nothing,
        "_lazy_init": _nothing,
        "get_arch_list": lambda: cuda.kernels,
        "is_bf16_supported": lambda including_emulation=True: including_emulation or _properties(cuda).major >= 8,
        "Event": lambda **options: Event(cuda, **options),
        "Stream": lambda device=None, **_: Stream(cuda, device),
        "current_stream": lambda device=None: Stream(cuda, device),
        "default_stream": lambda device=None: Stream(cuda, device),
        "is_current_stream_capturing": lambda: False,
        "ipc_collect": _nothing,
        "manual_seed": _nothing,
        "manual_seed_all": _nothing,
    }


def _devices(cuda: "EmulatedCuda") -> dict[str, Callable[..., Any]]:
    def set_device(device: object) -> None:
        cuda.current.index = cuda.resolve(device).index

    @contextlib.contextmanager
    def on_device(device: object = None) -> Iterator[None]:
        kept = cuda.resolve().index
        set_device(device)
        yield
        cuda.current.index = kept

    return {
        "current_device": lambda: cuda.resolve().index,
        "set_device": set_device,
        "device": on_device,
        "get_device_properties": lambda device=None: _properties(cuda, device),
        "get_device_name": lambda device=None: _properties(cuda, device).name,
        "get_device_capability": lambda device=None: cuda.gpus[cuda.resolve(device).index].capability,
        "synchronize": lambda device=None: Stream(cuda, device).synchronize(),
        "empty_cache": lambda: cuda.strike("empty_cache"),
        "mem_get_info": lambda device=None: _memory(cuda, device),
        "memory_allocated": lambda device=None: cuda.ledger.bytes_on(cuda.resolve(device)),
        "max_memory_allocated": lambda device=None: cuda.ledger.bytes_on(cuda.resolve(device)),
        "memory_reserved": lambda device=None: cuda.ledger.bytes_on(cuda.resolve(device)),
        "memory_stats": lambda *_: defaultdict(int),
        "reset_peak_memory_stats": _nothing,
    }


def _nothing(*_: object, **__: object) -> None:
    return None


def _properties(cuda: "EmulatedCuda", device: object = None) -> types.SimpleNamespace:
    index = cuda.resolve(device).index
    gpu = cuda.gpus[index]
    return types.SimpleNamespace(
        name=gpu.name,
        total_memory=gpu.memory,
        major=gpu.capability[0],
        minor=gpu.capability[1],
        multi_processor_count=108,
        uuid=_uuid(index).removeprefix("GPU-"),
    )


def _uuid(index: int) -> str:
    return f"GPU-00000000-0000-0000-0000-{index:012d}"


def _memory(cuda: "EmulatedCuda", device: object) -> tuple[int, int]:
    """(free, total) bytes; asking for it makes a context."""
    place = cuda.resolve(device)
    cuda.touch(place)
    gpu = cuda.gpus[place.index]
    return gpu.memory - gpu.taken - cuda.ledger.bytes_on(place), gpu.memory


def _accelerator(cuda: "EmulatedCuda") -> dict[str, Callable[..., Any]]:
    devices = _devices(cuda)
    return {
        "is_available": lambda: bool(cuda.gpus),
        "device_count": lambda: len(cuda.gpus),
        "current_accelerator": lambda check_available=False: torch.device("cuda"),  # noqa: ARG005
        "current_device_index": devices["current_device"],
        "set_device_index": devices["set_device"],
        "synchronize": devices["synchronize"],
        "empty_cache": devices["empty_cache"],
        "get_memory_info": devices["mem_get_info"],
    }


def _management(cuda: "EmulatedCuda") -> dict[str, Callable[..., Any]]:
    """`pynvml`'s functions; a handle is a number in CUDA's order, which only the UUID leads to."""

    def by_uuid(uuid: str) -> int:
        found = [index for index in range(len(cuda.gpus)) if _uuid(index) == uuid]
        if not found:
            raise pynvml.NVMLError(pynvml.NVML_ERROR_NOT_FOUND)
        return found[0]

    def memory(handle: int) -> types.SimpleNamespace:
        gpu = cuda.gpus[handle]
        used = gpu.taken + cuda.ledger.bytes_on(torch.device("cuda", handle))
        return types.SimpleNamespace(total=gpu.memory, used=used, free=gpu.memory - used)

    def told(answer: Any) -> Callable[..., Any]:
        def ask(handle: int, *_: object) -> Any:
            if cuda.gpus[handle].mute:
                raise pynvml.NVMLError(pynvml.NVML_ERROR_NOT_SUPPORTED)
            return answer

        return ask

    return {
        "nvmlInit": _nothing,
        "nvmlShutdown": _nothing,
        "nvmlSystemGetDriverVersion": lambda: DRIVER,
        "nvmlDeviceGetHandleByUUID": by_uuid,
        "nvmlDeviceGetHandleByIndex": lambda index: len(cuda.gpus) - 1 - index,
        "nvmlDeviceGetMemoryInfo": memory,
        "nvmlDeviceGetPowerUsage": told(200_000),
        "nvmlDeviceGetUtilizationRates": told(types.SimpleNamespace(gpu=50)),
        "nvmlDeviceGetTemperature": told(60),
    }


ASKING = ("accelerate.utils.imports", "diffusers.utils.torch_utils", "transformers.utils.import_utils")
"""Modules that remember whether there is a GPU."""


def forget_answers() -> None:
    for module in ASKING:
        for value in vars(sys.modules.get(module) or types.SimpleNamespace()).values():
            if callable(getattr(value, "cache_clear", None)):
                value.cache_clear()
