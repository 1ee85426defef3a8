"""Stage zero, when it is wanted: go on from a released model instead of from nothing.

A released model has no optimizer's memory and only half precision; both come back within a few hundred
steps, so the checkpoints written here begin at step 0, with its warm-up. The encoder stays as it was frozen:
latents drawn anew fit the weights.
"""

from pathlib import Path
from shutil import copytree
from typing import Any

import torch
from diffusers import AutoencoderTiny, UNet2DConditionModel
from transformers import CLIPTextModel

from training import checkpoint
from training.networks import make_text_encoder, make_unet
from training.vector import Vector
from training.workers import Crew


def go_on_from(model: Path, folder: Path) -> None:
    """Write the model folder's parts into `folder` as checkpoints of every stage; refuse to overwrite a
    run.
    """
    if (folder / "unet.pt").exists():
        raise SystemExit(f"{folder} holds a run already: go on with --resume, or choose another --folder")
    folder.mkdir(parents=True, exist_ok=True)
    _keep_autoencoder(AutoencoderTiny.from_pretrained(model / "vae"), folder)
    if not (folder / "tokenizer").exists():
        copytree(model / "tokenizer", folder / "tokenizer")
    unet, text = make_unet(), make_text_encoder()
    unet.load_state_dict(UNet2DConditionModel.from_pretrained(model / "unet").state_dict())
    text.load_state_dict(_text_weights(model))
    checkpoint.save(folder / "text.pt", {"model": text.state_dict()})
    vector = Vector([unet, text], Crew(0, 1, torch.device("cpu")))
    checkpoint.save(folder / "unet.pt", {"step": 0, **vector.state()})


def _text_weights(model: Path) -> dict[str, Any]:
    known: dict[str, Any] = CLIPTextModel.from_pretrained(model / "text_encoder", dtype=torch.float32).state_dict()
    return known


def _keep_autoencoder(known: Any, folder: Path) -> None:
    """Encoder and decoder in float32, and the factor that gives latents unit variance."""
    weights = {name: value.float() for name, value in known.state_dict().items()}
    encoder = {name: value for name, value in weights.items() if name.startswith("encoder.")}
    checkpoint.save(folder / "autoencoder.pt", {"model": weights, "step": 0})
    checkpoint.save(folder / "encoder.pt", {"encoder": encoder, "scaling": known.config.scaling_factor})
