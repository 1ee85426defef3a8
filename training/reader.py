"""An attribute reader: a small convolutional network that says what is in a picture.

It is trained on drawn scenes only and is the judge of the denoiser: what it can't find, nobody was shown. It
sees every second picture after a light blur, since drawn pictures are crisper than generated ones.
"""

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from training import checkpoint, data
from training.progress import tell
from training.text import ATTRIBUTES, attributes
from training.workers import Crew, autocast

COMMON = 0.5
"""Share of pictures drawn from all alike; the others are drawn so that each attribute comes as often as any."""


def make_reader() -> nn.Sequential:
    """Pictures (n, 3, 128, 128) in -1..1 -> one logit for each attribute."""
    layers: list[nn.Module] = [nn.Conv2d(3, 24, 5, 2, 2), nn.SiLU()]  # sees all pixels: rain is a pixel wide
    widths = (24, 32, 64, 128, 192)
    for narrow, wide in pairwise(widths):
        layers += [nn.Conv2d(narrow, wide, 3, 2, 1), nn.GroupNorm(8, wide), nn.SiLU()]
        layers += [nn.Conv2d(wide, wide, 3, 1, 1), nn.GroupNorm(8, wide), nn.SiLU()]
    return nn.Sequential(*layers, nn.Flatten(), nn.Dropout(0.2), nn.Linear(192 * 16, len(ATTRIBUTES)))


class Album:
    """All drawn pictures with their attributes, and for each attribute the pictures that have it."""

    def __init__(self, folder: Path) -> None:
        paths = data.shard_paths(folder)
        self.shards = [np.load(path, mmap_mode="r") for path in paths]
        self.places = [(shard, i) for shard, pictures in enumerate(self.shards) for i in range(len(pictures))]
        self.truth = torch.stack([attributes(scene) for path in paths for scene in data.read_scenes(path)])
        having = [column.nonzero().flatten().numpy() for column in self.truth.T]
        self.having = [found for found in having if len(found)]

    def draw(self, batch: int, lot: np.random.Generator) -> tuple[Tensor, Tensor]:
        """Pictures (batch, 3, 128, 128) in -1..1, half of them mirrored, half of them blurred; and their
        attributes.
        """
        chosen = [self._choose(lot) for _ in range(batch)]
        pictures = [self.shards[shard][i] for shard, i in (self.places[place] for place in chosen)]
        turned = [picture[:, ::-1] if lot.random() < 0.5 else picture for picture in pictures]
        shown = to_input(np.stack(turned))
        half = batch // 2
        shown[:half] = functional.avg_pool2d(functional.pad(shown[:half], (1, 1, 1, 1), mode="replicate"), 3, 1)
        return shown, self.truth[chosen]

    def _choose(self, lot: np.random.Generator) -> int:
        if lot.random() < COMMON:
            return int(lot.integers(len(self.places)))
        return int(lot.choice(self.having[lot.integers(len(self.having))]))


@dataclass(frozen=True)
class Judging:
    """The work of one worker: train the reader up to `steps` steps of `batch` pictures."""

    folder: Path
    steps: int
    batch: int = 32
    rate: float = 1.5e-3
    seed: int = 4

    def __call__(self, crew: Crew) -> None:
        """Train to the last step, from the newest checkpoint."""
        album, state = Album(self.folder), checkpoint.load(self.folder / "reader.pt")
        torch.manual_seed(self.seed)
        reader: Any = make_reader()
        reader.to(crew.device, memory_format=torch.channels_last)
        trained = list(reader.parameters())
        optimizer = torch.optim.AdamW(trained, lr=self.rate, weight_decay=0.02)
        first = 0
        if state:
            reader.load_state_dict(state["model"])
            optimizer.load_state_dict(state["optimizer"])
            first = state["step"]
        for step in range(first, self.steps):
            optimizer.param_groups[0]["lr"] = self.rate * self._pace(step)
            shown, truth = album.draw(self.batch, np.random.default_rng((self.seed, crew.rank, step)))
            with autocast(crew.device):
                guess = reader(shown.to(crew.device, memory_format=torch.channels_last))
            loss = functional.binary_cross_entropy_with_logits(guess.float(), truth.to(crew.device))
            crew.descend(loss, optimizer)
            if crew.leads and (step % 100 == 99 or step == self.steps - 1):
                tell(f"step {step + 1} loss {loss.item():.4f}")
                kept = {"model": reader.state_dict(), "optimizer": optimizer.state_dict()}
                checkpoint.save(self.folder / "reader.pt", {"step": step + 1, **kept})

    def _pace(self, step: int) -> float:
        return min(1, step / 100, 1.05 * (1 - step / self.steps))


def to_input(pictures: NDArray[np.uint8]) -> Tensor:
    """uint8 (n, 128, 128, 3) -> float32 (n, 3, 128, 128) in -1..1."""
    return torch.from_numpy(pictures).permute(0, 3, 1, 2).float() / 127.5 - 1


def load_reader(folder: Path) -> nn.Sequential:
    state: dict[str, Any] | None = checkpoint.load(folder / "reader.pt")
    assert state is not None, "train the reader first: python -m training.train reader"
    reader = make_reader()
    reader.load_state_dict(state["model"])
    return reader.eval()


@torch.no_grad()
def read(reader: nn.Module, pictures: NDArray[np.uint8]) -> Tensor:
    """Logits (n, len(ATTRIBUTES)) for pictures uint8 (n, 128, 128, 3)."""
    return torch.cat(
        [reader(to_input(np.ascontiguousarray(part))) for part in np.array_split(pictures, len(pictures) // 32 + 1)]
    )
