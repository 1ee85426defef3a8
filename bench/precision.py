"""A long chain in float32, float16 and bfloat16, and as diffusers' pipelines draw it in bfloat16 throughout.

Every link is drawn from the one before with the same noise on all sides, in turn. Told of some links are the picture's
mean, its saturation (of HSV) and its mean difference from float32's, all of 255.
"""

import argparse
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from PIL import Image

from sframes_tui.config.config import GenerationConfig
from sframes_tui.engine.models import load_engine
from sframes_tui.engine.protocol import Drawn, FromNoise, FromPicture, Job, Look

PROMPTS = (
    "a lighthouse by the sea at night",
    "a red boat on calm water at dawn",
    "a house in the snow under stars",
    "a ship in a storm with dark clouds",
)


@dataclass
class Side:
    """One number format's chain."""

    name: str
    engine: Any
    picture: Image.Image | None = None

    def go_on(self, link: int, strength: float, seed: int) -> None:
        start = FromNoise() if self.picture is None else FromPicture(self.picture, strength)
        self.engine.admit(Job(link, 1000 * seed + link, Look(PROMPTS[link % len(PROMPTS)]), start))
        drawn: list[Drawn] = []
        while not drawn:
            outcomes = self.engine.advance(lambda _: None, threading.Event())
            drawn = [each for each in outcomes if isinstance(each, Drawn)]
            if lost := [each for each in outcomes if each not in drawn]:
                raise RuntimeError(f"the bench could not draw: {lost}")
        self.picture = drawn[0].picture

    def values(self) -> np.ndarray[Any, np.dtype[np.float64]]:
        assert self.picture is not None
        return np.asarray(self.picture, float)


def sides(model: str, steps: int) -> list[Side]:
    def side(name: str, dtype: str, engine: str = "auto") -> Side:
        options = {"model": model, "dtype": dtype, "engine": engine, "num_inference_steps": steps, "device": "cpu"}
        return Side(name, load_engine(GenerationConfig.model_validate(options)))

    coarse = side("bfloat16 throughout", "bfloat16", "reference")
    coarse.engine.pipelines.text.vae.to(torch.bfloat16)
    return [side("float32", "float32"), side("float16", "float16"), side("bfloat16", "bfloat16"), coarse]


def told(link: int, of: Sequence[Side]) -> str:
    cells = []
    for side in of:
        values = side.values()
        assert side.picture is not None
        saturation = np.asarray(side.picture.convert("HSV"), float)[..., 1].mean()
        difference = np.abs(values - of[0].values()).mean()
        cells.append(f"{values.mean():.1f}, {saturation:.1f}, {difference:.2f}")
    return f"| {link} | {' | '.join(cells)} |"


def main(words: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench precision", description=__doc__)
    add = parser.add_argument
    add("--model", default="builtin:picturebook")
    add("--links", type=int, default=60)
    add("--steps", type=int, default=10)
    add("--strength", type=float, default=0.5)
    add("--seed", type=int, default=1)
    arguments = parser.parse_args(words)
    chains = sides(arguments.model, arguments.steps)
    print(f"| link | {' | '.join(side.name for side in chains)} |")
    print("|---" * (len(chains) + 1) + "|")
    for link in range(1, arguments.links + 1):
        for side in chains:
            side.go_on(link, arguments.strength, arguments.seed)
        if link == 1 or link % 10 == 0:
            print(told(link, chains), flush=True)


if __name__ == "__main__":
    main()
