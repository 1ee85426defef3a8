"""`python -m training.export`: the newest checkpoint as a diffusers folder in half precision.

Beside the usual files it writes `latent_rgb.json`, the linear map from latents to colours that previews use.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import StableDiffusionPipeline
from numpy.typing import NDArray

from training import checkpoint, data
from training.latents import encode, load_encoder
from training.networks import make_scheduler, make_text_encoder, make_unet
from training.progress import tell
from training.text import ensure_tokenizer
from training.vector import Vector
from training.workers import Crew

TARGET = Path("sframes_tui/picturebook")


def pipeline(folder: Path, *, averaged: bool = True) -> Any:
    """The trained parts as one StableDiffusionPipeline, float32 on the CPU."""
    state = checkpoint.load(folder / "unet.pt")
    decoder = checkpoint.load(folder / "autoencoder.pt")
    assert state is not None
    assert decoder is not None
    unet, text = make_unet(), make_text_encoder()
    vector = Vector([unet, text], Crew(0, 1, torch.device("cpu")))
    vector.values.copy_(state["average" if averaged else "values"])
    autoencoder = load_encoder(folder)
    trained = {name: value for name, value in decoder["model"].items() if name.startswith("decoder.")}
    autoencoder.load_state_dict(trained, strict=False)
    return StableDiffusionPipeline(
        vae=autoencoder,
        text_encoder=text.eval(),
        tokenizer=ensure_tokenizer(folder),
        unet=unet.eval(),
        scheduler=make_scheduler(),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )


def latent_rgb(autoencoder: Any, pictures: NDArray[np.uint8]) -> dict[str, list[Any]]:
    """Least squares from scaled latents to the mean colour of their cell, RGB in -1..1."""
    latents = encode(autoencoder, pictures).permute(0, 2, 3, 1).reshape(-1, autoencoder.config.latent_channels)
    cells = pictures.reshape(len(pictures), 16, 8, 16, 8, 3).mean(axis=(2, 4)).reshape(-1, 3) / 127.5 - 1
    known = torch.cat([latents, torch.ones(len(latents), 1)], dim=1).double()
    solved = torch.linalg.lstsq(known, torch.from_numpy(cells)).solution
    rounded = [[round(float(value), 5) for value in row] for row in solved]
    return {"factors": rounded[:-1], "bias": rounded[-1]}


def _independent(module: torch.nn.Module) -> torch.nn.Module:
    """The module in half precision, each weight with storage of its own."""
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.data = parameter.data.clone(memory_format=torch.contiguous_format).half()
    return module


def _tidy_configs(target: Path) -> None:
    """The text encoder computes in float32 where nobody asks otherwise, as all other parts do; and the
    autoencoder's file names only what its class takes, or loading it would warn.
    """
    text, autoencoder = target / "text_encoder" / "config.json", target / "vae" / "config.json"
    _write(text, {**json.loads(text.read_text(encoding="utf-8")), "dtype": "float32"})
    known: dict[str, Any] = json.loads(autoencoder.read_text(encoding="utf-8"))
    _write(autoencoder, {name: value for name, value in known.items() if name != "block_out_channels"})


def _write(path: Path, config: dict[str, Any]) -> None:
    path.write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=data.FOLDER)
    parser.add_argument("--target", type=Path, default=TARGET)
    options = parser.parse_args()
    pipe = pipeline(options.folder)
    pictures = np.ascontiguousarray(np.load(data.shard_paths(options.folder)[0], mmap_mode="r")[:200])
    colours = latent_rgb(pipe.vae, pictures)
    for module in (pipe.vae, pipe.text_encoder, pipe.unet):
        _independent(module)
    pipe.save_pretrained(options.target, safe_serialization=True)
    _tidy_configs(options.target)
    (options.target / "latent_rgb.json").write_text(json.dumps(colours, indent=1) + "\n", encoding="utf-8")
    size = sum(path.stat().st_size for path in options.target.rglob("*.safetensors"))
    tell(f"{options.target}: {size / 1e6:.2f} MB of weights")


if __name__ == "__main__":
    main()
