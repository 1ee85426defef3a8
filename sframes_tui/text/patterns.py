"""Ready regexes for the usual forms of headings and prompts, offered where a user's own doesn't match."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from sframes_tui.config.timed_regex import SearchTime, Span, shown
from sframes_tui.errors import StoryError

LOOKED_AT = 4_000_000
"""Characters of a text that are searched for an offer; headings that begin later are rare."""

SAMPLE_WIDTH = 80

NUMBER_WORDS = "one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|first|second|third|last"
HEADING_WORDS = "chapter|part|book|act|scene|canto|letter|section|volume|episode|season|day|night"


@dataclass(frozen=True, slots=True)
class ReadyPattern:
    """A regex under a name that says what it looks like in a text."""

    name: str
    pattern: str


@dataclass(frozen=True, slots=True)
class Offer:
    """A ready pattern, how often it matches, and what it finds."""

    ready: ReadyPattern
    matches: int
    sample: str = ""
    """A line that it finds: untrusted, at most `SAMPLE_WIDTH` characters."""


CHAPTER_PATTERNS = (
    ReadyPattern("Chapter 1", r"(?im)^[ \t]*chapter[ \t]*\d+"),
    ReadyPattern("Chapter IV", r"(?im)^[ \t]*chapter[ \t]+[ivxlcdm]+\b"),
    ReadyPattern("Season1", r"(?im)^[ \t]*season[ \t]*\d+"),
    ReadyPattern("Gen.1", r"(?m)^(?:[1-3] ?)?[A-Z][a-z]{1,4}\.? ?\d+\b(?![:.]\d)"),
    ReadyPattern("PART ONE", rf"(?im)^[ \t]*(?:{HEADING_WORDS})[ \t]+(?:the[ \t]+)?(?:{NUMBER_WORDS})\b"),
    ReadyPattern("Part 1, Scene IV", rf"(?im)^[ \t]*(?:{HEADING_WORDS})[ \t]*(?:\d+|(?-i:[IVXLCDM]+)\b)"),
    ReadyPattern("# Markdown", r"(?m)^#{1,6}[ \t]+"),
    ReadyPattern("IV", r"(?m)^[ \t]*[IVXLCDM]+\.?(?=[ \t]*$)"),
    ReadyPattern("12", r"(?m)^[ \t]*\d+\.?(?=[ \t]*$)"),
    ReadyPattern("* * *", r"(?m)^[ \t]*(?:[*~#-][ \t]*){3,}$"),
    ReadyPattern("blank line", r"\n(?:[ \t]*\n)+"),
)
"""Each matches the beginning of a heading's line, so that the line's rest becomes the chapter's title."""

PROMPT_PATTERNS = (
    ReadyPattern("line", r"\n"),
    ReadyPattern("paragraph", r"\n(?:[ \t]*\n)+"),
    ReadyPattern("sentence", r"(?<=[.!?…][\"'”’)]*)\s+"),
    ReadyPattern("1:1 verse", r"(?m)^[ \t]*\d+:\d+[ \t]+"),
    ReadyPattern("- item", r"(?m)^[ \t]*(?:[-*•]|\d+[.)])[ \t]+"),
)


def offers(patterns: tuple[ReadyPattern, ...], text: str) -> tuple[Offer, ...]:
    """Those of `patterns` that match the text's beginning, in their own order; a slow search ends the list early."""
    return tuple(each_offer(patterns, text))


def each_offer(
    patterns: tuple[ReadyPattern, ...], text: str, unwanted: Callable[[], bool] = lambda: False
) -> Iterator[Offer]:
    """As `offers`, one by one; ends with `SearchStoppedError` once `unwanted` says that nobody waits for more."""
    beginning = text[:LOOKED_AT]
    time_left = SearchTime(len(beginning), unwanted)
    for ready in patterns:
        try:
            spans = list(time_left.spans("ready pattern", ready.pattern, beginning))
        except StoryError:
            return
        if spans:
            yield Offer(ready, len(spans), _sample(patterns, beginning, spans))


def _sample(patterns: tuple[ReadyPattern, ...], text: str, spans: Sequence[Span]) -> str:
    """The line of the first heading, or the line behind the first match, that is not blank."""
    starts = (span[0 if patterns is CHAPTER_PATTERNS else 1] for span in spans[:20])
    lines = (text[start : start + 4 * SAMPLE_WIDTH].strip().partition("\n")[0] for start in starts)
    return next((line[:SAMPLE_WIDTH] for line in lines if line), "")


def described(offered: tuple[Offer, ...], most: int = 3) -> str:
    """The first offers as the end of a message: each pattern, its name and its count."""
    return ", ".join(_described(offer) for offer in offered[:most])


def _described(offer: Offer) -> str:
    matches = "1 match" if offer.matches == 1 else f"{offer.matches:,} matches"
    return f"{shown(offer.ready.pattern)} ({offer.ready.name}, {matches})"
