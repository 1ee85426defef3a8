"""A CUDA device's load, memory, temperature and power, read in a thread of its own. Must not import torch."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

SECONDS = 2.0
"""Between two readings: each takes the driver a few milliseconds."""


@dataclass(frozen=True, slots=True)
class GpuLoad:
    """One reading."""

    percent: int
    used: int
    total: int
    """Bytes of memory, as `used`."""
    celsius: int
    watts: float | None
    """None where the card doesn't tell."""

    def __str__(self) -> str:
        gigabytes = f"{self.used / 2**30:.1f}/{self.total / 2**30:.0f} GiB"
        power = [] if self.watts is None else [f"{self.watts:.0f} W"]
        return " ".join(["GPU", f"{self.percent}%", gigabytes, f"{self.celsius}°C", *power])


class GpuWatch:
    """Reads a device every two seconds until it is closed; without a driver it never tells anything."""

    def __init__(self, device: str, tell: Callable[[GpuLoad], object]) -> None:
        """`device` is "cuda" or "cuda:1"; `tell` is called from the watch's thread."""
        self._number, self._tell = int(device.partition(":")[2] or 0), tell
        self._closed = threading.Event()
        threading.Thread(target=self._watch, name="gpu", daemon=True).start()

    def close(self) -> None:
        self._closed.set()

    def _watch(self) -> None:
        try:
            import pynvml
        except ImportError:
            return
        try:
            pynvml.nvmlInit()
            device = pynvml.nvmlDeviceGetHandleByIndex(self._number)
            while not self._closed.wait(SECONDS):
                self._tell(_read(pynvml, device))
        except pynvml.NVMLError:
            return  # No driver, or a card that tells nothing: the line does without it.


def _read(pynvml: Any, device: Any) -> GpuLoad:
    memory = pynvml.nvmlDeviceGetMemoryInfo(device)
    try:
        watts = pynvml.nvmlDeviceGetPowerUsage(device) / 1000
    except pynvml.NVMLError:
        watts = None
    return GpuLoad(
        pynvml.nvmlDeviceGetUtilizationRates(device).gpu,
        memory.used,
        memory.total,
        pynvml.nvmlDeviceGetTemperature(device, pynvml.NVML_TEMPERATURE_GPU),
        watts,
    )
