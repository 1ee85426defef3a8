"""The rows of a story's tree as numbers: which are there, folded or filtered, and where. No text.

A *section* is a chapter of one variant; sections are numbered as the plan orders them. Nothing here takes time for
each prompt, so that a tree of any length answers at once.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import NamedTuple


class Row(NamedTuple):
    """A line of the tree: a section's own, or one of its prompts'."""

    section: int
    prompt: int | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """What a filter leaves: sections in order, and for each of them its prompts in order."""

    sections: Sequence[int]
    prompts: Sequence[Sequence[int]]

    @property
    def count(self) -> int:
        return sum(map(len, self.prompts))


class Rows:
    """The lines of a tree, counted from 0."""

    def __init__(self, shown: Found, is_open: bytes) -> None:
        """`is_open` has one byte a shown section, 0 where it is folded."""
        self._found, self._open = shown, bytearray(is_open)
        self._count_lines()

    @classmethod
    def of(cls, prompt_counts: Sequence[int], is_open: bytes | bool = False) -> "Rows":
        """All sections with all prompts; `is_open` says it of each section, or of all."""
        everything = Found(range(len(prompt_counts)), [range(count) for count in prompt_counts])
        return cls(everything, bytes([is_open]) * len(prompt_counts) if isinstance(is_open, bool) else is_open)

    @classmethod
    def filtered(cls, found: Found) -> "Rows":
        """Only what was found, all of it unfolded."""
        return cls(found, b"\1" * len(found.sections))

    def _count_lines(self) -> None:
        heights = (
            1 + len(prompts) if is_open else 1 for prompts, is_open in zip(self._found.prompts, self._open, strict=True)
        )
        self._starts = list(accumulate(heights, initial=0))

    def __len__(self) -> int:
        return self._starts[-1]

    @property
    def folds(self) -> bytes:
        """For each section that is shown, whether it is open."""
        return bytes(self._open)

    def at(self, line: int) -> Row:
        """The row on a line; `IndexError` where there is none."""
        if not 0 <= line < len(self):
            raise IndexError(line)
        place = bisect_right(self._starts, line) - 1
        inside = line - self._starts[place]
        return Row(self._found.sections[place], self._found.prompts[place][inside - 1] if inside else None)

    def line(self, row: Row) -> int | None:
        """Where a row is; None where it is folded away or filtered out."""
        place = self._place(row.section)
        if place is None or row.prompt is None:
            return None if place is None else self._starts[place]
        inside = self.prompt_place(row)
        return self._starts[place] + 1 + inside if self._open[place] and inside is not None else None

    def prompt_place(self, row: Row) -> int | None:
        """How many of its section's prompts stand before a prompt; None where it is filtered out."""
        place = self._place(row.section)
        if place is None or row.prompt is None:
            return None
        prompts = self._found.prompts[place]
        at = bisect_left(prompts, row.prompt)
        return at if at < len(prompts) and prompts[at] == row.prompt else None

    def _place(self, section: int) -> int | None:
        at = bisect_left(self._found.sections, section)
        return at if at < len(self._found.sections) and self._found.sections[at] == section else None

    def is_open(self, section: int) -> bool:
        place = self._place(section)
        return place is not None and bool(self._open[place])

    def set_open(self, section: int, is_open: bool) -> None:
        """Folds or unfolds a section; nothing happens to one that is filtered out."""
        place = self._place(section)
        if place is not None:
            self._open[place] = is_open
            self._count_lines()

    def set_all_open(self, is_open: bool) -> None:
        self._open = bytearray((b"\1" if is_open else b"\0") * len(self._open))
        self._count_lines()

    @property
    def all_open(self) -> bool:
        return 0 not in self._open
