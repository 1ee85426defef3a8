"""A GPU's load, memory, temperature and power, read in a thread of its own: a driver may take long to answer."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sframes_tui.engine.device import cards
from sframes_tui.engine.device.cards import Handle

SECONDS = 2.0
"""Between two readings: each takes the driver a few milliseconds."""


@dataclass(frozen=True, slots=True)
class GpuLoad:
    """One reading; what a card doesn't tell, as parts of cards and some built-in ones don't, is None."""

    used: int
    total: int
    """Bytes of memory, as `used`."""
    percent: int | None = None
    celsius: int | None = None
    watts: float | None = None

    def __str__(self) -> str:
        told = (
            "GPU",
            None if self.percent is None else f"{self.percent}%",
            f"{self.used / 2**30:.1f}/{self.total / 2**30:.0f} GiB",
            None if self.celsius is None else f"{self.celsius}°C",
            None if self.watts is None else f"{self.watts:.0f} W",
        )
        return " ".join(filter(None, told))


class GpuWatch:
    """Reads a card every two seconds until it is closed; without a driver it never tells anything."""

    def __init__(self, uuid: str, tell: Callable[[GpuLoad], object]) -> None:
        """`uuid` is the card's; `tell` is called from the watch's thread."""
        self._uuid, self._tell = uuid, tell
        self._closed = threading.Event()
        threading.Thread(target=self._watch, name="gpu", daemon=True).start()

    def close(self) -> None:
        self._closed.set()

    def _watch(self) -> None:
        library = cards.management()
        card = cards.card(library, self._uuid) if library else None
        while card is not None and not self._closed.wait(SECONDS):
            if (load := read(library, card)) is not None:
                self._tell(load)


def read(library: Any, card: Handle) -> GpuLoad | None:
    """What the card tells now; None where not even its memory."""
    memory = cards.told(library, library.nvmlDeviceGetMemoryInfo, card)
    if memory is None:
        return None
    rates = cards.told(library, library.nvmlDeviceGetUtilizationRates, card)
    celsius = cards.told(library, library.nvmlDeviceGetTemperature, card, library.NVML_TEMPERATURE_GPU)
    milliwatts = cards.told(library, library.nvmlDeviceGetPowerUsage, card)
    return GpuLoad(
        memory.used,
        memory.total,
        None if rates is None else rates.gpu,
        celsius,
        None if milliwatts is None else milliwatts / 1000,
    )
