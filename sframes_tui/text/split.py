"""Text -> chapters -> prompts; a user's regexes run under a time limit."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from sframes_tui.config.config import PromptConfig
from sframes_tui.config.timed_regex import SearchTime, Span, shown
from sframes_tui.errors import Note, StoryError
from sframes_tui.printable import one_line
from sframes_tui.text.patterns import CHAPTER_PATTERNS, PROMPT_PATTERNS, described, offers
from sframes_tui.text.source import SourceText

MAX_PIECES = 2_000_000
"""Chapters or prompts that are kept; more would fill the memory with what nobody draws."""
MAX_LOOKED_AT = 5_000_000
"""Pieces in all, blank ones and those beyond a cap included; each takes some microseconds."""

TITLE_WIDTH = 200
MAX_PROMPT = 10_000
"""Characters; models read some hundred words, and every picture carries its prompt."""


@dataclass(frozen=True, slots=True)
class Chapter:
    """A chapter's title and its prompts, in the order of the text."""

    title: str
    prompts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Story:
    """A text, split."""

    key: str
    chapters: tuple[Chapter, ...]
    notes: tuple[Note, ...] = field(default=())
    """What a person should know of the reading and splitting."""
    headings: int = 0
    """How often the chapter regex matched."""
    separators: int = 0
    """How often the prompt regex matched in the chapters."""

    @property
    def prompt_counts(self) -> tuple[int, ...]:
        """Of each chapter."""
        return tuple(len(chapter.prompts) for chapter in self.chapters)

    @property
    def prompt_count(self) -> int:
        return sum(self.prompt_counts)


@dataclass(frozen=True, slots=True)
class _Section:
    """A chapter that is not split yet: what its heading regex matched, or its own title, and its text."""

    title: str
    text: str
    has_heading: bool
    """The text begins with the rest of its heading."""


@dataclass(slots=True)
class _Tally:
    """What was left out on the way."""

    front_matter: str = ""
    headings: int = 0
    separators: int = 0
    blank: int = 0
    cut: int = 0
    prompts_over_cap: int = 0
    chapters_over_cap: int = 0
    capped: int = 0
    kept: int = 0
    looked_at: int = 0
    undivided: int = 0
    passed_over: int = 0
    passed_over_titles: list[str] = field(default_factory=list)
    """The first few of them."""

    def keep(self) -> None:
        """Counts what stays in memory or was looked at in vain; a `StoryError` where it is beyond all use."""
        self.kept += 1
        if self.kept > MAX_PIECES:
            raise _too_many(MAX_PIECES, "set max_chapters and max_entries_per_chapter, or ")

    def look_at(self) -> None:
        """Counts what is only looked at."""
        self.looked_at += 1
        if self.looked_at > MAX_LOOKED_AT:
            raise _too_many(MAX_LOOKED_AT)

    def pass_over(self, title: str) -> None:
        self.keep()
        self.passed_over += 1
        if len(self.passed_over_titles) < 3:
            self.passed_over_titles.append(title[:60])


def _too_many(most: int, first: str = "") -> StoryError:
    return StoryError(f"the text falls into more than {most:,} pieces; {first}use regexes that match less often")


def split_story(
    text: SourceText, config: PromptConfig, fallback_key: str, unwanted: Callable[[], bool] = lambda: False
) -> Story:
    """Splits a text as the configuration says; chapters and prompts are numbered from 0 over what is drawn.

    `fallback_key` names the story where the configuration has no `key`. Raises `StoryError` where nothing is
    left to draw, and where the regexes together take longer than the text's size allows. Ends with
    `SearchStoppedError` once `unwanted` says that nobody waits for the story.
    """
    key = config.key if config.key and config.key.strip() else fallback_key
    tally = _Tally()
    searching = SearchTime(len(text.text), unwanted)
    chapters: list[Chapter] = []
    for section in _sections(text, config, key, searching, tally):
        if config.max_chapters is not None and len(chapters) == config.max_chapters:
            tally.chapters_over_cap += 1
        elif chapter := _chapter(section, config, searching, tally):
            chapters.append(chapter)
    if not chapters:
        raise _nothing_to_draw(text.text, config, tally)
    notes = text.notes + tuple(_notes(config, tally, len(chapters)))
    return Story(key, tuple(chapters), notes, tally.headings, tally.separators)


def _sections(
    text: SourceText, config: PromptConfig, key: str, searching: SearchTime, tally: _Tally
) -> Iterator[_Section]:
    if config.chapter_split_regex is not None:
        return _by_heading(text.text, config.chapter_split_regex, searching, tally)
    if text.chapters is not None:
        return (_Section(title, body, has_heading=False) for title, body in text.chapters)
    return iter([_Section(key, text.text, has_heading=False)])


