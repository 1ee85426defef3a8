"""Foreign text made safe as file and folder names."""

import hashlib
import unicodedata
from collections.abc import Sequence

from pathvalidate import sanitize_filename

from sframes_tui.printable import printable

MAX_BYTES = 80
"""Of one name in UTF-8: several tags, an index and an ending still fit into a file system's 255."""


def safe_name(text: str, max_bytes: int = MAX_BYTES) -> str:
    """`text` as one part of a path on any file system.

    Spaces stay. Separators, control characters, leading dots and dashes, reserved names and what is too long go;
    where anything had to go, a hash of the text is added, so that different texts keep different names.
    """
    wanted = unicodedata.normalize("NFC", text)
    cleaned = "".join(char for char in wanted if printable(char) == char and char not in "\n\t")
    cleaned = sanitize_filename(cleaned, platform="universal", max_len=None).lstrip(".-~ ").rstrip(". ")
    if cleaned and cleaned == wanted and len(cleaned.encode()) <= max_bytes:
        return cleaned
    mark = hashlib.blake2b(text.encode(errors="surrogatepass"), digest_size=4).hexdigest()
    return f"{_cut(cleaned, max_bytes - len(mark) - 1)}-{mark}".lstrip("-")


def _cut(text: str, max_bytes: int) -> str:
    return text.encode()[:max_bytes].decode(errors="ignore").rstrip(". ")


def distinct_names(texts: Sequence[str]) -> tuple[str, ...]:
    """Safe names of which no two are equal, not even in another case: a second `tag` becomes `tag-2`."""
    safe = [safe_name(text) for text in texts]
    wanted = {_folded(name) for name in safe}
    taken: set[str] = set()
    numbers: dict[str, int] = {}
    names = []
    for name in safe:
        chosen = name
        while _folded(chosen) in taken or (chosen != name and _folded(chosen) in wanted):
            numbers[name] = numbers.get(name, 1) + 1
            chosen = f"{name}-{numbers[name]}"
        taken.add(_folded(chosen))
        names.append(chosen)
    return tuple(names)


def _folded(name: str) -> str:
    """Equal for names that a file system without letter case takes for one."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", name).casefold())
