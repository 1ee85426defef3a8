"""The style tables of a configuration file moved about as text, each with its comments. Imports nothing of the program.

A TOML library keeps the comment above a `[[style_configs]]` as the end of the table before it; people mean it for the
table below.
"""

import re
from collections.abc import Sequence
from itertools import pairwise

_STYLE = re.compile(r"\s*\[\[\s*[\"']?style_configs[\"']?\s*\]\]")
_HEADER = re.compile(r"\s*\[\[?[^\[\]=,]+\]\]?\s*(#.*)?$")
_QUOTED = re.compile(r'"""(?:\\.|[^\\])*?"""|\'\'\'.*?\'\'\'|"(?:\\.|[^"\\\n])*"|\'[^\'\n]*\'|#[^\n]*', re.DOTALL)


def with_style_blocks(text: str, origins: Sequence[int | None]) -> str:
    """`text` with its n-th style table replaced by the one that was number `origins[n]`; None is an empty new one.

    A table's block is its lines and the comment right above it. The text comes back as it is where nothing moves, or
    where its styles are not written as `[[style_configs]]` tables.
    """
    pieces, numbers = _cut(text)
    count = sum(number is not None for number in numbers)
    if list(origins) == list(range(count)) or any(origin is not None and origin >= count for origin in origins):
        return text
    blocks = [piece.rstrip() for piece, number in zip(pieces, numbers, strict=True) if number is not None]
    ordered = ["[[style_configs]]" if origin is None else blocks[origin] for origin in origins]
    return _filled(pieces, numbers, ordered)


def _filled(pieces: list[str], numbers: list[int | None], ordered: list[str]) -> str:
    """The blocks in the places of the old ones, each place with the blank lines it had; the rest behind the last."""
    places = [at for at, number in enumerate(numbers) if number is not None]
    blank = {at: pieces[at][len(pieces[at].rstrip()) :] or "\n" for at in places}
    end = blank[places[-1]] if places else ""
    filled = list(pieces)
    for number, at in enumerate(places):
        filled[at] = ordered[number] + blank[at] if number < len(ordered) else ""
    more = "\n\n".join(ordered[len(places) :])
    if more:
        last = places[-1] if places else len(filled) - 1
        before = filled[last].rstrip()
        filled[last] = f"{before}\n\n{more}{end or chr(10)}" if before else f"{more}\n"
    elif places and 0 < len(ordered) < len(places):
        filled[places[len(ordered) - 1]] = ordered[-1] + end
    return "".join(filled)


def _cut(text: str) -> tuple[list[str], list[int | None]]:
    """The text in pieces that begin at a style's block or behind it, and each piece's style number, if it is one."""
    lines = re.findall(r"[^\n]*\n|[^\n]+", text)
    bare = re.findall(r"[^\n]*\n|[^\n]+", _QUOTED.sub(_masked, text))
    starts = {
        _first_comment(bare, at): _STYLE.match(lines[at]) is not None
        for at, line in enumerate(bare)
        if _HEADER.match(line)
    }
    cuts = [0, *(at for at in sorted(starts) if at), len(lines)]
    pieces, numbers, number = [], [], 0
    for start, stop in pairwise(cuts):
        is_style = starts.get(start, False)
        pieces.append("".join(lines[start:stop]))
        numbers.append(number if is_style else None)
        number += is_style
    return pieces, numbers


def _masked(match: re.Match[str]) -> str:
    """What is quoted may look like a header or a comment."""
    return match[0] if match[0].startswith("#") else re.sub(r"[^\n]", "s", match[0])


def _first_comment(bare: list[str], header: int) -> int:
    while header and bare[header - 1].lstrip().startswith("#"):
        header -= 1
    return header
