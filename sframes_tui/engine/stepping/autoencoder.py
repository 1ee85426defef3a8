"""Pictures -> latents -> pictures by a pipeline's VAE, one by one or several at once.

Follows the arithmetic of diffusers' img2img pipelines to the bit where pictures go one by one.
"""

from collections.abc import Sequence

import torch
from PIL import Image

from sframes_tui.engine.decoding import SoundDecoding
from sframes_tui.engine.pipelines import Pipeline


def latent_dtype(dtype: torch.dtype) -> torch.dtype:
    """The number format of latents and noise for a denoiser's: at least 32 bits."""
    return torch.promote_types(dtype, torch.float32)


Normalisation = tuple[torch.Tensor, torch.Tensor]


class Autoencoder:
    """The VAE of a pipeline, with its scaling."""

    def __init__(self, pipe: Pipeline, together: bool) -> None:
        """`together`: pictures are encoded and decoded in one call where several are given."""
        self.latent_dtype = latent_dtype(pipe.unet.dtype)
        self._pipe, self._together = pipe, together
        self._device: torch.device = pipe._execution_device  # noqa: SLF001
        self._xl = hasattr(pipe, "text_encoder_2")
        self.redone = False
        """Whether a picture had to be decoded again in 32 bits."""

    @torch.no_grad()
    def encode(self, bases: Sequence[Image.Image], generators: Sequence[torch.Generator]) -> list[torch.Tensor]:
        """Latents of (1, channels, height, width) each, scaled as the UNet wants them.

        A VAE with a posterior draws one sample of it from each picture's own generator.
        """
        dtype = self._pipe.vae.dtype
        images = [self._pipe.image_processor.preprocess(base) for base in bases]
        latents = self._encoded([image.to(device=self._device, dtype=dtype) for image in images], generators)
        return [self._scaled(each.to(self.latent_dtype)) for each in latents]

    def _encoded(self, images: list[torch.Tensor], generators: Sequence[torch.Generator]) -> list[torch.Tensor]:
        vae = self._pipe.vae
        given = vae.encode(torch.cat(images)) if self._together and len(images) > 1 else None
        latents = []
        for index, generator in enumerate(generators):
            part = slice(index, index + 1) if given is not None else slice(None)
            each = given if given is not None else vae.encode(images[index])
            if hasattr(each, "latent_dist"):
                parameters = each.latent_dist.parameters[part]
                posterior = type(each.latent_dist)(parameters.to(latent_dtype(parameters.dtype)))
                latents.append(posterior.sample(generator))
            else:
                latents.append(each.latents[part])
        return latents

    def _scaled(self, latents: torch.Tensor) -> torch.Tensor:
        if (normal := self._normalisation(latents)) is not None:
            mean, deviation = normal
            return (latents - mean) * self._factor / deviation
        return self._factor * latents

    @property
    def _factor(self) -> float:
        factor: float = self._pipe.vae.config.scaling_factor
        return factor

    def _normalisation(self, latents: torch.Tensor) -> Normalisation | None:
        """Mean and deviation per channel, which some Stable Diffusion XL models' VAEs have."""
        config = self._pipe.vae.config
        given = [config.get(f"latents_{name}") for name in ("mean", "std")]
        if not self._xl or given[0] is None or given[1] is None:
            return None
        mean, deviation = (torch.tensor(each).view(1, -1, 1, 1).to(latents.device, latents.dtype) for each in given)
        return mean, deviation

    @torch.no_grad()
    def decode(self, latents: Sequence[torch.Tensor]) -> list[torch.Tensor]:
        """Decoded pictures of (3, height, width) each, about -1..1, still on the device and unchecked."""
        vae = self._pipe.vae
        dtype = vae.dtype  # asked once: diffusers looks through all of the VAE's modules for the answer
        unscaled = [self._unscaled(each).to(dtype) for each in latents]
        groups = [torch.cat(unscaled)] if self._together and len(unscaled) > 1 else unscaled
        with SoundDecoding(vae) as decoding:
            decoded = [vae.decode(group, return_dict=False)[0] for group in groups]
        self.redone = self.redone or decoding.redone
        return [picture for group in decoded for picture in self._marked(group)]

    def is_blocked(self, decoded: torch.Tensor) -> bool:
        """Whether the model's own safety checker, where it has one, flags a decoded (3, height, width) picture."""
        if getattr(self._pipe, "safety_checker", None) is None:
            return False
        _, flags = self._pipe.run_safety_checker(decoded[None], self._device, self._pipe.unet.dtype)
        return any(flags or ())

    def _marked(self, decoded: torch.Tensor) -> torch.Tensor:
        """With the invisible watermark that diffusers gives Stable Diffusion XL where a package for it is there."""
        mark = getattr(self._pipe, "watermark", None)
        return decoded if mark is None else mark.apply_watermark(decoded)

    def _unscaled(self, latents: torch.Tensor) -> torch.Tensor:
        if (normal := self._normalisation(latents)) is not None:
            mean, deviation = normal
            return latents * deviation / self._factor + mean
        return latents / self._factor
