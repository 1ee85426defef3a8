"""Stage four: the denoiser learns to draw, and the text encoder with it.

v-prediction on zero-terminal-SNR noise (Lin et al. 2023, "Common Diffusion Noise Schedules and Sample Steps
Are Flawed"), each timestep as often as min(SNR + 1, 6) / (SNR + 1) (after Hang et al. 2023, "Efficient
Diffusion Training via Min-SNR Weighting"), with an exponential average of the weights, which is what is
exported.
"""

import math
import time
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import torch
from diffusers.models.attention_processor import AttnProcessor
from torch import Tensor, nn

from training import checkpoint
from training.captions import caption
from training.latents import Library
from training.networks import make_scheduler, make_text_encoder, make_unet
from training.progress import tell
from training.scene import Scene
from training.text import ensure_tokenizer, token_ids
from training.workers import Crew, autocast

UNTOLD = 0.1
"""Share of pictures shown without their caption: what guidance steers away from."""
BUCKETS = 5
"""The loss is told apart for this many stretches of the timesteps."""


class Flat:
    """All parameters of some modules as one long vector, with one gradient vector and one average beside it.

    One vector means one optimizer operation, one all-reduce and one averaging a step, instead of four
    hundred. Convolution weights keep their channels-last layout inside it.
    """

    def __init__(self, modules: list[nn.Module], device: torch.device) -> None:
        parameters = [p for module in modules for p in module.parameters()]
        size = sum(p.numel() for p in parameters)
        self.values = nn.Parameter(torch.empty(size, device=device))
        self.values.grad = torch.zeros(size, device=device)
        start = 0
        for parameter in parameters:
            stretch = slice(start, start + parameter.numel())
            view = _shaped(self.values.data[stretch], parameter.shape)
            view.copy_(parameter.data)
            parameter.data = view
            parameter.grad = _shaped(self.values.grad[stretch], parameter.shape)
            start += parameter.numel()
        self.average = self.values.data.clone()

    def follow(self, step: int, slowness: float) -> None:
        """Move the average towards the values: fast at first, then with the given slowness."""
        self.average.lerp_(self.values.data, 1 - min(slowness, (1 + step) / (10 + step)))


def _shaped(stretch: Tensor, shape: torch.Size) -> Tensor:
    """A stretch of the vector in the parameter's shape, convolutions in channels-last order."""
    if len(shape) != 4:
        return stretch.view(shape)
    return stretch.view(shape[0], shape[2], shape[3], shape[1]).permute(0, 3, 1, 2)


@dataclass(frozen=True)
class Denoising:
    """The work of one worker: to `steps`, the rate falling from step `fall_from` on; `batch` is per
    worker.
    """

    folder: Path
    steps: int
    fall_from: int
    batch: int = 16
    rate: float = 1.1e-3
    thrift: float = 0.08
    slowness: float = 0.9985
    save_every: int = 500
    seed: int = 3

    @property
    def path(self) -> Path:
        return self.folder / "unet.pt"

    def __call__(self, crew: Crew) -> None:
        """Train to the last step, from the newest checkpoint."""
        torch.manual_seed(self.seed)
        unet, text = make_unet().to(crew.device), make_text_encoder().to(crew.device)
        if crew.device.type == "cpu":
            unet.set_attn_processor(AttnProcessor())
        state = checkpoint.load(self.path)
        if state is None:
            known = checkpoint.load(self.folder / "text.pt")
            assert known is not None, "train the text encoder first"
            text.load_state_dict(known["model"])
        flat = Flat([unet, text], crew.device)
        optimizer = torch.optim.AdamW([flat.values], lr=self.rate, betas=(0.9, 0.98), weight_decay=0.01, fused=True)
        first = self._restore(state, flat, optimizer)
        self._train(crew, unet, text, flat, optimizer, first)

    def _restore(self, state: dict[str, Any] | None, flat: Flat, optimizer: torch.optim.Optimizer) -> int:
        if state is None:
            return 0
        with torch.no_grad():
            flat.values.copy_(state["values"])
            flat.average.copy_(state["average"])
        optimizer.load_state_dict(state["optimizer"])
        return int(state["step"])

    def _train(self, crew: Crew, unet: Any, text: Any, flat: Flat, optimizer: Any, first: int) -> None:
        tokenizer, library = ensure_tokenizer(self.folder), Library(self.folder)
        noises = Noises(crew.device)
        tally, started = torch.zeros(2, BUCKETS + 1), time.monotonic()
        for step in range(first, self.steps):
            lot = np.random.default_rng((self.seed, step, crew.rank))
            torch.manual_seed(int(lot.integers(2**62)))
            clean, scenes = library.draw(self.batch, lot)
            ids = token_ids(tokenizer, _told(scenes, Random(int(lot.integers(2**62))), self.thrift))
            flat.values.grad.zero_()  # type: ignore[union-attr]
            loss, sums = _loss(unet, text, noises, clean.to(crew.device), ids.to(crew.device))
            loss.backward()
            crew.average([flat.values])
            torch.nn.utils.clip_grad_norm_([flat.values], 1.0)
            optimizer.param_groups[0]["lr"] = self.rate * self._pace(step)
            optimizer.step()
            flat.follow(step, self.slowness)
            tally += sums
            if step % 50 == 49:
                _report(crew, step + 1, tally, time.monotonic() - started, self.batch)
                tally, started = torch.zeros_like(tally), time.monotonic()
                library.refresh()
            if crew.leads and (step % self.save_every == self.save_every - 1 or step == self.steps - 1):
                vectors = {"values": flat.values.data, "average": flat.average}
                checkpoint.save(self.path, {"step": step + 1, "optimizer": optimizer.state_dict(), **vectors})

    def _pace(self, step: int) -> float:
        """Warm up over 200 steps, then full rate, then a cosine down to 3 % at the end."""
        late = max(0.0, (step - self.fall_from) / max(1, self.steps - self.fall_from))
        return min(1.0, (step + 1) / 200) * (0.03 + 0.97 * 0.5 * (1 + math.cos(math.pi * late)))


def _told(scenes: list[Scene], lot: Random, thrift: float) -> list[str]:
    return ["" if lot.random() < UNTOLD else caption(scene, lot, thrift) for scene in scenes]


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
    """The loss of a batch, and its sums and counts (2, BUCKETS + 1) by bucket and, in the last column, in
    all.
    """
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