def _by_heading(text: str, pattern: str, searching: SearchTime, tally: _Tally) -> Iterator[_Section]:
    heading: Span | None = None
    for found in searching.spans("chapter_split_regex", pattern, text):
        tally.headings += 1
        if heading is None:
            tally.front_matter = text[: found[0]].strip()
        else:
            yield _Section(text[slice(*heading)], text[heading[1] : found[0]], has_heading=True)
        heading = found
    if heading is None:
        raise StoryError(f"chapter_split_regex {shown(pattern)} matches nothing in the text{_instead(text)}")
    yield _Section(text[slice(*heading)], text[heading[1] :], has_heading=True)


def _instead(text: str) -> str:
    offered = offers(CHAPTER_PATTERNS, text)
    return f"; these would match: {described(offered)}" if offered else "; leave it out to draw it as one chapter"


def pieces(text: str, pattern: str, searching: SearchTime, tally: _Tally | None = None) -> Iterator[str]:
    """What stands between the matches, as `re.split` gives it, but without capture groups."""
    start = 0
    tally = tally or _Tally()
    for found in searching.spans("prompt_split_regex", pattern, text):
        tally.separators += 1
        yield text[start : found[0]]
        start = found[1]
    yield text[start:]


def _chapter(section: _Section, config: PromptConfig, searching: SearchTime, tally: _Tally) -> Chapter | None:
    parts = pieces(section.text, config.prompt_split_regex, searching, tally)
    title = _one_line(section.title + next(parts)) if section.has_heading else section.title
    prompts = _prompts(parts, config, tally)
    if not prompts:
        tally.pass_over(title)
        return None
    tally.undivided += not section.has_heading and prompts[0] == section.text.strip()
    if config.prompt_override:
        prompts = [config.prompt_override] * len(prompts)
    return Chapter(title, tuple(prompts))


def _prompts(parts: Iterator[str], config: PromptConfig, tally: _Tally) -> list[str]:
    cap = config.max_entries_per_chapter
    prompts: list[str] = []
    over = 0
    for part in parts:
        tally.look_at()
        if not (prompt := part.strip()):
            tally.blank += 1
        elif cap is not None and len(prompts) >= cap:
            over += 1
        else:
            tally.cut += len(prompt) > MAX_PROMPT
            prompts.append(prompt[:MAX_PROMPT])
            tally.keep()
    tally.prompts_over_cap += over
    tally.capped += over > 0
    return prompts


def _one_line(title: str) -> str:
    title = " ".join(title[: 4 * TITLE_WIDTH].split())
    return title if len(title) <= TITLE_WIDTH else title[: TITLE_WIDTH - 1] + "…"


def _nothing_to_draw(text: str, config: PromptConfig, tally: _Tally) -> StoryError:
    pattern = shown(config.prompt_split_regex)
    if config.chapter_split_regex is None:
        return StoryError(f"the text has no prompts: all that stands between the matches of {pattern} is blank")
    offered = offers(PROMPT_PATTERNS, text)
    return StoryError(
        f"none of the {tally.passed_over:,} chapters has a prompt: prompt_split_regex {pattern} leaves nothing "
        f"after their headings" + (f"; these would match: {described(offered)}" if offered else "")
    )


def _notes(config: PromptConfig, tally: _Tally, drawn: int) -> Iterator[Note]:
    if tally.front_matter:
        begin = one_line(tally.front_matter[:200], 60)
        count = _counted(len(tally.front_matter), "character", "characters")
        yield Note("info", f'{count} before the first heading left out: "{begin}".')
    if tally.cut:
        yield Note("warning", f"{_counted(tally.cut, 'prompt is', 'prompts are')} cut to {MAX_PROMPT:,} characters.")
    if tally.blank:
        yield Note("info", f"{_counted(tally.blank, 'blank piece is', 'blank pieces are')} skipped.")
    if tally.passed_over:
        named = ", ".join(f'"{title}"' for title in tally.passed_over_titles)
        more = ", …" if tally.passed_over > len(tally.passed_over_titles) else ""
        counted = _counted(tally.passed_over, "chapter without prompts is", "chapters without prompts are")
        yield Note("warning", f"{counted} passed over: {named}{more}.")
    if tally.undivided and config.prompt_split_regex != "\n":
        chapters = _counted(tally.undivided, "chapter, which is", "chapters, which are")
        yield Note("warning", f"prompt_split_regex divides nothing in {chapters} drawn as one prompt.")
    if tally.chapters_over_cap:
        yield Note("warning", f"max_chapters: {drawn:,} of {drawn + tally.chapters_over_cap:,} chapters are drawn.")
    if tally.prompts_over_cap:
        left_out = _counted(tally.prompts_over_cap, "prompt is", "prompts are")
        chapters = _counted(tally.capped, "chapter", "chapters")
        yield Note("warning", f"max_entries_per_chapter: {left_out} left out in {chapters}.")


def _counted(count: int, one: str, many: str) -> str:
    return f"{count:,} {one if count == 1 else many}"
