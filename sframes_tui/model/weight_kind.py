"""What a safetensors file holds, told by its tensors' names alone. Nothing is loaded.

The names are those that kohya's scripts, LyCORIS, peft, diffusers and ComfyUI write. The file's header is all that
is read: eight bytes of its length, little-endian, then JSON (https://github.com/huggingface/safetensors#format).
"""

import json
import re
from collections.abc import Mapping
from pathlib import Path

HEADER_LIMIT = 8_000_000
"""Bytes; the header of the largest models' files is a tenth of it."""

WANTED = "model wants a whole one: a checkpoint, a diffusers folder or a hub id"

LORA = (
    r"^(lora_(unet|te\d?|transformer)|lycoris)_|[._]lora([._]|$)|lora_(up|down|[AB]|linear_layer)\b"
    r"|dora_scale|hada_w[12]|lokr_w[12]"
)
CONTROL = r"^(control_model|controlnet_\w+|input_hint_block|adapter\.body|lllite_\w+)\b"
TEXT = (
    r"^(text_encoders?|cond_stage_model|conditioner|transformer\.text_model|text_model)\.|^embeddings\.token_embedding\."
    r"|encoder\.block\.\d+\.layer\.|^encoder\.layers\.\d+\.self_attn\."
)
LANGUAGE_MODEL = r"^(model\.(language_model\.)?)?(layers\.\d+\.self_attn|embed_tokens)\b"
VAE = r"^(vae|first_stage_model)\.|^(encoder|decoder)\.(down|up|mid|conv_|layers\.\d+\.conv)|^(post_)?quant_conv\."
DENOISER = (
    r"^(model\.diffusion_model|diffusion_model|unet|transformer)\.|^(input_blocks|down_blocks|up_blocks|double_blocks"
    r"|single_blocks|joint_blocks|transformer_blocks|single_transformer_blocks|context_refiner)\."
)

PARTS: tuple[tuple[str, str, str], ...] = (
    (LORA, "a LoRA", "it changes a model's weights and draws nothing by itself"),
    (r"^(ip_adapter|image_proj)\.", "an IP-Adapter", "it lets a model be shown a picture and draws nothing by itself"),
    (CONTROL, "a ControlNet", "it lets a model be guided by a picture and draws nothing by itself"),
    (r"motion_modules\.", "a motion module", "it makes a model's pictures move and draws nothing by itself"),
    (r"^vision_model\.", "an image encoder", "it reads pictures and draws none"),
    (r"\.RDB\d\.|\.rdb\d\.|RRDB_trunk", "an upscaler", "it enlarges pictures and draws none"),
)
"""Whatever else a file holds: a pattern of its tensors' names, what it is then, and what that does."""


def why_not_a_model(path: Path) -> str | None:
    """What a `.safetensors` file is, as the end of a sentence, if it is no whole model.

    None for a whole model, for what isn't known, and for a file that can't be read: its loader says why.
    """
    tensors = _header(path)
    if not tensors:
        return None
    for pattern, what, does in PARTS:
        if any(re.search(pattern, name) for name in tensors):
            return f"this is {what}, not a model: {does}; {WANTED}"
    has = {
        kind: any(re.search(pattern, name) for name in tensors)
        for kind, pattern in {"text": TEXT, "vae": VAE, "denoiser": DENOISER, "language": LANGUAGE_MODEL}.items()
    }
    if has["denoiser"]:
        alone = not has["vae"] and not has["text"]
        said = "a UNet or transformer alone, without VAE and text encoder: its place is in unet/ or transformer/"
    elif has["text"] or has["language"]:
        alone, said = not has["vae"], "a text encoder alone: its place is in text_encoder/"
    elif has["vae"]:
        alone, said = True, "a VAE alone: its place is in vae/"
    elif _is_embedding(tensors):
        return f"this is a textual inversion, not a model: it teaches a model a word and draws nothing; {WANTED}"
    else:
        return None
    return f"this is {said} of a diffusers folder; {WANTED}" if alone else None


def _is_embedding(tensors: Mapping[str, object]) -> bool:
    """A few rows of numbers and nothing else."""
    shapes = [tensor.get("shape") for tensor in tensors.values() if isinstance(tensor, dict)]
    return len(tensors) <= 4 and all(isinstance(shape, list) and len(shape) <= 2 for shape in shapes)


def _header(path: Path) -> dict[str, object]:
    """The tensors by name, each with its shape; nothing where the file can't be read."""
    if not path.is_file():  # a pipe would be waited for
        return {}
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            header = json.loads(file.read(length)) if length <= HEADER_LIMIT else {}
    except (OSError, ValueError, RecursionError):
        return {}
    return {name: each for name, each in header.items() if name != "__metadata__"} if isinstance(header, dict) else {}
