"""What this machine can do, for `doctor`. Imports torch, but only when it is asked."""

import os
import platform
import shutil
from collections.abc import Iterator
from importlib import metadata
from typing import TYPE_CHECKING

import psutil

from sframes_tui import __version__
from sframes_tui.errors import message_of
from sframes_tui.model.source import BUILTIN_PREFIX, BUILTINS

if TYPE_CHECKING:
    import torch

PACKAGES = ("torch", "diffusers", "transformers", "accelerate", "pillow", "textual", "textual-image", "rich")


def examine() -> Iterator[str]:
    """Lines on versions, devices, memory, terminal and models."""
    yield f"S-Frames      {__version__}"
    yield f"Python        {platform.python_version()} on {platform.platform()}"
    for name in PACKAGES:
        yield f"{name:<13} {_version(name)}"
    yield from _devices()
    memory = psutil.virtual_memory()
    yield f"memory        {memory.available / 2**30:.1f} GiB free of {memory.total / 2**30:.1f} GiB"
    yield f"disk          {shutil.disk_usage('.').free / 2**30:.1f} GiB free here"
    yield from _terminal()
    yield from _models()


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "not installed"


def _devices() -> Iterator[str]:
    import torch

    yield f"CPU           {os.cpu_count()} cores, {torch.get_num_threads()} threads"
    from sframes_tui.engine.device import cuda

    there = cuda.gpus()
    yield from (f"{device!s:<13} {_gpu(device)}" for device in there)
    if there:
        yield from (f"{name:<13} {version}" for name, version in cuda.libraries(there[0]))
    else:
        built = torch.version.cuda
        yield "CUDA          not available: " + (
            f"no working driver for CUDA {built}" if built else "this torch has no CUDA"
        )
    if torch.backends.mps.is_available():
        yield "MPS           available"


def _gpu(device: "torch.device") -> str:
    """A card, and what is wrong with it: one that is broken, or that another process has for itself, says so here."""
    import torch

    from sframes_tui.engine.device import cuda

    try:
        name, lacking = torch.cuda.get_device_name(device), cuda.lacking_kernels(device)
        free, total = torch.cuda.mem_get_info(device)
    except RuntimeError as error:
        return f"can't be used: {message_of(error)}"
    return f"{name}, {free / 2**30:.1f} GiB free of {total / 2**30:.1f} GiB" + (f", but {lacking}" if lacking else "")


def _terminal() -> Iterator[str]:
    size = shutil.get_terminal_size()
    kind = "a terminal" if os.isatty(1) else "not a terminal"
    multiplexer = "tmux" if "TMUX" in os.environ else "screen" if "STY" in os.environ else "none"
    term = os.environ.get("TERM", "unset")
    yield f"terminal      {kind}, TERM={term}, {size.columns}x{size.lines}, multiplexer: {multiplexer}"


def _models() -> Iterator[str]:
    from huggingface_hub import constants, scan_cache_dir
    from huggingface_hub.errors import CacheNotFound

    for name, folder in BUILTINS.items():
        there = (folder / "model_index.json").exists()
        yield f"model         {BUILTIN_PREFIX}{name}: {'there' if there else 'missing'}"
    yield f"cache         {constants.HF_HUB_CACHE}"
    try:
        repos = [repo for repo in scan_cache_dir(constants.HF_HUB_CACHE).repos if repo.repo_type == "model"]
    except (CacheNotFound, ValueError, OSError) as error:
        repos = []
        if not isinstance(error, CacheNotFound):
            yield f"cache         can't be read: {message_of(error)}"
    for repo in sorted(repos, key=lambda repo: repo.repo_id):
        yield f"cached        {repo.repo_id}, {repo.size_on_disk / 2**30:.1f} GiB"
