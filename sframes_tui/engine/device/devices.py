"""Which device and number format a model runs on, and how it is spread over memory. Must not import diffusers."""

import contextlib
import platform
from collections.abc import Iterator
from typing import Literal

import torch

from sframes_tui.config.config import GenerationConfig
from sframes_tui.engine.device import cuda
from sframes_tui.engine.device.memory import free_memory, is_out_of_memory
from sframes_tui.engine.pipelines import Pipelines
from sframes_tui.errors import ModelError, message_of

HALF = (torch.float16, torch.bfloat16)
"""Number formats of 16 bits."""

SMALL_MODEL = 50_000_000
"""Parameters of a denoiser below which one thread draws as fast as many."""


def pick_device(wanted: str) -> torch.device:
    """A device's name ("auto", "cpu", "mps", "cuda", "cuda:N") -> a device that is there, or `ModelError`.

    "auto" is the GPU with most free memory, Metal's device or the CPU; a GPU always comes with its number.
    """
    if wanted == "auto":
        return cuda.roomiest() or torch.device("mps" if _has_mps() else "cpu")
    device = torch.device(wanted)
    if device.type == "cuda":
        return _checked_gpu(wanted, torch.device("cuda", device.index or 0))
    if device.type == "mps" and not _has_mps():
        raise ModelError('device = "mps": this machine has no Metal device; set device = "auto" or "cpu"')
    return device


def _checked_gpu(wanted: str, device: torch.device) -> torch.device:
    there = cuda.gpus()
    if not there:
        why = "no working NVIDIA driver was found" if torch.version.cuda else "this torch was built without CUDA"
        raise ModelError(f'device = "{wanted}": {why}; set device = "auto" or "cpu"')
    if device not in there:
        raise ModelError(f'device = "{wanted}": there are only {len(there)} CUDA devices')
    if lacking := cuda.lacking_kernels(device):
        advice = 'install a torch that was built for it, or set device = "auto" or "cpu"'
        raise ModelError(f'device = "{wanted}": {lacking}; {advice}')
    return device


def passed_over(wanted: str) -> list[str]:
    """The GPUs that "auto" doesn't think of, one sentence each."""
    found = [(device, cuda.lacking_kernels(device)) for device in (cuda.gpus() if wanted == "auto" else [])]
    return [f"{device} is not used: {lacking}." for device, lacking in found if lacking]


def _has_mps() -> bool:
    return torch.backends.mps.is_available()


def pick_dtype(wanted: str, device: torch.device) -> torch.dtype:
    """A number format's name -> torch's.

    "auto" is bfloat16 or float16 on CUDA and float32 elsewhere: half precision is slow on CPUs, and draws black
    pictures with several models on MPS.
    """
    if wanted != "auto":
        dtype: torch.dtype = getattr(torch, wanted)
        return dtype
    if device.type == "cuda":
        return torch.bfloat16 if cuda.has_bfloat16(device) else torch.float16
    return torch.float32


def place(pipelines: Pipelines, device: torch.device, offload: Literal["none", "model", "sequential"]) -> None:
    """Moves the weights to the device, or sets up that their parts move there when they are needed.

    Wherever they were before: what offloading was set up is taken back first. The hooks sit on the parts, which both
    pipelines share; only the text-to-image pipeline knows of them, so it is the one whose `maybe_free_model_hooks`
    counts after a drawing. Raises `ModelError` if the memory is too small, or the device not usable.
    """
    pipelines.text.remove_all_hooks()
    try:
        if offload != "sequential":
            _arrange(pipelines, device)
        if offload == "none" or device.type == "cpu":
            pipelines.text.to(device)
        elif offload == "model":
            pipelines.text.enable_model_cpu_offload(device=device)
        else:
            pipelines.text.enable_sequential_cpu_offload(device=device)
    except (RuntimeError, MemoryError) as error:
        said = _not_placed(pipelines, device, error)
        with contextlib.suppress(RuntimeError):  # of a GPU that answers no more
            clear(pipelines, device)
        raise ModelError(said) from None


