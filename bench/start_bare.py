"""What `bench start` compares with: the script that one would write by hand. Imports nothing of the program."""

import sys
import tomllib
from pathlib import Path

import torch
from diffusers import DDIMScheduler, StableDiffusionPipeline

CONFIG, PICTURE, SEED = sys.argv[1:]


def main() -> None:
    values = tomllib.loads(Path(CONFIG).read_text())
    options = values["generation_config"]
    name = options["model"]
    root = Path(__file__).resolve().parent.parent / "sframes_tui"
    folder = root / name.removeprefix("builtin:") if name.startswith("builtin:") else Path(name)
    pipe = StableDiffusionPipeline.from_pretrained(folder, use_safetensors=True, safety_checker=None)
    pipe.scheduler = DDIMScheduler.from_config(pipe.scheduler.config)
    prompt = f"{Path(values['prompt_config']['source']).read_text()} {values['style_configs'][0]['style']}"
    torch.set_num_threads(1)
    picture = pipe(
        prompt,
        num_inference_steps=options["num_inference_steps"],
        guidance_scale=options["guidance_scale"],
        eta=options["eta"],
        generator=torch.Generator().manual_seed(int(SEED)),
    ).images[0]
    picture.save(PICTURE)


if __name__ == "__main__":
    main()
