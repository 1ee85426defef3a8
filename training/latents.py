"""Stage two: freeze the encoder, and keep every scene's latents (and its mirror image's) on disk beside its
picture.
"""

import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from training import checkpoint, data
from training.networks import make_autoencoder
from training.progress import tell
from training.scene import Scene


def freeze_encoder(folder: Path) -> None:
    """Keep the trained encoder for good in `encoder.pt`, with the factor that gives its latents unit
    variance.
    """
    if (folder / "encoder.pt").exists():
        return
    state = checkpoint.load(folder / "autoencoder.pt")
    if state is None:
        raise SystemExit("train the autoencoder first: python -m training.train autoencoder")
    encoder = {name: value for name, value in state["model"].items() if name.startswith("encoder.")}
    checkpoint.save(folder / "encoder.pt", {"encoder": encoder, "scaling": 1.0})
    pictures = np.load(data.shard_paths(folder)[0], mmap_mode="r")[:256]
    spread = encode(load_encoder(folder), np.ascontiguousarray(pictures)).std().item()
    checkpoint.save(folder / "encoder.pt", {"encoder": encoder, "scaling": 1 / spread})


def load_encoder(folder: Path) -> Any:
    """An autoencoder with the frozen encoder; its decoder is as it happens to be."""
    state = checkpoint.load(folder / "encoder.pt")
    assert state is not None
    model = make_autoencoder()
    model.load_state_dict(state["encoder"], strict=False)
    model.register_to_config(scaling_factor=state["scaling"])
    return model.eval()


@torch.no_grad()
def encode(autoencoder: Any, pictures: NDArray[np.uint8]) -> Tensor:
    """Pictures (n, 128, 128, 3) -> scaled latents (n, CHANNELS, 16, 16), float32 on the CPU."""
    device = next(autoencoder.parameters()).device
    pixels = torch.from_numpy(np.array(pictures)).permute(0, 3, 1, 2).to(device).float() / 127.5 - 1
    latents: Tensor = autoencoder.encode(pixels).latents * autoencoder.config.scaling_factor
    return latents.cpu()


def encode_shards(folder: Path) -> None:
    """Write `latents-NNNNN.npy`, float16 (SHARD, 2, CHANNELS, 16, 16), for every shard that lacks them."""
    model = load_encoder(folder).to("cuda" if torch.cuda.is_available() else "cpu")
    for path in data.shard_paths(folder):
        target = path.with_name(path.name.replace("scenes-", "latents-"))
        if target.exists():
            continue
        started = time.monotonic()
        pictures = np.load(path)
        both = [
            torch.stack([encode(model, part), encode(model, np.ascontiguousarray(part[:, :, ::-1]))], dim=1)
            for part in np.array_split(pictures, 10)
        ]
        data.save_array(target, torch.cat(both).half().numpy())
        tell(f"{target.name} in {time.monotonic() - started:.1f} s")


class Library:
    """All latents and scenes that are on disk, drawn from at random."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.latents: list[NDArray[np.float16]] = []
        self.scenes: list[list[Scene]] = []
        self.refresh()

    def refresh(self) -> None:
        """Take in the shards that have come since the last look."""
        paths = sorted((self.folder / "scenes").glob("latents-*.npy"))
        for path in paths[len(self.latents) :]:
            self.latents.append(np.load(path, mmap_mode="r"))
            self.scenes.append(data.read_scenes(path.with_name(path.name.replace("latents-", "scenes-"))))

    def draw(self, count: int, lot: np.random.Generator) -> tuple[Tensor, list[Scene]]:
        """Latents (count, CHANNELS, 16, 16), half of them mirrored, and their scenes."""
        found, scenes = [], []
        for _ in range(count):
            shard, side = int(lot.integers(len(self.latents))), int(lot.integers(2))
            i = int(lot.integers(len(self.latents[shard])))
            found.append(self.latents[shard][i, side])
            scenes.append(self.scenes[shard][i])
        return torch.from_numpy(np.stack(found)).float(), scenes
