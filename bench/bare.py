"""The bare calls of a drawing: which shapes the UNet, VAE and text encoder were called with, and their own time."""

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch

REPEATS = 5


@dataclass
class Calls:
    """Every call of a pipeline's networks, by network and shapes, with the arguments of one call each."""

    counts: Counter[tuple[str, Any]] = field(default_factory=Counter)
    samples: dict[tuple[str, Any], tuple[torch.nn.Module, tuple[Any, ...], dict[str, Any]]] = field(
        default_factory=dict
    )

    @property
    def forwards(self) -> int:
        """Calls of the UNet."""
        return sum(count for (name, _), count in self.counts.items() if name == "unet")

    def seconds(self) -> float:
        """CPU seconds that the same calls take on their own: the median of a few of each shape, times its number."""
        return sum(count * _timed(*self.samples[key]) for key, count in self.counts.items())


@contextmanager
def watched(pipeline: Any) -> Iterator[Calls]:
    """Records the calls of a pipeline's networks while the context is open."""
    calls = Calls()
    hooks = []
    for name, module in networks(pipeline):

        def record(module: torch.nn.Module, args: Any, kwargs: Any, name: str = name) -> None:
            key = (name, _shapes(args, kwargs))
            calls.counts[key] += 1
            calls.samples.setdefault(key, (module, args, kwargs))

        hooks.append(module.register_forward_pre_hook(record, with_kwargs=True))
    try:
        yield calls
    finally:
        for hook in hooks:
            hook.remove()


def networks(pipeline: Any) -> Iterator[tuple[str, torch.nn.Module]]:
    yield "unet", pipeline.unet
    yield "encoder", pipeline.vae.encoder
    yield "decoder", pipeline.vae.decoder
    for name in ("text_encoder", "text_encoder_2"):
        if (encoder := getattr(pipeline, name, None)) is not None:
            yield name, encoder


def _shapes(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, ...]:
    tensors = [each for each in (*args, *kwargs.values()) if isinstance(each, torch.Tensor)]
    return tuple(tuple(each.shape) for each in tensors)


@torch.inference_mode()
def _timed(module: torch.nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> float:
    times = []
    for _ in range(REPEATS):
        started = time.process_time()
        module(*args, **kwargs)
        times.append(time.process_time() - started)
    return sorted(times)[REPEATS // 2]
