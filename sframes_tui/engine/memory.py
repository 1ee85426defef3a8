"""What an engine does when memory runs out: the least harmful thing first. Must not know of rows, jobs or pictures."""

import contextlib
import gc
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch

from sframes_tui.engine.capabilities import Pipelines
from sframes_tui.errors import DeviceError, message_of


def is_out_of_memory(error: BaseException) -> bool:
    """CUDA says it with a class of its own, the CPU's allocator with a plain `RuntimeError`."""
    said = str(error)
    known = isinstance(error, torch.OutOfMemoryError | MemoryError)
    return known or "can't allocate memory" in said or "CUDA error: out of memory" in said


def require_device(error: BaseException) -> None:
    """Raises `DeviceError` for an error after which a GPU's context is spent: every later call would fail as well."""
    lost = isinstance(error, getattr(torch, "AcceleratorError", ())) or "CUDA error" in str(error)
    if lost and not is_out_of_memory(error):
        raise DeviceError(f"the GPU answers no more ({message_of(error)}); start the program again and resume the run")


def free_memory() -> None:
    gc.collect()
    if torch.cuda.is_available():
        with contextlib.suppress(RuntimeError):  # of a GPU that answers no more
            torch.cuda.empty_cache()
    if torch.backends.mps.is_available():
        torch.mps.empty_cache()


@dataclass(frozen=True, slots=True)
class Rung:
    """What was changed, for the rest of the run."""

    rows: int
    """How many frames are to be drawn at once from now on."""
    said: str
    """For people: what was done, and what it does to the pictures."""
    changed: Mapping[str, Any] = field(default_factory=dict)
    """Options that are others from now on, by their keys."""


class Ladder:
    """What is tried one after the other: free, fewer rows, VAE tiling, offload (CUDA alone).

    Each changes the pictures less than what comes after it saves; none is ever taken back in a run.
    """

    def __init__(self, pipelines: Pipelines, device: torch.device, offloaded: bool) -> None:
        """`offloaded`: the model's parts wait in main memory from the start."""
        self._pipelines, self._device, self.offloaded = pipelines, device, offloaded
        self._freed = False

    def next(self, rows: int) -> Rung | None:
        """Takes the next rung with `rows` frames drawn at once; None where nothing is left to try.

        To be called outside of any `except` block, whose traceback would hold on to the tensors.
        """
        free_memory()
        if not self._freed:
            self._freed = True
            return Rung(rows, "freed what was unused; the pictures stay the same")
        if rows > 1:
            fewer = rows // 2
            said = f"{fewer} instead of {rows} frames at once; pictures may differ from those of {rows} in single bits"
            return Rung(fewer, said)
        if self._tile():
            return Rung(
                rows,
                "pictures are decoded tile by tile; they may differ slightly where tiles meet",
                {"vae_tiling": True},
            )
        if self._offload():
            return Rung(
                rows,
                "the model's parts wait in main memory for their turn; the pictures stay the same",
                {"offload": "model"},
            )
        return None

    def _tile(self) -> bool:
        vae = self._pipelines.text.vae
        if not hasattr(vae, "enable_tiling") or getattr(vae, "use_tiling", True):
            return False
        vae.enable_tiling()
        return True

    def _offload(self) -> bool:
        if self._device.type != "cuda" or self.offloaded:
            return False
        self._pipelines.text.enable_model_cpu_offload(device=self._device)
        self.offloaded = True
        return True
