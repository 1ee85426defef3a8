"""The newest document's story: read and split beside the screen's thread, no more of it than changed.

What a key changes is seldom the text: that, its splitting and the form that searches need are each kept by themselves.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import ValidationError

from sframes_tui.config.config import PromptConfig
from sframes_tui.config.document import UNTITLED, Document
from sframes_tui.config.timed_regex import PatternError, compile_pattern
from sframes_tui.errors import SFramesError, StoryError
from sframes_tui.plan.draft import Draft, make_draft
from sframes_tui.process.knobs import uncollected
from sframes_tui.text.source import SourceText, find_source, read_source
from sframes_tui.text.split import Story, split_story
from sframes_tui.ui.story.outline import FoldedStory, fold_case, search
from sframes_tui.ui.story.tree_rows import Found

REGEXES = ("prompt_config.chapter_split_regex", "prompt_config.prompt_split_regex")
MAX_SECTIONS = 1_000_000

Unwanted = Callable[[], bool]
"""Says whether nobody waits for a result any more; asked from the reading thread."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Why there is no story; untrusted text in all parts."""

    sentence: str
    pattern: str = ""
    """The regex that is broken, if one is."""
    at: int = 0
    """Where it breaks."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What became of a document."""

    document: Document
    story: Story | None
    problem: Problem | None = None
    query: str = ""
    found: Found | None = None
    """What `query` finds in the story."""

    @property
    def variants(self) -> int:
        wanted = self.document.value("generation_config.variants")
        most = MAX_SECTIONS // max(len(self.story.chapters), 1) if self.story else 1
        return min(wanted, max(most, 1)) if isinstance(wanted, int) and wanted > 0 else 1


@dataclass(slots=True)
class StoryReader:
    """Reads documents; keeps the last text, its last splitting and that without letter case."""

    _text: tuple[object, SourceText] | None = field(default=None, repr=False)
    _story: tuple[object, Story] | None = field(default=None, repr=False)
    _folded: tuple[Story, FoldedStory] | None = field(default=None, repr=False)

    def read(self, document: Document, query: str, unwanted: Unwanted) -> Reading:
        """The document's story and what `query` finds in it; `SearchStoppedError` once it is `unwanted`."""
        if problem := _problem(document):
            return Reading(document, None, problem)
        try:
            story = self._split(document, unwanted)
        except SFramesError as error:
            return Reading(document, None, Problem(str(error)))
        reading = Reading(document, story, query=query)
        return Reading(document, story, None, query, self.find(story, reading.variants, query, unwanted))

    def find(self, story: Story, variants: int, query: str, unwanted: Unwanted) -> Found | None:
        """What a filter leaves of a story; None for a blank query."""
        if not query.strip():
            return None
        if self._folded is None or self._folded[0] is not story:
            self._folded = (story, fold_case(story))
        return search(self._folded[1], variants, query, unwanted)

    def draft(self, reading: Reading) -> Draft:
        """The plan of a document that is valid and was read; raises `SFramesError`."""
        if reading.document.loaded is None or reading.story is None:
            raise StoryError(reading.problem.sentence if reading.problem else reading.document.problem)
        with uncollected():  # stories and plans hold no cycles
            draft = make_draft(reading.document.loaded, reading.story)
            # Worked out here and kept by the plan, so that the screen's thread doesn't have to.
            _ = draft.plan.steps, draft.plan.chapter_keys
        return draft

    def text(self, document: Document) -> SourceText:
        """The document's text, whatever its regexes; read again only if its file changed. Raises `StoryError`."""
        return self._keyed_text(document)[1]

    def _keyed_text(self, document: Document) -> tuple[object, SourceText]:
        encoding = document.value("prompt_config.encoding")
        return self._read(_text_file(document), encoding if isinstance(encoding, str) else None)

    def _read(self, path: Path, encoding: str | None) -> tuple[object, SourceText]:
        try:
            status = path.stat()
        except (OSError, ValueError) as error:
            raise StoryError(f"source {str(path)!r} can't be read: {getattr(error, 'strerror', error)}") from None
        key = (path, encoding, status.st_mtime_ns, status.st_size)
        if self._text is None or self._text[0] != key:
            self._text = (key, read_source(path, encoding))
        return self._text

    def _split(self, document: Document, unwanted: Unwanted) -> Story:
        config, path = _prompt_config(document), _text_file(document)
        text_key, text = self._keyed_text(document)
        key = (text_key, config.model_dump_json(exclude={"leave_out"}))
        if self._story is None or self._story[0] != key:
            with uncollected():
                self._story = (key, split_story(text, config, config.key or path.stem, unwanted))
        return self._story[1]


def _text_file(document: Document) -> Path:
    source = document.value("prompt_config.source")
    if not isinstance(source, str) or not source:
        raise StoryError("prompt_config.source: give the file of the story's text")
    return find_source(source, (document.path or UNTITLED).resolve().parent)


def _prompt_config(document: Document) -> PromptConfig:
    """The document's first section, which may be right where others are not."""
    try:
        values = document.current.as_values().get("prompt_config", {})
        return PromptConfig.model_validate(values)
    except ValidationError:
        raise StoryError(document.problem) from None


def _problem(document: Document) -> Problem | None:
    """What keeps the section from being read, a broken regex with its place."""
    for path in REGEXES:
        pattern = document.value(path)
        try:
            if isinstance(pattern, str):
                compile_pattern(pattern)
        except PatternError as error:
            return Problem(f"{path.partition('.')[2]}: {error.reason}", pattern, error.at)
        except ValueError as error:
            return Problem(f"{path.partition('.')[2]}: {error}")
    for path, reason in document.problems.items():
        if path.startswith("prompt_config") or not path:
            return Problem(f"{path}: {reason}" if path else reason)
    return None
