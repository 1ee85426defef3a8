"""One state of the edited values: sections and styles, never changed in place."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from sframes_tui.config.options import SECTIONS

STYLES = "style_configs"


@dataclass(frozen=True)
class Values:
    """The values of a configuration file at one moment of its editing."""

    sections: dict[str, Any]
    """Everything but the styles: tables by name, and whatever else the file holds."""
    styles: tuple[dict[str, Any], ...]
    origins: tuple[int | None, ...]
    """For each style the number of its table in the file; None for a new one."""

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> "Values":
        """A file's values; styles that aren't a list of tables stay what they are, for validation to tell."""
        sections, styles = dict(values), values.get(STYLES)
        if not isinstance(styles, list) or not all(isinstance(each, dict) for each in styles):
            return cls(sections, (), ())
        del sections[STYLES]
        return cls(sections, tuple(styles), tuple(range(len(styles))))

    def as_values(self) -> dict[str, Any]:
        """As TOML data, the styles in the end."""
        return self.sections | ({} if STYLES in self.sections and not self.styles else {STYLES: list(self.styles)})

    def value(self, path: str) -> Any:
        section, _, key = path.partition(".")
        if section == STYLES and key:
            at, _, key = key.partition(".")
            return self.styles[int(at)].get(key) if int(at) < len(self.styles) else None
        there = self.sections.get(section)
        return there if not key else there.get(key) if isinstance(there, dict) else None

    def with_value(self, path: str, value: Any) -> "Values":
        section, _, key = path.partition(".")
        if section == STYLES and key:
            at, _, key = key.partition(".")
            styles = [*self.styles]
            styles[int(at)] = _with(styles[int(at)], key, value)
            return replace(self, styles=tuple(styles))
        if not key:
            return replace(self, sections=_with(self.sections, section, value))
        table = self.sections.get(section)
        changed = _with(table if isinstance(table, dict) else {}, key, value)
        return replace(self, sections={**self.sections, section: changed})

    def with_style(self, at: int, values: dict[str, Any]) -> "Values":
        styles, origins = [*self.styles], [*self.origins]
        styles.insert(at, values)
        origins.insert(at, None)
        sections = {key: value for key, value in self.sections.items() if key != STYLES}
        return Values(sections, tuple(styles), tuple(origins))

    def copied_style(self, at: int) -> dict[str, Any]:
        """The style's values under a file tag that no other style has."""
        taken = {style.get("file_tag") for style in self.styles}
        tag = str(self.styles[at].get("file_tag", "style"))
        free = next(name for number in range(2, len(taken) + 3) if (name := f"{tag}-{number}") not in taken)
        return self.styles[at] | {"file_tag": free}

    def without_style(self, at: int) -> "Values":
        keep = [number for number in range(len(self.styles)) if number != at]
        return self._ordered(keep)

    def with_style_moved(self, at: int, to: int) -> "Values":
        """Style `at` at place `to`, which is brought into the list's bounds."""
        order = [number for number in range(len(self.styles)) if number != at]
        order.insert(max(to, 0), at)
        return self._ordered(order)

    def _ordered(self, order: list[int]) -> "Values":
        return replace(
            self,
            styles=tuple(self.styles[number] for number in order),
            origins=tuple(self.origins[number] for number in order),
        )

    def renumbered(self, places: Mapping[int, int]) -> "Values":
        """After the file's tables were written anew: where each old one stands now."""
        return replace(self, origins=tuple(None if at is None else places.get(at) for at in self.origins))

    def same_values(self, other: "Values") -> bool:
        """Tables without a key count as absent."""
        mine, theirs = ({k: v for k, v in each.as_values().items() if v != {}} for each in (self, other))
        return same_value(mine, theirs)

    def differences(self, saved: "Values") -> Iterator[str]:
        """Paths whose values aren't the saved ones; a style is compared with what it was, wherever it stood."""
        for section in {**saved.sections, **self.sections}:
            yield from _differing(section, self.sections.get(section), saved.sections.get(section))
        if self.origins != saved.origins:
            yield STYLES
        for at, (style, origin) in enumerate(zip(self.styles, self.origins, strict=True)):
            if origin is None or origin not in saved.origins:
                yield f"{STYLES}.{at}"
            else:
                yield from _differing(f"{STYLES}.{at}", style, saved.styles[saved.origins.index(origin)])

    def unknown(self) -> Iterator[tuple[str, Any]]:
        """Path and value of what no option is declared for."""
        for section, table in self.sections.items():
            if section not in SECTIONS:
                yield section, table
            elif isinstance(table, dict) and section != STYLES:
                known = SECTIONS[section].model_fields
                yield from ((f"{section}.{key}", value) for key, value in table.items() if key not in known)
        for at, style in enumerate(self.styles):
            known = SECTIONS[STYLES].model_fields
            yield from ((f"{STYLES}.{at}.{key}", value) for key, value in style.items() if key not in known)


def _with(table: dict[str, Any], key: str, value: Any) -> dict[str, Any]:
    if value is None:
        return {each: old for each, old in table.items() if each != key}
    return {**table, key: list(value) if isinstance(value, tuple) else value}


def _differing(path: str, mine: Any, theirs: Any) -> Iterator[str]:
    if isinstance(mine, dict) and isinstance(theirs, dict):
        for key in {**theirs, **mine}:
            if not same_value(mine.get(key), theirs.get(key)):
                yield f"{path}.{key}"
    elif not same_value(mine or None, theirs or None):
        yield path


def same_value(one: Any, other: Any) -> bool:
    """Equal as TOML values: true is not 1, 1 is 1.0, and "not a number" equals itself."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same_value(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same_value, one, other))
    if isinstance(one, bool) != isinstance(other, bool):
        return False
    return bool(one == other) or (one != one and other != other)