def _arrange(pipelines: Pipelines, device: torch.device) -> None:
    """Puts a UNet's channels last where tensor cores want them so: in main memory, where there is room for it."""
    unet = getattr(pipelines.text, "unet", None)
    if unet is not None and device.type == "cuda" and unet.dtype in HALF:
        unet.to(memory_format=torch.channels_last)


def _not_placed(pipelines: Pipelines, device: torch.device, error: BaseException) -> str:
    if not is_out_of_memory(error):
        return f"{device} can't be used: {message_of(error)}"
    if device.type == "cpu":
        return f"{pipelines.name} does not fit into this machine's memory; a smaller model is needed"
    advice = 'set offload = "model", or "sequential", which needs least and is slowest'
    return f"{pipelines.name} does not fit into the memory of {device}; {advice}"


def clear(pipelines: Pipelines, device: torch.device) -> bool:
    """Gives the device's memory back: the weights wait in main memory until they are placed again.

    Returns whether the device has memory of its own.
    """
    if device.type == "cpu":
        return False
    if _is_offloaded(pipelines):
        pipelines.text.maybe_free_model_hooks()
    else:
        pipelines.text.to("cpu")
    free_memory()
    return True


def place_again(pipelines: Pipelines, device: torch.device) -> None:
    """Takes back what `clear` did. Raises `ModelError` where there is no room now; the weights stay where they were."""
    if _is_offloaded(pipelines):
        return
    try:
        pipelines.text.to(device)
    except RuntimeError as error:
        if not is_out_of_memory(error):
            raise
        clear(pipelines, device)
        raise ModelError(f"there is no room for {pipelines.name} in the memory of {device}") from None


def _is_offloaded(pipelines: Pipelines) -> bool:
    return any(hasattr(part, "_hf_hook") for part in pipelines.text.components.values())


@contextlib.contextmanager
def fitting_threads(pipelines: Pipelines, device: torch.device) -> Iterator[None]:
    """One thread for a small model on the CPU, until the last who wanted that has left: another model wants them all.

    Its layers are done before a second thread has woken up. Where another process wants the same cores, threads that
    wait for each other make it many times slower.
    """
    if device.type != "cpu" or not _is_small(pipelines):
        yield
        return
    _threads_before.append(torch.get_num_threads())
    torch.set_num_threads(1)
    try:
        yield
    finally:
        before = _threads_before.pop()
        if not _threads_before:
            torch.set_num_threads(before)


_threads_before: list[int] = []
"""How many there were when each limit that still holds was set."""


def _is_small(pipelines: Pipelines) -> bool:
    denoiser = getattr(pipelines.text, "unet", None) or getattr(pipelines.text, "transformer", None)
    return denoiser is not None and sum(each.numel() for each in denoiser.parameters()) < SMALL_MODEL


def hardware_name(device: torch.device) -> str:
    """What the device is, for people and for timings that are kept: asked for once the model is placed."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"{platform.processor() or platform.machine()}, {torch.get_num_threads()} threads"


def memory_options(pipelines: Pipelines, config: GenerationConfig, device: torch.device) -> list[str]:
    """Sets VAE slicing and tiling, on or off; returns what has no effect, one sentence each."""
    notices = []
    vae = getattr(pipelines.text, "vae", None)
    for option in ("slicing", "tiling"):
        wanted = getattr(config, f"vae_{option}")
        if hasattr(vae, f"use_{option}"):
            getattr(vae, f"{'enable' if wanted else 'disable'}_{option}")()
        elif wanted:
            notices.append(f"vae_{option} has no effect with {pipelines.name}.")
    ineffective = [("offload", config.offload != "none"), ("free_on_pause", config.free_on_pause)]
    if device.type == "cpu":
        notices += [f"{option} has no effect on the CPU." for option, wanted in ineffective if wanted]
    return notices
