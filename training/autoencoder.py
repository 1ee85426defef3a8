"""Stage one: 128x128 pictures to 16x16 cells of 16 numbers and back.

The encoder starts as an exact principal-component analysis, which is half of the way. Encoder and decoder are
trained together, then the encoder is frozen for good, since all latents hang on it; the decoder may be
trained on at any time.
"""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from training import checkpoint, data
from training.networks import install_patches, make_autoencoder
from training.progress import tell
from training.workers import Crew, autocast

CROP = 64
"""Training sees square crops of this many pixels."""
NOISE = 0.03
"""Deviation of the noise added to latents, so that the decoder forgives small errors of the denoiser."""
ENCODER_PACE = 0.4
"""The encoder learns this much slower: it starts near its goal, and the decoder must not chase it."""


@dataclass(frozen=True)
class Autoencoding:
    """The work of one worker in this stage; `steps` is the whole length of training, `batch` is per
    worker.
    """

    folder: Path
    steps: int
    batch: int = 16
    rate: float = 8e-4
    frozen_encoder: bool = False
    seed: int = 1

    @property
    def path(self) -> Path:
        return self.folder / "autoencoder.pt"

    def __call__(self, crew: Crew) -> None:
        """Train to the last step, from the newest checkpoint."""
        shards = [np.load(path, mmap_mode="r") for path in data.shard_paths(self.folder)]
        model, state = self._start(shards)
        model.to(crew.device, memory_format=torch.channels_last)
        groups: list[dict[str, Any]] = [{"params": list(model.decoder.parameters()), "pace": 1.0}]
        if not self.frozen_encoder:
            groups.append({"params": list(model.encoder.parameters()), "pace": ENCODER_PACE})
        optimizer = torch.optim.AdamW(groups, lr=self.rate, weight_decay=1e-4, betas=(0.9, 0.99))
        if state.get("optimizer") and state.get("frozen") == self.frozen_encoder:
            optimizer.load_state_dict(state["optimizer"])
        lot = np.random.default_rng((self.seed, state["step"], crew.rank))
        torch.manual_seed(self.seed + 1000 * state["step"] + crew.rank)
        for step in range(state["step"], self.steps):
            for group in optimizer.param_groups:
                group["lr"] = self.rate * group["pace"] * _fall(step / self.steps)
            crops = _crops(shards, self.batch, lot).to(crew.device, memory_format=torch.channels_last)
            latents = model.encoder(crops)
            with autocast(crew.device):
                loss, error = _losses(model.decoder(latents + NOISE * torch.randn_like(latents)), crops)
            crew.descend(loss, optimizer, longest=1.0)
            if crew.leads and (step % 100 == 99 or step == self.steps - 1):
                tell(f"step {step + 1} loss {loss.item():.4f} psnr {-10 * math.log10(error / 4):.2f} dB")
                frozen = {
                    "step": step + 1,
                    "frozen": self.frozen_encoder,
                    "optimizer": optimizer.state_dict(),
                }
                checkpoint.save(self.path, {"model": model.state_dict(), **frozen})

    def _start(self, shards: list[NDArray[np.uint8]]) -> tuple[Any, dict[str, Any]]:
        """The model as it was left, or a new one whose encoder is a principal-component analysis."""
        torch.manual_seed(self.seed)
        model = make_autoencoder()
        state = checkpoint.load(self.path)
        if state:
            model.load_state_dict(state["model"])
            return model, state
        install_patches(model, np.concatenate([shard[:150] for shard in shards[:10]]))
        return model, {"step": 0}


def _fall(progress: float) -> float:
    """Warm up over the first percent, then a cosine down to 3 %."""
    return min(1.0, progress * 100 + 0.02) * (0.03 + 0.97 * 0.5 * (1 + math.cos(math.pi * min(progress, 1.0))))


def _crops(shards: list[NDArray[np.uint8]], batch: int, lot: np.random.Generator) -> Tensor:
    """Random crops (batch, 3, CROP, CROP) in -1..1, at any pixel offset, half of them mirrored."""
    found = np.empty((batch, CROP, CROP, 3), np.uint8)
    for i in range(batch):
        shard = shards[lot.integers(len(shards))]
        y, x = lot.integers(0, shard.shape[1] - CROP + 1, 2)
        crop = shard[lot.integers(len(shard)), y : y + CROP, x : x + CROP]
        found[i] = crop[:, ::-1] if lot.random() < 0.5 else crop
    return torch.from_numpy(found).permute(0, 3, 1, 2).float() / 127.5 - 1


def _losses(drawn: Tensor, wanted: Tensor) -> tuple[Tensor, float]:
    """What is minimised (absolute, squared and gradient error), and the mean squared error alone."""
    drawn = drawn.float()
    squared = functional.mse_loss(drawn, wanted)
    across = functional.l1_loss(drawn.diff(dim=3), wanted.diff(dim=3))
    down = functional.l1_loss(drawn.diff(dim=2), wanted.diff(dim=2))
    return functional.l1_loss(drawn, wanted) + 4 * squared + 0.5 * (across + down), squared.item()


@torch.no_grad()
def round_trip(model: Any, pictures: NDArray[np.uint8]) -> float:
    """Mean peak signal-to-noise ratio in dB of pictures (n, 128, 128, 3) after encoding and decoding,
    clipped.
    """
    found = []
    for part in np.array_split(pictures, len(pictures) // 32 + 1):
        wanted = torch.from_numpy(part).permute(0, 3, 1, 2).float() / 127.5 - 1
        drawn = model.decode(model.encode(wanted.to(model.device)).latents).sample.clamp(-1, 1).cpu()
        found.append((drawn - wanted).square().mean(dim=(1, 2, 3)))
    return float((-10 * torch.log10(torch.cat(found) / 4)).mean())
