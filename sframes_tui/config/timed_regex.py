"""A user's regexes: compiled within bounds, searched under a time limit.

Neither `re` nor `regex` is safe with a stranger's pattern: matching can take exponential time, and a short
pattern such as `(?:abc){4000000000}` fills the memory while it is compiled.
"""

import time
from collections.abc import Callable, Iterator
from functools import lru_cache
from itertools import islice
from typing import Any

import regex

from sframes_tui.errors import StoryError

MAX_COMPILED_SIZE = 500_000
"""Nodes that a pattern may unroll to; `regex` needs about a second and 300 MB for a million."""

MAX_MATCHES = 2_000_000
"""Of a pattern that searches backwards: its matches are kept to be turned round."""

BASE_SECONDS = 0.5
SECONDS_PER_CHARACTER = 1.5e-6
"""Splitting at lines takes about 2e-8 s a character; patterns that look at every character some 1e-7 s."""

Span = tuple[int, int]
"""Offsets of a match: its first character, and the one after its last."""

# Its type stubs lack the attributes `msg` and `pos`.
_RegexError: Any = regex.error


AROUND = 200
"""Characters of a pattern that are shown before and behind the place where it is wrong."""


class PatternError(ValueError):
    """A pattern that is no regular expression, and where it stops being one."""

    def __init__(self, reason: str, pattern: str, at: int) -> None:
        before, after = _visible(pattern[max(0, at - AROUND) : at]), _visible(pattern[at : at + AROUND])
        super().__init__(f"not a regular expression: {reason} at position {at}: {before}▸{after}")
        self.reason, self.at = reason, at


class SearchStoppedError(Exception):
    """Nobody wants to know any more what was searched for."""


COUNT = regex.compile(r"\{([\d\s]*+)(#?)")


@lru_cache(maxsize=32)  # a story asks for the same one in each of its chapters
def compile_pattern(pattern: str) -> "regex.Pattern[str]":
    """The compiled pattern; a `ValueError` says what is wrong with it, a `PatternError` also where."""
    if _unrolled_size(pattern) > MAX_COMPILED_SIZE:
        raise ValueError("its repeat counts multiply to too large a regular expression: use smaller counts, or * and +")
    try:
        return regex.compile(pattern)
    except _RegexError as error:
        raise PatternError(error.msg, pattern, error.pos or 0) from None
    except (RecursionError, MemoryError):
        raise ValueError("not a usable regular expression: it is nested too deeply") from None


def _unrolled_size(pattern: str) -> float:
    """An upper bound of the nodes that `{n}` repeats unroll to: as if every repeat stood inside all others.

    `(?x)` lets whitespace and comments stand inside a count; counts broken up by a comment are taken as endless.
    """
    size = float(len(pattern))
    for digits, comment in COUNT.findall(pattern):
        count = "".join(digits.split())
        if comment and count:
            return float("inf")
        size *= max(1.0, float(count or 1))
    return size


def shown(pattern: str, width: int = 80) -> str:
    """A pattern in single quotes for a message: its backslashes as they are, its control characters escaped."""
    visible = _visible(pattern)
    return f"'{visible if len(visible) <= width else visible[: width - 1] + '…'}'"


def _visible(pattern: str) -> str:
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in pattern)


class SearchTime:
    """Processor seconds of the calling thread that all searches of one text may take together.

    Not seconds on the clock: on a busy machine a sane search would seem endless. `regex` measures its own `timeout`
    in processor time of all threads, so a search that it gives up early goes on until its own thread used that up.
    One object belongs to one thread.
    """

    def __init__(self, characters: int, unwanted: Callable[[], bool] = lambda: False) -> None:
        """`unwanted` is asked at every match; once it says so, the search ends with `SearchStoppedError`."""
        self._unwanted = unwanted
        self._characters = characters
        self.seconds = BASE_SECONDS + characters * SECONDS_PER_CHARACTER
        self._deadline = time.thread_time() + self.seconds

    def spans(self, key: str, pattern: str, text: str) -> Iterator[Span]:
        """Where `pattern` matches, from left to right, without overlaps.

        Zero-length matches are found where `re.split` finds them: a separator may be empty. `key` names the
        option in the `StoryError` that is raised when the time is over.
        """
        compiled = compile_pattern(pattern)
        found = self._search(key, compiled, text)
        if not compiled.flags & regex.REVERSE:
            return found
        spans = list(islice(found, MAX_MATCHES + 1))
        if len(spans) > MAX_MATCHES:
            raise StoryError(f"{key} {shown(pattern)} matches more than {MAX_MATCHES:,} times; use one that is rarer")
        return reversed(spans)

    def _search(self, key: str, compiled: "regex.Pattern[str]", text: str) -> Iterator[Span]:
        start, end = 0, len(text)
        last: Span | None = None
        while True:
            try:
                for match in compiled.finditer(text, start, end, timeout=self._left(key, compiled.pattern)):
                    if self._unwanted():
                        raise SearchStoppedError
                    if match.span() != last:
                        last = match.span()
                        yield last
                return
            except TimeoutError:
                if last and compiled.flags & regex.REVERSE:
                    end = last[0]
                elif last:
                    start = last[1]
            except MemoryError:
                raise StoryError(f"{key} {shown(compiled.pattern)} needs too much memory; make it simpler") from None

    def _left(self, key: str, pattern: str) -> float:
        left = self._deadline - time.thread_time()
        if left > 0:
            return left
        raise StoryError(
            f"{key} {shown(pattern)} was given up after {self.seconds:.1f} s in a text of {self._characters:,} "
            "characters: it tries too many ways to match; avoid a repeat inside a repeat, such as (a+)+"
        )
