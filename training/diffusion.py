"""Stage four: the denoiser learns to draw, and the text encoder with it.

v-prediction on zero-terminal-SNR noise (Lin et al. 2023, "Common Diffusion Noise Schedules and Sample Steps
Are Flawed"), each timestep as often as min(SNR + 1, 6) / (SNR + 1) (after Hang et al. 2023, "Efficient
Diffusion Training via Min-SNR Weighting"), with an exponential average of the weights, which is what is
exported.
"""

import math
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from diffusers.models.attention_processor import AttnProcessor
from torch import Tensor, nn

from training import checkpoint
from training.lessons import Lessons, in_order
from training.networks import make_scheduler, make_text_encoder, make_unet
from training.progress import tell
from training.vector import Vector
from training.workers import Crew, autocast

BUCKETS = 5
"""The loss is told apart for this many stretches of the timesteps."""


@dataclass(frozen=True)
class Denoising:
    """The work of one worker: up to `steps`, at a falling rate from `fall_from` on; `batch` is per worker."""

    folder: Path
    steps: int
    fall_from: int
    batch: int = 16
    rate: float = 1.1e-3
    thrift: float = 0.08
    slowness: float = 0.996
    compiled: bool = False
    save_every: int = 200
    seed: int = 3

    @property
    def path(self) -> Path:
        return self.folder / "unet.pt"

    def __call__(self, crew: Crew) -> None:
        """Train to the last step, from the newest checkpoint."""
        torch.manual_seed(self.seed)
        unet, text = make_unet().to(crew.device), make_text_encoder().to(crew.device)
        if crew.device.type == "cpu":
            _quicken(unet, text)
        state = checkpoint.load(self.path)
        if state is None:
            known = checkpoint.load(self.folder / "text.pt")
            assert known is not None, "train the text encoder first"
            text.load_state_dict(known["model"])
        vector = Vector([unet, text], crew)
        if state:
            vector.restore(state)
        drawn = torch.compile(unet) if self.compiled else unet
        self._train(crew, drawn, text, vector, int(state["step"]) if state else 0)

    def _train(self, crew: Crew, unet: Any, text: Any, vector: Vector, first: int) -> None:
        lessons = Lessons(self.folder, self.batch, self.thrift, (self.seed, crew.rank))
        noises, tally, started = Noises(crew.device), torch.zeros(2, BUCKETS + 1), time.monotonic()
        feeders = max(1, (os.cpu_count() or 2) - 2) if crew.device.type == "cuda" else 0
        for step, clean, ids in in_order(lessons, first, self.steps, feeders):
            torch.manual_seed((self.seed * 1000 + crew.rank) * 10**9 + step)
            loss, sums = _loss(unet, text, noises, clean.to(crew.device), ids.to(crew.device))
            loss.backward()
            vector.step(step, self.rate * self._pace(step), self.slowness)
            tally += sums
            if step % 50 == 49:
                _report(crew, step + 1, tally, time.monotonic() - started, self.batch)
                tally, started = torch.zeros_like(tally), time.monotonic()
            if crew.leads and (step % self.save_every == self.save_every - 1 or step == self.steps - 1):
                checkpoint.save(self.path, {"step": step + 1, **vector.state()})

    def _pace(self, step: int) -> float:
        """Warm up over 200 steps, then full rate, then a cosine down to 3 % at the end."""
        late = max(0.0, (step - self.fall_from) / max(1, self.steps - self.fall_from))
        return min(1.0, (step + 1) / 200) * (0.03 + 0.97 * 0.5 * (1 + math.cos(math.pi * late)))


def _quicken(unet: Any, text: Any) -> None:
    """On a CPU plain attention is faster, backwards above all; and so is normalising in contiguous memory."""
    unet.set_attn_processor(AttnProcessor())
    text.set_attn_implementation("eager")
    for module in unet.modules():
        if isinstance(module, nn.GroupNorm):
            module.__class__ = _ContiguousNorm


class _ContiguousNorm(nn.GroupNorm):
    """The same norm, by way of contiguous memory: in bfloat16 and channels-last order it takes six times as
    long.
    """

    def forward(self, cells: Tensor) -> Tensor:
        if cells.dim() != 4:
            return super().forward(cells)
        return super().forward(cells.contiguous()).contiguous(memory_format=torch.channels_last)


class Noises:
    """The noise levels of the scheduler: signal and noise at each timestep, and how often each is trained on.

    Instead of weighting the loss, timesteps are drawn as often as their weight says: nothing is computed that
    would hardly count.
    """

    def __init__(self, device: torch.device) -> None:
        kept = make_scheduler().alphas_cumprod.to(device)
        self.signal, self.noise = kept.sqrt(), (1 - kept).sqrt()
        ratio = kept / (1 - kept)
        weight = (ratio + 1).clamp(max=6) / (ratio + 1)
        self.below = (weight / weight.sum()).cumsum(0).cpu()

    def draw(self, count: int) -> Tensor:
        """Timesteps (count,), one from each of `count` equally likely stretches."""
        places = (torch.arange(count) + torch.rand(count)) / count
        return torch.searchsorted(self.below, places).clamp(max=len(self.below) - 1).to(self.signal.device)


def _loss(unet: Any, text: Any, noises: Noises, clean: Tensor, ids: Tensor) -> tuple[Tensor, Tensor]:
    """The loss of a batch, and its sums and counts (2, BUCKETS + 1) by bucket; the last column is all."""
    times = noises.draw(len(clean))
    signal, noise = noises.signal[times].view(-1, 1, 1, 1), noises.noise[times].view(-1, 1, 1, 1)
    grain = torch.randn_like(clean)
    noisy = (signal * clean + noise * grain).contiguous(memory_format=torch.channels_last)
    with autocast(clean.device):
        guess = unet(noisy, times, text(ids).last_hidden_state).sample
    each = (guess.float() - (signal * grain - noise * clean)).square().mean(dim=(1, 2, 3))
    told, bucket = each.detach().cpu(), (times * BUCKETS // len(noises.signal)).cpu()
    sums = torch.zeros(2, BUCKETS + 1)
    sums[0].index_add_(0, bucket, told)
    sums[1].index_add_(0, bucket, torch.ones(len(told)))
    sums[:, -1] = sums[:, :-1].sum(dim=1)
    return each.mean(), sums


def _report(crew: Crew, step: int, tally: Tensor, seconds: float, batch: int) -> None:
    """One line: the loss, its buckets from little noise to much, and the speed."""
    if crew.leads:
        losses = (tally[0] / tally[1].clamp(min=1)).tolist()
        buckets = " ".join(f"{value:.3f}" for value in losses[:-1])
        speed = 50 * batch * crew.size / seconds
        tell(f"step {step} loss {losses[-1]:.4f} buckets {buckets} at {speed:.0f} a second")
