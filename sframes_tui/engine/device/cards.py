"""What NVIDIA's management library tells of a GPU, found by its UUID.

The library counts cards in another order than CUDA, and knows nothing of `CUDA_VISIBLE_DEVICES`: its numbers are of no
use. It makes no context on a card, as asking CUDA would.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

if TYPE_CHECKING:
    from types import ModuleType

Handle: TypeAlias = Any
"""A card, as the library knows it."""

Answer = TypeVar("Answer")

PREFIXES = ("GPU-", "MIG-")
"""Of the library's names for whole cards and for parts of them; CUDA leaves them away."""


def management() -> "ModuleType | None":
    """The library, begun; None where there is no driver."""
    try:
        import pynvml

        pynvml.nvmlInit()
    except (ImportError, pynvml.NVMLError):
        return None
    library: ModuleType = pynvml
    return library


def card(library: Any, uuid: str) -> Handle | None:
    """The card with a UUID as CUDA tells it, without prefix; None where the library knows none."""
    for prefix in PREFIXES:
        if (found := told(library, library.nvmlDeviceGetHandleByUUID, prefix + uuid)) is not None:
            return found
    return None


def told(library: Any, ask: Callable[..., Answer], *about: object) -> Answer | None:
    """The library's answer; None where it gives none, as of parts of a card."""
    try:
        return ask(*about)
    except library.NVMLError:
        return None


def free_bytes(uuid: str) -> int | None:
    """Of a card's memory, whoever uses the rest; None where nobody tells."""
    library = management()
    handle = card(library, uuid) if library else None
    if library is None or handle is None:
        return None
    memory = told(library, library.nvmlDeviceGetMemoryInfo, handle)
    return None if memory is None else int(memory.free)


def driver_version() -> str:
    """Empty where there is no driver."""
    library = management()
    return "" if library is None else str(told(library, library.nvmlSystemGetDriverVersion) or "")
