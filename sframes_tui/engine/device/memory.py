"""How an engine gets by with too little memory: parts that wait for their turn, and what is tried when it runs out.

In one place since what is tried first is often to let parts wait, or wait apart. Knows of no jobs and no pictures.
"""

import contextlib
import gc
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch

from sframes_tui.config.config import GenerationConfig
from sframes_tui.engine.pipelines import Pipeline, Pipelines
from sframes_tui.errors import DeviceError, message_of

MEMORY = (
    "out of memory",
    "can't allocate memory",
    "cannot allocate memory",
    "not enough memory",
    "_alloc_failed",
    "_allocation_failed",
    "cublas_status_not_initialized when calling `cublascreate",
    "unable to find an engine to execute this computation",
    "unable to find a valid cudnn algorithm",
)
"""Parts of what is said where memory ran out, in lower case: by torch's allocators, CUDA's runtime, cuBLAS and cuDNN.

The last three are what is left of it where a library looked for something smaller and found nothing.
"""

DEVICE = ("cuda", "cudnn", "cublas", "cusolver", "hip error")
"""Words in the errors of a GPU and its libraries, in lower case."""


def is_out_of_memory(error: BaseException) -> bool:
    """CUDA says it with a class of its own, its libraries and the CPU's allocator with a plain `RuntimeError`."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    said = str(error).lower()
    return isinstance(error, RuntimeError) and any(words in said for words in MEMORY)


def require_device(error: BaseException, device: torch.device) -> None:
    """Raises `DeviceError` where a GPU's context is spent, so that every later call would fail as well.

    Of some errors that is said in CUDA's documentation; whether it is so the device itself knows: it repeats the error.
    """
    if device.type != "cuda" or is_out_of_memory(error) or not isinstance(error, RuntimeError):
        return
    if not any(word in str(error).lower() for word in DEVICE):
        return
    try:
        torch.cuda.synchronize(device)
    except RuntimeError as again:
        said = f"the GPU answers no more ({message_of(again)}); start the program again and resume the run"
        raise DeviceError(said) from None


def free_memory() -> None:
    gc.collect()
    if torch.cuda.is_available():
        with contextlib.suppress(RuntimeError):  # of a GPU that answers no more
            torch.cuda.empty_cache()
    if torch.backends.mps.is_available():
        torch.mps.empty_cache()


class Parts:
    """The parts of a pipeline with a UNet that wait in main memory, by accelerate's hooks; nothing where none waits.

    Diffusers' chain of hooks sends the UNet away whenever the VAE comes. With frames at different steps that would be
    for every frame: here the VAE comes beside the UNet while frames are in flight, unless memory is too small for both.
    """

    def __init__(self, pipe: Pipeline) -> None:
        self._pipe = pipe
        self.apart = False
        """The UNet goes before the VAE comes."""

    @property
    def wait(self) -> bool:
        """They do, each as a whole."""
        return bool(self._hooks)

    @property
    def _hooks(self) -> list[Pipeline]:
        return getattr(self._pipe, "_all_hooks", [])

    def let_in(self) -> None:
        """To be called before a tick: lets the VAE come beside the UNet."""
        for each in self._hooks:
            if each.model is self._pipe.vae and not self.apart:
                each.hook.prev_module_hook = None

    def keep_apart(self) -> bool:
        """From now on the UNet makes room for the VAE; whether that is anything new."""
        if not self.wait or self.apart:
            return False
        self.apart = True
        self._pipe.maybe_free_model_hooks()
        return True

    def send_back(self, drawing: bool) -> None:
        """To be called after a tick in which other parts than the UNet worked; while `drawing` that one stays."""
        if not drawing:
            self._pipe.maybe_free_model_hooks()
            return
        for each in self._hooks:
            if each.model is not self._pipe.unet:
                each.offload()


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
    """What is tried one after the other: free, fewer rows, offload (CUDA alone), VAE tiling where pictures have tiles.

    What changes pictures least comes first: where they are promised to be the same bytes, offload before fewer rows. No
    rung is ever taken back in a run, but freeing may help again once a picture was drawn.
    """

    def __init__(
        self,
        pipelines: Pipelines,
        device: torch.device,
        config: GenerationConfig,
        size: tuple[int, int],
        parts: Parts | None = None,
    ) -> None:
        """`size` is (width, height) of the pictures; `parts`: of an engine that lets the VAE beside the UNet."""
        self._pipelines, self._device, self._size, self._parts = pipelines, device, size, parts
        self._deterministic = config.deterministic
        self.offloaded = config.offload != "none"
        """The model's parts wait in main memory."""
        self._freed = False

    def next(self, rows: int) -> Rung | None:
        """Takes the next rung with `rows` frames drawn at once; None where nothing is left to try.

        To be called outside of any `except` block, whose traceback would hold on to the tensors.
        """
        free_memory()
        if not self._freed:
            self._freed = True
            return Rung(rows, "freed what was unused; the pictures stay the same")
        harmless, fewer = (self._keep_apart, self._offload), self._fewer
        for rung in (*harmless, fewer, self._tile) if self._deterministic else (fewer, *harmless, self._tile):
            if (taken := rung(rows)) is not None:
                return taken
        return None

    def relieved(self) -> None:
        """A picture was drawn: memory sufficed, so if it runs out again, freeing may be enough again."""
        self._freed = False

    def _fewer(self, rows: int) -> Rung | None:
        if rows == 1:
            return None
        fewer = rows // 2
        said = f"{fewer} instead of {rows} frames at once; pictures may differ a little from those of {rows}"
        return Rung(fewer, f"{said}, more in half precision than in float32")

    def _keep_apart(self, rows: int) -> Rung | None:
        if self._parts is None or not self._parts.keep_apart():
            return None
        return Rung(rows, "the UNet makes room for the VAE each time; the pictures stay the same")

    def _offload(self, rows: int) -> Rung | None:
        if self._device.type != "cuda" or self.offloaded:
            return None
        self._pipelines.text.enable_model_cpu_offload(device=self._device)
        self.offloaded = True
        said = "the model's parts wait in main memory for their turn; the pictures stay the same"
        return Rung(rows, said, {"offload": "model"})

    def _tile(self, rows: int) -> Rung | None:
        vae: Any = getattr(self._pipelines.text, "vae", None)
        if not hasattr(vae, "enable_tiling") or getattr(vae, "use_tiling", True) or max(self._size) <= _tile_side(vae):
            return None
        vae.enable_tiling()
        said = "pictures are decoded tile by tile; they may differ slightly where tiles meet"
        return Rung(rows, said, {"vae_tiling": True})


def _tile_side(vae: object) -> int:
    """Pixels of a picture that a VAE decodes whole even if it decodes tile by tile."""
    sides = [getattr(vae, f"tile_sample_min_{name}", None) for name in ("size", "height", "width")]
    return min((side for side in sides if isinstance(side, int)), default=0)
