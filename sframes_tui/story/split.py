"""Text -> chapters -> prompts; a user's regexes run under a time limit. Must not import torch or textual."""

from dataclasses import dataclass, field


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
    notes: tuple[str, ...] = field(default=())
    """What a person should know of the reading and splitting, one sentence each."""

    @property
    def prompt_count(self) -> int:
        return sum(len(chapter.prompts) for chapter in self.chapters)
