"""Makes a VAE decode once more, in 32 bits, where its own number format spoils a picture. Must not import diffusers.

A VAE in float16 that runs out of range gives NaN, which becomes black (Stable Diffusion XL's is known for it). Latents
that are finite are not at fault: decoding them in float32 is the cure, and costs no denoising.
"""

from collections.abc import Callable
from typing import Any, Self

import torch

from sframes_tui.engine.device.memory import free_memory, is_out_of_memory
from sframes_tui.engine.pixels import NOT_FINITE, SpoiledError

REDONE = "numbers ran out of range in decoding; such pictures are decoded again in float32, which may cure them"

DARKEST = -1 + 1 / 255
"""The least decoded value that is not black once it is one of 256."""


class SoundDecoding:
    """Stands before `vae.decode` while it is entered, whoever calls it: a context manager around one drawing.

    `check()` raises `SpoiledError` if something decoded was not finite to the end; `redone` says that a second decoding
    was needed. Without a VAE, or with one that has no `decode`, it does nothing.
    """

    def __init__(self, vae: Any) -> None:
        self._vae: Any = vae
        self._decodes = callable(getattr(vae, "decode", None))
        self._finite: list[torch.Tensor] = []  # still on the device, where nobody has to wait for them
        self.redone = False

    def __enter__(self) -> Self:
        if self._decodes:
            decode = self._vae.decode
            self._vae.decode = lambda *given, **named: self._decoded(decode, *given, **named)
        return self

    def __exit__(self, *_: object) -> None:
        if self._decodes:
            del self._vae.decode

    def _decoded(self, decode: Callable[..., Any], latents: torch.Tensor, *given: Any, **named: Any) -> Any:
        result = decode(latents, *given, **named)
        if self._is_rounded() and not _is_sound(_pixels(result)) and bool(torch.isfinite(latents).all()):
            again = self._in_float32(lambda: decode(latents.float(), *given, **named))
            self.redone = self.redone or again is not None
            result = result if again is None else again
        self._finite.append(torch.isfinite(_pixels(result)).all())
        return result

    def _is_rounded(self) -> bool:
        """Float32 may do better. Weights that are offloaded piece by piece are converted as they are fetched."""
        return any(each.dtype != torch.float32 for each in self._vae.parameters())

    def _in_float32(self, decode: Callable[[], Any]) -> Any:
        """None where memory doesn't suffice for it."""
        kept = self._vae.dtype
        self._vae.to(dtype=torch.float32)
        try:
            return decode()
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
        finally:
            self._vae.to(dtype=kept)
        free_memory()
        return None

    def check(self) -> None:
        if not all(self._finite):
            raise SpoiledError(NOT_FINITE.format(where="the decoded picture"))


def _pixels(result: Any) -> torch.Tensor:
    """The tensor within what `decode` returns, in any of its forms."""
    if isinstance(result, torch.Tensor):
        return result
    decoded: torch.Tensor = result[0] if isinstance(result, tuple) else result.sample
    return decoded


def _is_sound(decoded: torch.Tensor) -> bool:
    """Finite, and no picture of it all black."""
    brightest = decoded.flatten(1).amax(1)
    return bool((torch.isfinite(decoded).all() & (brightest > DARKEST).all()).item())
