"""The device as the bench sees it: waiting for it, timing it, its rate of multiplying matrices, its memory."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch

from sframes_tui.engine.device.devices import pick_device

MIB = 2**20


class Device:
    """A CUDA device, or the CPU for a bench of the bench."""

    def __init__(self, name: str) -> None:
        """Raises `ModelError` where there is no such device."""
        self.torch = pick_device(name)
        self.cuda = self.torch.type == "cuda"
        if self.cuda and self.torch.index is None:
            self.torch = torch.device("cuda", torch.cuda.current_device())
        self.matrix_rate: dict[torch.dtype, float] = {}
        """Floating-point operations a second, where they were measured."""

    def wait(self) -> None:
        if self.cuda:
            torch.cuda.synchronize(self.torch)

    def seconds(self, work: Callable[[], object]) -> float:
        """From a device without work to a device without work."""
        self.wait()
        begun = time.perf_counter()
        work()
        self.wait()
        return time.perf_counter() - begun

    def best(self, work: Callable[[], object], times: int = 5) -> float:
        """The least of some times in seconds, after one that warms up."""
        self.seconds(work)
        return min(self.seconds(work) for _ in range(times))

    def measure_matrix_rate(self, dtype: torch.dtype, side: int) -> float:
        """Operations a second of a product of two square matrices; of ten in a row, so that no launch is waited for."""
        left, right = (torch.randn((side, side), device=self.torch, dtype=dtype) for _ in range(2))

        def multiply() -> None:
            for _ in range(10):
                torch.mm(left, right)

        self.matrix_rate[dtype] = 10 * 2 * side**3 / self.best(multiply)
        return self.matrix_rate[dtype]

    def share(self, flops: float, seconds: float, dtype: torch.dtype) -> float | None:
        """Per cent of the matrix rate, where that is known."""
        rate = self.matrix_rate.get(dtype)
        return None if rate is None else 100 * flops / seconds / rate

    @contextmanager
    def peak(self) -> Iterator[dict[str, float]]:
        """The most memory that was taken meanwhile, in MiB, under "peak MiB"; nothing on the CPU."""
        told: dict[str, float] = {}
        if self.cuda:
            torch.cuda.reset_peak_memory_stats(self.torch)
        yield told
        if self.cuda:
            told["peak MiB"] = round(torch.cuda.max_memory_allocated(self.torch) / MIB)


class Spans:
    """The time between the beginning and the end of some modules' calls, by a name each, on the device's own clock.

    Waiting for launches counts as a module's time where it happens within it.
    """

    def __init__(self, device: Device) -> None:
        self._device = device
        self._marks: dict[str, list[tuple[Any, Any]]] = {}
        self._open: dict[str, Any] = {}
        self._hooks: list[Any] = []

    def watch(self, name: str, module: torch.nn.Module) -> None:
        def begin(*_: object) -> None:
            self._open[name] = self._mark()

        def end(*_: object) -> None:
            self._marks.setdefault(name, []).append((self._open.pop(name), self._mark()))

        self._hooks += [module.register_forward_pre_hook(begin), module.register_forward_hook(end)]

    def _mark(self) -> Any:
        if not self._device.cuda:
            return time.perf_counter()
        event = torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call]
        event.record(torch.cuda.current_stream(self._device.torch))
        return event

    def close(self) -> dict[str, float]:
        """Takes the hooks away; returns the seconds by name."""
        for hook in self._hooks:
            hook.remove()
        self._device.wait()
        return {name: sum(self._between(*pair) for pair in pairs) for name, pairs in self._marks.items()}

    def _between(self, begun: Any, ended: Any) -> float:
        seconds: float = begun.elapsed_time(ended) / 1000 if self._device.cuda else ended - begun
        return seconds
