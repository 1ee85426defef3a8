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


def make_reader() -> nn.Sequential:
    """Pictures (n, 3, 128, 128) in -1..1 -> one logit for each attribute."""
    layers: list[nn.Module] = [nn.AvgPool2d(2)]
    widths = (3, 32, 64, 128, 192)
    for narrow, wide in pairwise(widths):
        layers += [nn.Conv2d(narrow, wide, 3, 2, 1), nn.GroupNorm(8, wide), nn.SiLU()]
        layers += [nn.Conv2d(wide, wide, 3, 1, 1), nn.GroupNorm(8, wide), nn.SiLU()]
    return nn.Sequential(*layers, nn.Flatten(), nn.Dropout(0.2), nn.Linear(192 * 16, len(ATTRIBUTES)))


@dataclass(frozen=True)
class Judging:
    """The work of one worker: train the reader for `steps` steps of `batch` pictures."""

    folder: Path
    steps: int
    batch: int = 32
    rate: float = 1.5e-3
    seed: int = 4

    def __call__(self, crew: Crew) -> None:
        shards = data.shard_paths(self.folder)
        pictures = [np.load(path, mmap_mode="r") for path in shards]
        wanted = [torch.stack([attributes(scene) for scene in data.read_scenes(path)]) for path in shards]
        torch.manual_seed(self.seed)
        reader = make_reader().to(crew.device)
        trained = list(reader.parameters())
        optimizer = torch.optim.AdamW(trained, lr=self.rate, weight_decay=0.02)
        lot = np.random.default_rng((self.seed, crew.rank))
        for step in range(self.steps):
            optimizer.param_groups[0]["lr"] = self.rate * min(1, step / 100, 1.05 * (1 - step / self.steps))
            shown, truth = _batch(pictures, wanted, self.batch, lot)
            with autocast(crew.device):
                guess = reader(shown.to(crew.device, memory_format=torch.channels_last))
            loss = functional.binary_cross_entropy_with_logits(guess.float(), truth.to(crew.device))
            optimizer.zero_grad()
            loss.backward()
            crew.average(trained)
            optimizer.step()
            if crew.leads and step % 200 == 199:
                tell(f"step {step + 1} loss {loss.item():.4f}")
        if crew.leads:
            checkpoint.save(self.folder / "reader.pt", {"model": reader.state_dict()})


def _batch(
    pictures: list[NDArray[np.uint8]], wanted: list[Tensor], batch: int, lot: np.random.Generator
) -> tuple[Tensor, Tensor]:
    """Pictures (batch, 3, 128, 128) in -1..1, half of them mirrored, half of them blurred; and their
    attributes.
    """
    found = np.empty((batch, *pictures[0].shape[1:]), np.uint8)
    truth = []
    for i in range(batch):
        shard = int(lot.integers(len(pictures)))
        place = int(lot.integers(len(pictures[shard])))
        picture = pictures[shard][place]
        found[i] = picture[:, ::-1] if lot.random() < 0.5 else picture
        truth.append(wanted[shard][place])
    shown = to_input(found)
    half = batch // 2
    shown[:half] = functional.avg_pool2d(functional.pad(shown[:half], (1, 1, 1, 1), mode="replicate"), 3, 1)
    return shown, torch.stack(truth)


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
