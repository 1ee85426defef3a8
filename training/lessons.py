"""What the denoiser is shown at each step: latents and the token ids of their captions.

A step's number alone settles its lesson, so that a run that was cut goes on as it would have. On CUDA the
lessons are prepared by processes of their own, ahead of time.
"""

from collections.abc import Iterator
from pathlib import Path
from random import Random

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from training.captions import caption
from training.latents import Library
from training.scene import Scene
from training.text import ensure_tokenizer, token_ids

UNTOLD = 0.1
"""Share of pictures shown without their caption: what guidance steers away from."""
LOOK = 50
"""New shards are looked for every so many steps."""


class Lessons(Dataset[tuple[Tensor, Tensor]]):
    """By step number: clean latents (batch, CHANNELS, 16, 16) and token ids (batch, TOKENS)."""

    def __init__(self, folder: Path, batch: int, thrift: float, seed: tuple[int, ...]) -> None:
        self.library, self.tokenizer = Library(folder), ensure_tokenizer(folder)
        self.batch, self.thrift, self.seed = batch, thrift, seed

    def __getitem__(self, step: int) -> tuple[Tensor, Tensor]:
        lot = np.random.default_rng((*self.seed, step))
        if step % LOOK == 0:
            self.library.refresh()
        clean, scenes = self.library.draw(self.batch, lot)
        return clean, token_ids(self.tokenizer, _told(scenes, Random(int(lot.integers(2**62))), self.thrift))


def _told(scenes: list[Scene], lot: Random, thrift: float) -> list[str]:
    return ["" if lot.random() < UNTOLD else caption(scene, lot, thrift) for scene in scenes]


def in_order(lessons: Lessons, first: int, steps: int, feeders: int) -> Iterator[tuple[int, Tensor, Tensor]]:
    """Lessons `first` to `steps`, each with its number, prepared by so many processes (0: here and now)."""
    torch.multiprocessing.set_sharing_strategy("file_system")
    loader: DataLoader[tuple[Tensor, Tensor]] = DataLoader(
        lessons, batch_size=None, sampler=range(first, steps), num_workers=feeders
    )
    for step, (clean, ids) in zip(range(first, steps), loader, strict=True):
        yield step, clean, ids
