"""A configuration file that is being edited. Plain data; must not import torch or textual."""

from dataclasses import dataclass, field
from pathlib import Path

from sframes_tui.errors import ConfigError
from sframes_tui.story.config_file import LoadedConfig, load_config


@dataclass(frozen=True, slots=True)
class Document:
    """Its saved and current values."""

    path: Path
    loaded: LoadedConfig | None = None
    """The current values, if they are valid."""
    problems: dict[str, str] = field(default_factory=dict)
    """Option -> the sentence on what is wrong with it."""
    changed: frozenset[str] = frozenset()
    """Options that differ from the file."""

    @classmethod
    def open(cls, path: Path) -> "Document":
        try:
            return cls(path, load_config(path))
        except ConfigError as error:
            return cls(path, None, {"": str(error)})

    def save(self) -> "Document":
        """Writes the file."""
        return self
