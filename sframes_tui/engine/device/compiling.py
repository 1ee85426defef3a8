"""What `compile = true` does: how a network is compiled, for which numbers of rows. Must not know of rows or jobs.

`python -m bench gpu` times every way that is named here, and so decides which one a device gets.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch


@dataclass(frozen=True, slots=True)
class Way:
    """One way to compile."""

    mode: str
    """`torch.compile`'s."""
    sizes: tuple[int, ...] = ()
    """Numbers of rows that a call is filled up to, where rows are not pinned; empty: always to the engine's capacity.

    Every one that occurs is compiled once, which takes up to a minute on a GPU; none wastes more places than fillers
    take."""
    graphs: bool = False
    """Calls are replayed as CUDA graphs, whose output the next call overwrites."""


WAYS = {
    "default": Way("default"),
    "sizes": Way("default", sizes=(1, 2, 4, 8, 16, 32)),
    "graphs": Way("reduce-overhead", graphs=True),
    "tuned": Way("max-autotune-no-cudagraphs"),
}

CHOSEN = {"cpu": "default", "mps": "default", "cuda": "default"}
"""Device -> the way it takes. Known so far, by others' figures for Stable Diffusion 1.5 at 512 pixels on an A100: one
row gains twice by being compiled, since what it waits for are launches; sixteen gain 1.3 times, by fused kernels, to
which graphs add nothing. Before torch 2.13 graphs were bound to the thread that first made one. Tuning takes minutes
for each size."""


def compiled(network: torch.nn.Module, device: torch.device, repeatable: bool) -> Callable[..., Any]:
    """The network as a callable that compiles itself at its first call of each shape, in the device's way.

    `repeatable`: nothing is chosen by timing it that changes the last bits, so that another process gets the same.
    """
    way = WAYS[CHOSEN[device.type]]
    options = dict(torch._inductor.list_mode_options(way.mode))  # noqa: SLF001
    if repeatable and "deterministic" in torch._inductor.list_options():  # noqa: SLF001
        options["deterministic"] = True
    call = torch.compile(network, dynamic=False, options=options)
    return _kept(call) if way.graphs else call


def _kept(call: Callable[..., Any]) -> Callable[..., Any]:
    """Gives out copies of what the next call overwrites: previews look at it later."""

    def keep(*given: Any, **named: Any) -> tuple[torch.Tensor, ...]:
        torch.compiler.cudagraph_mark_step_begin()  # type: ignore[no-untyped-call]
        return tuple(each.clone() for each in call(*given, **named))

    return keep


def filled_up(rows: int, capacity: int, device: torch.device) -> int:
    """How many places a compiled call of so many rows has, where rows are not pinned to theirs."""
    sizes = WAYS[CHOSEN[device.type]].sizes
    return min((size for size in sizes if size >= rows), default=capacity)
