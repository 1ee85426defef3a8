"""Which prompts of a story are left out, as the items of `leave_out` name them.

A prompt's place is (chapter, prompt), both counted from 0; places are ordered as in the text.
"""

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

Place = tuple[int, int]

LAST = 10**7
"""Stands for a chapter's last prompt; no chapter has as many."""

ITEM = re.compile(r"\s*(\d{1,7})(?:-(\d{1,7}))?(?:\.\.(\d{1,7})(?:-(\d{1,7}))?)?\s*", re.ASCII)


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A set of places, as ranges that neither touch nor overlap, first and last place of each included."""

    ranges: tuple[tuple[Place, Place], ...] = ()

    @classmethod
    def parse(cls, items: Iterable[str]) -> "LeftOut":
        """Reads items such as "3", "4-7", "3..5" and "4-7..4-12"; a `ValueError` names the one that is none."""
        return cls(tuple(_merged(sorted(_parse(item) for item in items))))

    def items(self) -> tuple[str, ...]:
        """The items that name these places."""
        return tuple(_item(*each) for each in self.ranges)

    def __contains__(self, place: Place) -> bool:
        at = bisect_right(self.ranges, (place, (LAST, LAST)))
        return at > 0 and place <= self.ranges[at - 1][1]

    def prompts(self, chapter: int, count: int) -> int:
        """How many of a chapter's `count` prompts are left out."""
        return sum(_overlap(each, chapter, count) for each in self._of_chapter(chapter))

    def toggled(self, chapter: int, prompt: int | None, count: int) -> "LeftOut":
        """With a prompt, or a whole chapter of `count` prompts, put in or left out: out unless it is wholly out."""
        first, last = ((chapter, 0), (chapter, LAST)) if prompt is None else ((chapter, prompt), (chapter, prompt))
        is_out = self.prompts(chapter, count) == count if prompt is None else first in self
        kept = tuple(_without(self.ranges, first, last)) if is_out else (*self.ranges, (first, last))
        toggled = LeftOut(tuple(_merged(sorted(kept))))
        if toggled.prompts(chapter, count) < count:
            return toggled
        # A chapter whose prompts went one by one is left out as a chapter.
        return LeftOut(tuple(_merged(sorted((*toggled.ranges, ((chapter, 0), (chapter, LAST)))))))

    def _of_chapter(self, chapter: int) -> Sequence[tuple[Place, Place]]:
        at = max(bisect_right(self.ranges, ((chapter, 0), (0, 0))) - 1, 0)
        end = bisect_right(self.ranges, ((chapter, LAST), (LAST, LAST)))
        return self.ranges[at:end]


def beyond(left_out: LeftOut, prompt_counts: Sequence[int]) -> tuple[str, ...]:
    """The items that name nothing in a story whose chapters have so many prompts."""

    def names_something(first: Place, last: Place) -> bool:
        chapters = range(first[0], min(last[0] + 1, len(prompt_counts)))
        return any(_overlap((first, last), chapter, prompt_counts[chapter]) for chapter in chapters)

    return tuple(_item(*each) for each in left_out.ranges if not names_something(*each))


def _parse(item: str) -> tuple[Place, Place]:
    if not (found := ITEM.fullmatch(item)):
        raise ValueError(
            f'{item[:40]!r} is no place in the text: write "3" for a chapter, "4-7" for a prompt, '
            '"3..5" or "4-7..4-12" for a range, counted from 0'
        )
    chapter, prompt, end_chapter, end_prompt = (None if each is None else int(each) for each in found.groups())
    first = (chapter or 0, prompt or 0)
    if end_chapter is None:
        return first, (first[0], LAST if prompt is None else prompt)
    last = (end_chapter, LAST if end_prompt is None else end_prompt)
    if last < first:
        raise ValueError(f"{item!r} ends before it begins")
    return first, last


def _item(first: Place, last: Place) -> str:
    if last[1] < LAST:
        return _place(first) if first == last else f"{_place(first)}..{_place(last)}"
    start = str(first[0]) if first[1] == 0 else _place(first)
    return start if start == str(last[0]) else f"{start}..{last[0]}"


def _place(place: Place) -> str:
    return f"{place[0]}-{place[1]}"


def _merged(ranges: Iterable[tuple[Place, Place]]) -> Iterator[tuple[Place, Place]]:
    """Sorted ranges, those that touch or overlap made one."""
    current: tuple[Place, Place] | None = None
    for first, last in ranges:
        if current is None:
            current = (first, last)
        elif first <= _next(current[1]):
            current = (current[0], max(current[1], last))
        else:
            yield current
            current = (first, last)
    if current is not None:
        yield current


def _next(place: Place) -> Place:
    return (place[0] + 1, 0) if place[1] == LAST else (place[0], place[1] + 1)


def _before(place: Place) -> Place:
    return (place[0] - 1, LAST) if place[1] == 0 else (place[0], place[1] - 1)


def _without(ranges: Iterable[tuple[Place, Place]], first: Place, last: Place) -> Iterator[tuple[Place, Place]]:
    for start, end in ranges:
        if end < first or start > last:
            yield start, end
            continue
        if start < first:
            yield start, _before(first)
        if end > last:
            yield _next(last), end


def _overlap(places: tuple[Place, Place], chapter: int, count: int) -> int:
    """How many of a chapter's `count` prompts are among the places."""
    (first_chapter, first), (last_chapter, last) = places
    if not first_chapter <= chapter <= last_chapter:
        return 0
    start = first if first_chapter == chapter else 0
    end = min(last + 1, count) if last_chapter == chapter else count
    return max(end - start, 0)
