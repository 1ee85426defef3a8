"""`python -m training.draw PROMPT...`: pictures of the newest checkpoint or of a model folder, as a contact
sheet.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import StableDiffusionPipeline
from numpy.typing import NDArray

from training import data
from training.export import pipeline
from training.scenes import sheet

STYLE_TEXTS = (
    "no text hdr 4k 8k hyperreal photography",
    "charcoal drawing, hyperfine",
    "line drawing",
    "watercolor",
    "oil painting, masterpiece",
    "cyberpunk neon",
)
"""One style text for each style, in the order of `scene.STYLES`, as a user would write it."""


def load(folder: Path) -> Any:
    """The pipeline of a model folder, or of the newest checkpoint where the folder holds training."""
    if not (folder / "model_index.json").exists():
        pipe = pipeline(folder)
    else:
        pipe = StableDiffusionPipeline.from_pretrained(folder)
    pipe.set_progress_bar_config(disable=True)
    return pipe.to("cuda" if torch.cuda.is_available() else "cpu")


def draw(
    pipe: Any,
    prompts: Sequence[str],
    seeds: Sequence[int],
    *,
    steps: int = 20,
    guidance: float = 5.0,
    batch: int = 8,
) -> list[NDArray[np.uint8]]:
    """One picture uint8 (128, 128, 3) for each prompt and seed; the seed alone settles a picture's noise."""
    found: list[NDArray[np.uint8]] = []
    for start in range(0, len(prompts), batch):
        some = list(prompts[start : start + batch])
        lots = [torch.Generator("cpu").manual_seed(seed) for seed in seeds[start : start + batch]]
        drawn = pipe(some, num_inference_steps=steps, guidance_scale=guidance, generator=lots, output_type="np").images
        found += list((drawn * 255 + 0.5).astype(np.uint8))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("prompts", nargs="*", help="texts to draw")
    parser.add_argument("--story", type=Path, help="draw every line of this file that ends with a full stop")
    parser.add_argument("--styles", action="store_true", help="draw each prompt in every style, a row each")
    parser.add_argument("--folder", type=Path, default=data.FOLDER)
    parser.add_argument("--target", type=Path, default=Path("training/sheets/drawn.png"))
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--guidance", type=float, default=5.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--columns", type=int, default=8)
    parser.add_argument("--tile", type=int, default=128, help="width of a picture on the sheet")
    options = parser.parse_args()
    torch.set_num_threads(1)
    prompts = list(options.prompts)
    if options.story:
        lines = options.story.read_text(encoding="utf-8").splitlines()
        prompts += [line for line in lines if line.endswith(".") and len(line.split()) > 4]
    texts = [f"{prompt} {style}" for prompt in prompts for style in STYLE_TEXTS] if options.styles else prompts
    seeds = [options.seed + i for i in range(len(texts))]
    pictures = draw(load(options.folder), texts, seeds, steps=options.steps, guidance=options.guidance)
    options.target.parent.mkdir(parents=True, exist_ok=True)
    columns = len(STYLE_TEXTS) if options.styles else options.columns
    sheet(pictures, columns, options.tile).save(options.target)


if __name__ == "__main__":
    main()
