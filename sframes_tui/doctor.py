"""What this machine can do, for `doctor`. Imports torch, but only when it is asked."""

import os
import platform
import shutil
import sys
from collections.abc import Iterator
from importlib import metadata

import psutil

from sframes_tui import __version__
from sframes_tui.story.model_source import BUILTIN_PREFIX, BUILTINS

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
    if torch.cuda.is_available():
        for number in range(torch.cuda.device_count()):
            free, total = torch.cuda.mem_get_info(number)
            name = torch.cuda.get_device_name(number)
            yield f"cuda:{number}        {name}, {free / 2**30:.1f} GiB free of {total / 2**30:.1f} GiB"
    else:
        built = torch.version.cuda
        yield "CUDA          not available: " + (
            f"no working driver for CUDA {built}" if built else "this torch has no CUDA"
        )
    if torch.backends.mps.is_available():
        yield "MPS           available"


def _terminal() -> Iterator[str]:
    size = shutil.get_terminal_size()
    kind = "a terminal" if sys.stdout.isatty() else "not a terminal"
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
        repos = [repo for repo in scan_cache_dir().repos if repo.repo_type == "model"]
    except CacheNotFound:
        repos = []
    for repo in sorted(repos, key=lambda repo: repo.repo_id):
        yield f"cached        {repo.repo_id}, {repo.size_on_disk / 2**30:.1f} GiB"
