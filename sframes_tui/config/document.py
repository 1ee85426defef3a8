"""The configuration that is being edited: its values, what is wrong with them, what isn't saved, undo. Immutable.

Every change makes a new `Document`. Values are those of the file, so they may be wrong or of the wrong type.
"""

import tomllib
from copy import deepcopy
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from sframes_tui.config.config import Config
from sframes_tui.config.faults import fault_reasons
from sframes_tui.config.file import LoadedConfig, Override, put_override, read_config_text, write_config
from sframes_tui.config.parse import salvaged
from sframes_tui.config.values import Values
from sframes_tui.errors import ConfigError, Note

MAX_UNDO = 500
MAX_PROBLEMS = 200
UNTITLED = Path("untitled.toml")
EXAMPLE = Path(__file__).resolve().parent.parent.parent / "configs" / "lighthouse.toml"
EMPTY = """[prompt_config]

[generation_config]
model = "builtin:picturebook"

[[style_configs]]
style = "watercolor painting, soft"
file_tag = "watercolor"
weight = 0.8
"""


@dataclass(frozen=True)
class Document:
    """A configuration in the hands of its editor."""

    path: Path | None
    """Where it is saved; None while it has no name."""
    text: str
    """The TOML text that saving puts the values into."""
    on_disk: str | None
    """What the file held when it was read or saved; None for a file that isn't there yet."""
    saved: Values
    current: Values
    fault: str = ""
    """One sentence on what of the file is no TOML."""
    notes: tuple[Note, ...] = ()
    earlier: tuple[Values, ...] = field(default=(), repr=False)
    later: tuple[Values, ...] = field(default=(), repr=False)
    typing: str = ""
    """The option whose typing goes on: it is undone as one change."""

    @classmethod
    def open(cls, path: Path, overrides: tuple[Override, ...] = ()) -> "Document":
        """The file's document, as far as it can be read; `ConfigError` if there is no readable file of text.

        `overrides` are changes of it that aren't saved; `ConfigError` too where one of them has no place.
        """
        on_disk = read_config_text(path)
        text, values, notes, fault = salvaged(on_disk.replace("\r\n", "\n"), path)
        saved = Values.of(values)
        changed = deepcopy(values)
        for dotted, value in overrides:
            put_override(changed, dotted, value)
        return cls(path, text, on_disk, saved, Values.of(changed), fault, notes)

    @classmethod
    def starting(cls, example: Path = EXAMPLE) -> "Document":
        """A document without a name to begin with: the example's values, or little more than a style without it."""
        try:
            document = cls.open(example)
        except ConfigError:
            values = Values.of(tomllib.loads(EMPTY))
            return cls(None, EMPTY, None, values, values)
        values = document.for_folder(Path.cwd()).current
        return replace(document, path=None, on_disk=None, saved=values, current=values)

    @property
    def title(self) -> str:
        return self.path.name if self.path else "untitled"

    def value(self, path: str) -> Any:
        """The value at a path such as `generation_config.eta` or `style_configs.0.weight`; None if absent."""
        return self.current.value(path)

    @property
    def styles(self) -> tuple[dict[str, Any], ...]:
        return self.current.styles

    # What is wrong, and what isn't saved.

    @cached_property
    def _validated(self) -> tuple[Config | None, dict[str, str]]:
        try:
            return Config.model_validate(self.current.as_values()), {}
        except ValidationError as error:
            return None, fault_reasons(error, MAX_PROBLEMS)

    @cached_property
    def problems(self) -> dict[str, str]:
        """By option path, what is wrong with it; the path is empty for what is no TOML."""
        return ({"": self.fault} if self.fault else {}) | self._validated[1]

    @property
    def problem(self) -> str:
        """The first of the problems as a sentence that says where; empty if there is none."""
        path, reason = next(iter(self.problems.items()), ("", ""))
        return f"{path}: {reason}" if path else reason

    @property
    def loaded(self) -> LoadedConfig | None:
        """The valid configuration to plan and draw from; None while there are problems."""
        config = self._validated[0]
        return None if self.fault or config is None else LoadedConfig(config, self.path or UNTITLED, self.notes)

    @cached_property
    def changed(self) -> frozenset[str]:
        """Paths of what differs from the saved file; `style_configs` where styles were added, removed or moved."""
        return frozenset(self.current.differences(self.saved))

    @property
    def unsaved(self) -> bool:
        return bool(self.changed)

    @property
    def unknown(self) -> dict[str, Any]:
        """Keys of the file that are no options, by path."""
        return dict(self.current.unknown())

    # Changes, each of which can be undone.

    def with_value(self, path: str, value: Any, *, typing: bool = False) -> "Document":
        """With another value at `path`; None takes it out of the file. Typing on in one option is one change."""
        changed = self.current.with_value(path, value)
        if changed == self.current:
            return self
        if typing and path == self.typing:
            return replace(self, current=changed, later=())
        return self._with(changed, path if typing else "")

    def with_style(self, at: int, values: dict[str, Any] | None = None) -> "Document":
        """With a new style at place `at`."""
        return self._with(self.current.with_style(at, values or {"style": "", "file_tag": "new", "weight": 0.8}))

    def with_style_copied(self, at: int) -> "Document":
        """With style `at` a second time, behind it and under a file tag of its own."""
        return self.with_style(at + 1, self.current.copied_style(at))

    def without_style(self, at: int) -> "Document":
        return self._with(self.current.without_style(at))

    def with_style_moved(self, at: int, to: int) -> "Document":
        return self._with(self.current.with_style_moved(at, to))

    def reverted(self) -> "Document":
        """With the saved values; this too can be undone."""
        return self._with(self.saved)

    def settled(self) -> "Document":
        """Typing came to an end: what is typed next is another change."""
        return replace(self, typing="") if self.typing else self

    def undone(self) -> "Document":
        if not self.earlier:
            return self
        *earlier, current = self.earlier
        return replace(self, current=current, earlier=tuple(earlier), later=(*self.later, self.current), typing="")

    def redone(self) -> "Document":
        if not self.later:
            return self
        *later, current = self.later
        return replace(self, current=current, earlier=(*self.earlier, self.current), later=tuple(later), typing="")

    def _with(self, values: Values, typing: str = "") -> "Document":
        if values == self.current:
            return self
        earlier = (*self.earlier, self.current)[-MAX_UNDO:]
        return replace(self, current=values, earlier=earlier, later=(), typing=typing)

    # Saving.

    def save(self, *, overwrite: bool = False) -> "Document":
        """The document as saved; the file's comments stay, values that are wrong are saved too.

        Raises `ChangedOnDiskError` if the file isn't what was read, unless it is
        to be overwritten, and `ConfigError` if there is no path or it can't be written.
        """
        if self.path is None:
            raise ConfigError("this configuration has no name yet: save it under one first")
        text = self._new_text()
        write_config(self.path, text, self.on_disk, overwrite)
        # The tables of the new text are today's styles in order, also for the values to come back to.
        places = {origin: at for at, origin in enumerate(self.current.origins) if origin is not None}
        current = replace(self.current, origins=tuple(range(len(self.styles))))
        return replace(
            self,
            text=text,
            on_disk=text,
            fault="",
            saved=current,
            current=current,
            earlier=tuple(each.renumbered(places) for each in self.earlier),
            later=tuple(each.renumbered(places) for each in self.later),
            typing="",
        )

    def save_as(self, path: Path, *, overwrite: bool = False) -> "Document":
        """As `save`, under another name. A relative path among the values goes on meaning the same file."""
        same = self.path is not None and path.absolute() == self.path.absolute()
        moved = self.for_folder(path.absolute().parent)
        return replace(moved, path=path, on_disk=self.on_disk if same else None).save(overwrite=overwrite)

    def _new_text(self) -> str:
        """Raises `ConfigError` rather than give a text that would be read as anything else than the values."""
        # Loaded only now: the first screen doesn't wait for the library that writes TOML.
        from sframes_tui.config.edit import updated_text

        values = self.current.as_values()
        for origins in (self.current.origins, None):
            try:
                text = updated_text(self.text, values, origins)
            except ConfigError:
                continue
            _, read, _, fault = salvaged(text, self.path or UNTITLED)
            if not fault and Values.of(read).same_values(self.current):
                return text
        raise ConfigError(
            "these values can't be written without changing others: undo the last one, or edit the file itself"
        )

    def for_folder(self, folder: Path) -> "Document":
        """With paths that are relative to this document's folder made to fit another one."""
        document = self
        home = (self.path or UNTITLED).absolute().parent
        for path in ("prompt_config.source", "generation_config.model"):
            value = self.value(path)
            if isinstance(value, str) and value and not Path(value).is_absolute():
                document = document.with_value(path, _fitting(value, home, folder))
        return document


def _fitting(value: str, home: Path, folder: Path) -> str:
    try:
        there = home / value
        if home == folder or not there.exists():
            return value
        return str(there.relative_to(folder)) if there.is_relative_to(folder) else str(there)
    except (OSError, ValueError):
        return value
