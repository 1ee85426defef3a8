"""Foreign text made harmless to show. Imports nothing of the program."""

import re

_CONTROLS = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]"
)


def printable(text: str) -> str:
    """The text with every control character, bidi control and lone surrogate replaced by a visible symbol.

    Newlines and tabs stay. C0 controls become Unicode's control pictures, everything else `<U+XXXX>`.
    """
    return _CONTROLS.sub(_symbol, text)


def one_line(text: str, width: int = 0) -> str:
    """`printable` on a single line, cut to `width` characters (0: not cut)."""
    flat = printable(re.sub(r"\s+", " ", text)).strip()
    return flat[: width - 1] + "…" if width and len(flat) > width else flat


def _symbol(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code < 0x20:
        return chr(0x2400 + code)
    return "\u2421" if code == 0x7F else f"<U+{code:04X}>"


def counted(number: int, noun: str) -> str:
    """`3 frames`, `1 frame`."""
    return f"{number} {noun}{'' if number == 1 else 's'}"
