"""From latents to a picture that may be kept: decoded within the range of its numbers, finite, not all black.

What spoils a picture is looked for in one place, for pictures that a pipeline decodes and for those decoded here, so
that both fail with the same words. A VAE in float16 that runs out of range gives NaN, which becomes black (Stable
Diffusion XL's is known for it). Latents that are finite are not at fault: decoding them in float32 is the cure, and
costs no denoising.
"""

from collections.abc import Callable, Sequence
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from sframes_tui.engine.device.memory import free_memory, is_out_of_memory
from sframes_tui.engine.protocol import Blocked, Drawn, Outcome, Spoiled

NOT_FINITE = 'the model\'s numbers ran out of range (NaN or infinite) in {where}; dtype = "float32" usually helps'
ALL_BLACK = "the picture came out all black"
BLOCKED = "blocked: the model's safety checker took it for something that must not be shown"
REDONE = "numbers ran out of range in decoding; such pictures are decoded again in float32, which may cure them"

DARKEST = -1 + 1 / 255
"""The least decoded value that is not black once it is one of 256."""


class SpoiledError(Exception):
    """A picture that must not be kept; the message says why."""

    def outcome(self, frame: int) -> Spoiled:
        return Spoiled(frame, str(self), by_chance=True)


class BlockedError(SpoiledError):
    """The model's own safety checker blacked the picture out."""

    def __init__(self) -> None:
        super().__init__(BLOCKED)

    def outcome(self, frame: int) -> Spoiled:
        return Blocked(frame, str(self))


def check_flags(flags: object) -> None:
    """Raises `BlockedError` where a safety checker flagged something; None is no checker's answer."""
    if isinstance(flags, Sequence) and any(flags):
        raise BlockedError


def checked_picture(pixels: NDArray[np.float32]) -> Image.Image:
    """Floats of 0..1, height x width x 3, to the 8-bit RGB picture that diffusers' own PIL output is, bit for bit.

    Raises `SpoiledError` where a pixel is not finite (diffusers would turn it into black without a word) and where
    the whole picture is black.
    """
    if not np.isfinite(pixels).all():
        raise SpoiledError(NOT_FINITE.format(where="the decoded picture"))
    bytes_ = (pixels * 255).round().astype(np.uint8)
    if not bytes_.any():
        raise SpoiledError(ALL_BLACK)
    return Image.fromarray(bytes_).convert("RGB")


def check_latents(latents: torch.Tensor | None) -> None:
    """Raises `SpoiledError` where a latent is not finite; None passes."""
    if latents is not None and not torch.isfinite(latents).all():
        raise SpoiledError(NOT_FINITE.format(where="the latents"))


def picture_of(decoded: torch.Tensor) -> Image.Image:
    """A decoded (3, height, width) tensor -> the 8-bit picture that diffusers' own PIL output is, bit for bit.

    Made on the device, so that a quarter of the bytes come from there, all in one copy. Raises `SpoiledError`
    where a pixel is not finite and where the whole picture is black.
    """
    bytes_ = ((decoded * 0.5 + 0.5).clamp(0, 1).permute(1, 2, 0).float() * 255).round().to(torch.uint8)
    finite = torch.isfinite(decoded).all().to(torch.uint8)
    fetched = torch.cat([bytes_.flatten(), finite[None]]).cpu().numpy()
    if not fetched[-1]:
        raise SpoiledError(NOT_FINITE.format(where="the decoded picture"))
    array = fetched[:-1].reshape(bytes_.shape)
    if not array.any():
        raise SpoiledError(ALL_BLACK)
    return Image.fromarray(array)


def judged(frame: int, latents: torch.Tensor, decoded: torch.Tensor | None, blocked: bool) -> Outcome:
    """A picture, or why there is none; `decoded` is missing where `latents` were known not to be finite."""
    try:
        if blocked:
            raise BlockedError
        if decoded is None:
            check_latents(latents)
            raise AssertionError("finite latents were not decoded")
        return Drawn(frame, picture_of(decoded))
    except SpoiledError as error:
        return _where_it_began(latents, error).outcome(frame)


def _where_it_began(latents: torch.Tensor, spoiled: SpoiledError) -> SpoiledError:
    """A picture of latents that were not finite is none; that is said of the latents."""
    try:
        check_latents(latents)
    except SpoiledError as before:
        return before
    return spoiled


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
