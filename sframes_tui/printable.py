"""Foreign text made harmless to show. Imports nothing of the program."""

import re

_BREAKS, _LINE = "\x00-\x08\x0b-\x1f\x7f-\x9f", "\t\n"
_UNSEEN = "\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff"
_CONTROLS = re.compile(f"[{_BREAKS}{_UNSEEN}\ud800-\udfff]")
_NOT_IN_A_LINE = re.compile(f"[{_BREAKS}{_LINE}{_UNSEEN}\ud800-\udfff]")
_NOT_IN_A_PATH = re.compile(f"[{_BREAKS}{_LINE}{_UNSEEN}\ud800-\udc9f\udd00-\udfff]")


def printable(text: str) -> str:
    """The text with every control character, bidi control and lone surrogate replaced by a visible symbol.

    Newlines and tabs stay. C0 controls become Unicode's control pictures, everything else `<U+XXXX>`.
    """
    return _CONTROLS.sub(_symbol, text)


def as_line(text: str) -> str:
    """`printable` with newlines and tabs replaced as well: it stays one line, and spaces stay as they are."""
    return _NOT_IN_A_LINE.sub(_symbol, text)


def as_path(text: str) -> str:
    """`as_line` that leaves bytes of a path that are no UTF-8, and no control character in another encoding either.

    They stand in it as Python has them, and `os.fsencode` makes them bytes again.
    """
    return _NOT_IN_A_PATH.sub(_symbol, text)


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
