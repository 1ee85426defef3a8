"""One sentence that a person should know of the reading, splitting or planning. Imports nothing of the program."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Note:
    """A remark that stops nothing; it may quote the story, so it is untrusted text."""

    level: Literal["info", "warning"]
    text: str
