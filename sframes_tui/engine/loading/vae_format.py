"""The number format of the VAE beside a denoiser in half precision, and that it takes whatever it is given.

In a chain every picture goes through the VAE twice, so that what it rounds off adds up: it has 32 bits where they fit,
and float16 elsewhere; bfloat16, whose 8 bits are fewer than a picture's, never. Must not know of engines.
"""

from typing import Any

import torch

from sframes_tui.engine.device.devices import HALF
from sframes_tui.engine.pipelines import Pipeline, Pipelines

CHANNELS = 256
"""Of the widest tensor at a picture's full size, where a VAE's configuration doesn't tell."""
COPIES = 4
"""How many such tensors there are at once: a layer's input, its norm, its activation and its result (measured)."""


def part_formats(dtype: torch.dtype) -> torch.dtype | dict[str, torch.dtype]:
    """Which number format each part of a model is loaded in, for diffusers' `torch_dtype`."""
    return {"default": dtype, "vae": torch.float32} if dtype in HALF else dtype


def settle_vae(pipelines: Pipelines, device: torch.device, size: tuple[int, int], dtype: torch.dtype) -> str | None:
    """Gives the VAE its format, once the weights are placed; says so where it isn't float32.

    `dtype` is the denoiser's, `size` (width, height) in pixels. A VAE that became float16 stays it: its weights were
    rounded.
    """
    vae = getattr(pipelines.text, "vae", None)
    if vae is None or dtype not in HALF or not hasattr(vae, "encode"):
        return None
    accept_any_format(vae)
    if vae.dtype == torch.float32 and (free := _free_bytes(device)) is not None and not _overflows(pipelines.text):
        needed = float32_bytes(vae, size)
        if needed > free:
            vae.to(dtype=torch.float16)
    if vae.dtype != torch.float32:
        return (
            "The VAE works in float16: in float32 it wants about "
            f"{float32_bytes(vae, size) / 1e9:.1f} GB of free memory for a picture; vae_tiling = true needs less."
        )
    # Nothing is left to upcast; a pipeline that did so would turn the VAE into the denoiser's format afterwards.
    if vae.config.get("force_upcast", False):
        vae.register_to_config(force_upcast=False)
    return None


def vae_format(pipelines: Pipelines) -> str:
    """Its name, "float32"; empty where the model has no VAE."""
    vae = getattr(pipelines.text, "vae", None)
    return "" if vae is None else str(vae.dtype).removeprefix("torch.")


def float32_bytes(vae: Any, size: tuple[int, int]) -> int:
    """Roughly what decoding or encoding one picture of (width, height) pixels in float32 takes beside the weights."""
    channels = max((vae.config.get("block_out_channels") or [CHANNELS])[:2])
    tile = getattr(vae, "tile_sample_min_size", None) if getattr(vae, "use_tiling", False) else None
    width, height = (min(side, tile) if tile else side for side in size)
    return int(COPIES * channels * width * height * 4)


def _free_bytes(device: torch.device) -> int | None:
    """None where the device shares the main memory."""
    return int(torch.cuda.mem_get_info(device)[0]) if device.type == "cuda" else None


def _overflows(pipe: Pipeline) -> bool:
    """Stable Diffusion XL's VAE runs out of float16's range, says its configuration, and its pipelines heed it."""
    return bool(hasattr(type(pipe), "upcast_vae") and pipe.vae.config.get("force_upcast", False))


class AnyFormat:
    """Before a VAE's class: takes pictures and latents in any number format.

    Pictures' latents come back in the format that was asked in, as diffusers' pipelines go on with it; pictures come in
    the VAE's own.
    """

    dtype: torch.dtype

    def encode(self, pictures: torch.Tensor, *given: Any, **named: Any) -> Any:
        encoded = super().encode(pictures.to(self.dtype), *given, **named)  # type: ignore[misc]
        return encoded if pictures.dtype == self.dtype else _in_format(encoded, pictures.dtype)

    def decode(self, latents: torch.Tensor, *given: Any, **named: Any) -> Any:
        return super().decode(latents.to(self.dtype), *given, **named)  # type: ignore[misc]


def accept_any_format(vae: Any) -> None:
    """Puts `AnyFormat` before a VAE's class, as torch's parametrizations do it.

    A function kept in the object would hold on to it, and to its weights when nothing else does.
    """
    kind = type(vae)
    if not issubclass(kind, AnyFormat):
        vae.__class__ = type(kind.__name__, (AnyFormat, kind), {})


def _in_format(encoded: Any, dtype: torch.dtype) -> Any:
    """What `encode` returns, in any of its forms: tensors and posteriors, in a tuple or a dictionary or alone."""
    if isinstance(encoded, torch.Tensor):
        return encoded.to(dtype)
    if isinstance(encoded, tuple):
        return tuple(_in_format(each, dtype) for each in encoded)
    if hasattr(encoded, "parameters"):
        return type(encoded)(encoded.parameters.to(dtype))
    return type(encoded)(**{name: _in_format(part, dtype) for name, part in encoded.items()})
