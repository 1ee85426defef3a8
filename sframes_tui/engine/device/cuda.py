"""CUDA's devices: which of them can draw, how the host keeps step with one, and what makes one repeat its bytes.

Drawing uses no operation that torch lists as not deterministic; what is left to chance are the kernels that cuDNN and
cuBLAS choose (docs.pytorch.org/docs/stable/notes/randomness.html). A compiled model is asked for the same where it is
compiled.
"""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import torch

from sframes_tui.config.config import GenerationConfig
from sframes_tui.engine.device import cards

CUBLAS = ("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
"""Memory of its own for each of cuBLAS' streams; torch sees to that itself since 2.10."""


def gpus() -> list[torch.device]:
    """Every CUDA device, in CUDA's order."""
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    return [torch.device("cuda", index) for index in range(count)]


def uuid_of(device: torch.device) -> str:
    """A GPU's UUID, as `cards` wants it; empty where torch doesn't tell, and of everything that is no GPU."""
    if device.type != "cuda":
        return ""
    return str(getattr(torch.cuda.get_device_properties(device), "uuid", "")).removeprefix("GPU-")


def libraries(device: torch.device) -> tuple[tuple[str, str], ...]:
    """Names and versions of what computes on a GPU beside torch; nothing for other devices."""
    if device.type != "cuda":
        return ()
    cudnn = torch.backends.cudnn.version()  # type: ignore[no-untyped-call]
    versions = {"CUDA": torch.version.cuda, "cuDNN": cudnn, "driver": cards.driver_version()}
    return tuple((name, str(version)) for name, version in versions.items() if version)


def lacking_kernels(device: torch.device) -> str | None:
    """Why this torch can't compute on a GPU, as the end of a sentence; None where it can."""
    capability, built = torch.cuda.get_device_capability(device), torch.cuda.get_arch_list()
    if any(_runs(each, capability) for each in built):
        return None
    name, version = torch.cuda.get_device_name(device), ".".join(map(str, capability))
    return f"this torch has no kernels for {name} (compute capability {version}; built for {', '.join(built)})"


def _runs(built_for: str, capability: tuple[int, int]) -> bool:
    """Whether what was built for an architecture runs on a GPU: "sm_86", "sm_90a", "compute_120" (PTX); ROCm's do.

    Kernels run on the same generation, as old or newer; PTX on whatever is newer; those with a letter nowhere else.
    """
    kind, _, number = built_for.partition("_")
    digits = number.rstrip("af")
    if kind not in ("sm", "compute") or not digits.isdigit():
        return True
    major, minor = divmod(int(digits), 10)
    if digits != number:
        return capability == (major, minor)
    return capability >= (major, minor) and (kind == "compute" or capability[0] == major)


def roomiest() -> torch.device | None:
    """The GPU with most free memory among those that this torch can compute on; None where there is none."""
    return max((device for device in gpus() if lacking_kernels(device) is None), key=_free, default=None)


def _free(device: torch.device) -> int:
    """Bytes; all of them where nobody tells what others took. Asking CUDA would cost memory on each card."""
    free = cards.free_bytes(uuid_of(device))
    return torch.cuda.get_device_properties(device).total_memory if free is None else free


def has_bfloat16(device: torch.device) -> bool:
    """Natively, as Ampere and what is newer."""
    return torch.cuda.get_device_capability(device) >= (8, 0)


class Pace:
    """Keeps the CPU at most one step ahead of the device: its queue never runs dry, and cancelling is prompt."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._before: torch.cuda.Event | None = None

    def keep(self) -> None:
        """To be called once a step, after its work was queued; sleeps until the step before is done."""
        if self._device.type != "cuda":
            return
        event = torch.cuda.Event(blocking=True)  # type: ignore[no-untyped-call]
        event.record(torch.cuda.current_stream(self._device))
        if self._before is not None:
            self._before.synchronize()
        self._before = event


def wait_for(device: torch.device) -> None:
    """Returns once a device has done all that was queued."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()


@contextmanager
def exact_kernels(config: GenerationConfig, device: torch.device) -> Iterator[None]:
    """Sets torch's switches as `deterministic` wants them on a GPU, and puts them back."""
    with ExitStack() as undo:
        if device.type == "cuda" and config.deterministic:
            _switch(undo, "benchmark", value=False)
            _switch(undo, "deterministic", value=True)
            if config.dtype == "float32":  # who asks for it shall get no rounder numbers in convolutions
                _switch(undo, "allow_tf32", value=False)
            if torch.__version__ < "2.10" and CUBLAS[0] not in os.environ:  # versions, which torch compares as such
                os.environ[CUBLAS[0]] = CUBLAS[1]
                undo.callback(os.environ.pop, CUBLAS[0], None)
        yield


def _switch(undo: ExitStack, name: str, value: bool) -> None:
    cudnn = torch.backends.cudnn
    undo.callback(setattr, cudnn, name, getattr(cudnn, name))
    setattr(cudnn, name, value)
