"""Stage three: a vocabulary, and a text encoder that knows what a caption names before it steers any picture.

A denoiser learns slowly from a text encoder that says nothing yet; a few minutes of predicting a scene's
attributes from its caption give it something to listen to.
"""

from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from training import checkpoint
from training.captions import caption
from training.networks import TOKENS, WIDTH, make_text_encoder, make_tokenizer
from training.progress import tell
from training.scene import BACKDROPS, GROUNDS, SKIES, STYLES, SUBJECTS, TIMES, Scene, draw_lot
from training.workers import Crew

ATTRIBUTES: tuple[str, ...] = (
    *(f"style {name}" for name in STYLES),
    *(f"time {name}" for name in TIMES),
    *(f"ground {name}" for name in GROUNDS),
    *(f"sky {name}" for name in SKIES),
    *(f"backdrop {name}" for name in BACKDROPS),
    *(f"subject {name}" for name in SUBJECTS),
    *(f"companion {name}" for name in SUBJECTS),
    "many",
    "flowers",
)
"""All that a scene can be, one yes or no each."""
_PLACE = {name: i for i, name in enumerate(ATTRIBUTES)}


def attributes(scene: Scene) -> Tensor:
    """The scene as yes and no, float32 (len(ATTRIBUTES),)."""
    names = [
        f"style {scene.style}",
        f"time {scene.time}",
        f"ground {scene.ground}",
        f"backdrop {scene.backdrop}",
    ]
    names += [f"sky {thing}" for thing in scene.sky]
    names += [f"subject {scene.subject}"] if scene.subject else []
    names += [f"companion {scene.companion}"] if scene.companion else []
    names += ["many"] if scene.count > 1 else []
    names += ["flowers"] if scene.flowers else []
    found = torch.zeros(len(ATTRIBUTES))
    found[[_PLACE[name] for name in names]] = 1
    return found


def ensure_tokenizer(folder: Path) -> Any:
    """The tokenizer in `tokenizer/`, made from forty thousand captions if it is not there."""
    from transformers import CLIPTokenizer

    home = folder / "tokenizer"
    if not home.exists():
        lines = (caption(draw_lot(seed, 1.0), Random(seed)) for seed in range(40_000))
        make_tokenizer(lines).save_pretrained(home)
    return CLIPTokenizer.from_pretrained(home)


def token_ids(tokenizer: Any, texts: list[str]) -> Tensor:
    """Token ids (n, TOKENS), cut or padded, as StableDiffusionPipeline makes them."""
    ids: Tensor = tokenizer(
        texts, padding="max_length", max_length=TOKENS, truncation=True, return_tensors="pt"
    ).input_ids
    return ids


@dataclass(frozen=True)
class Reading:
    """The work of this stage: `steps` steps of `batch` captions."""

    folder: Path
    steps: int
    batch: int = 64
    rate: float = 2e-3
    seed: int = 2

    def __call__(self, crew: Crew) -> None:
        """Train to the last step; save `text.pt` there."""
        tokenizer = ensure_tokenizer(self.folder)
        torch.manual_seed(self.seed)
        encoder = make_text_encoder().to(crew.device)
        reader = nn.Linear(WIDTH, len(ATTRIBUTES)).to(crew.device)
        trained = [*encoder.parameters(), *reader.parameters()]
        optimizer = torch.optim.AdamW(trained, lr=self.rate, weight_decay=0.01)
        lot = np.random.default_rng((self.seed, crew.rank))
        for step in range(self.steps):
            optimizer.param_groups[0]["lr"] = self.rate * min(1, step / 50, 2 * (1 - step / self.steps))
            ids, wanted = self._captions(tokenizer, lot)
            guess = reader(encoder(ids.to(crew.device)).last_hidden_state.mean(dim=1))
            loss = functional.binary_cross_entropy_with_logits(guess, wanted.to(crew.device))
            crew.descend(loss, optimizer)
            if crew.leads and step % 50 == 49:
                tell(f"step {step + 1} loss {loss.item():.4f} f1 {_f1(guess, wanted):.3f}")
        if crew.leads:
            checkpoint.save(self.folder / "text.pt", {"model": encoder.state_dict()})

    def _captions(self, tokenizer: Any, lot: np.random.Generator) -> tuple[Tensor, Tensor]:
        scenes = [draw_lot(int(seed), 0.5) for seed in lot.integers(0, 2**31, self.batch)]
        words = Random(int(lot.integers(2**31)))
        ids = token_ids(tokenizer, [caption(scene, words) for scene in scenes])
        return ids, torch.stack([attributes(scene) for scene in scenes])


def _f1(guess: Tensor, wanted: Tensor) -> float:
    """Harmonic mean of precision and recall over all attributes."""
    said = (guess.detach().cpu() > 0).float()
    return float(2 * (said * wanted).sum() / (said.sum() + wanted.sum()))
