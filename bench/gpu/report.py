"""What a bench of sections found: written down after every row, so that a run that is cut off keeps its figures."""

import gc
import json
import signal
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from sframes_tui.errors import message_of

Row = Mapping[str, Any]
"""Column -> a number, a text, or None where there is nothing to tell."""


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the bench."""

    name: str
    title: str
    seconds: float
    """What it takes on an H200, roughly: it isn't begun with less time left."""
    rows: Callable[[], Iterator[Row]]
    cuda: bool = False
    """Has no meaning on the CPU, or takes many minutes there."""


@dataclass(slots=True)
class Result:
    """What a section found."""

    title: str
    state: str = "begun"
    seconds: float = 0.0
    rows: list[Row] = field(default_factory=list)


class OutOfTimeError(BaseException):
    """Raised in the middle of a section when the whole time is used up; no `except Exception` is to keep it."""


class Report:
    """Runs sections within a time, and writes `gpu.json` and `gpu.md` into a folder."""

    def __init__(self, folder: Path, seconds: float, facts: Row) -> None:
        self._folder, self._facts = folder, facts
        self._deadline = time.monotonic() + seconds
        self._results: dict[str, Result] = {}
        folder.mkdir(parents=True, exist_ok=True)

    def run(self, section: Section) -> None:
        result = self._results[section.name] = Result(section.title)
        begun = time.monotonic()
        left = self._deadline - begun
        if left < section.seconds:
            result.state = "left out: time"
        else:
            result.state = self._fill(result, section, left)
        result.seconds = round(time.monotonic() - begun, 1)
        self.write()
        print(f"{section.name}: {result.state}, {result.seconds:.0f} s", flush=True)
        gc.collect()

    def _fill(self, result: Result, section: Section, left: float) -> str:
        """Takes the rows of a section; returns what became of it."""
        handler = signal.signal(signal.SIGALRM, _stop)
        timer = signal.setitimer(signal.ITIMER_REAL, left)
        try:
            for row in section.rows():
                result.rows.append(row)
                self.write()
        except OutOfTimeError:
            return "cut off: time"
        except Exception as error:  # the other sections may still work
            return f"failed: {type(error).__name__}: {message_of(error)}"
        finally:
            signal.setitimer(signal.ITIMER_REAL, *timer)
            signal.signal(signal.SIGALRM, handler)
        return "done"

    def add(self, name: str, title: str, rows: Iterable[Row]) -> None:
        """A section that takes no time."""
        self._results[name] = Result(title, "done", rows=list(rows))
        self.write()

    def rows(self, name: str) -> list[Row]:
        """Those of a section that was run, for others to reckon with."""
        return self._results[name].rows if name in self._results else []

    def write(self) -> None:
        sections = {name: asdict(result) for name, result in self._results.items()}
        content = json.dumps({"facts": self._facts, "sections": sections}, indent=1)
        (self._folder / "gpu.json").write_text(content, encoding="utf-8")
        (self._folder / "gpu.md").write_text(self.markdown(), encoding="utf-8")

    def markdown(self) -> str:
        facts = ", ".join(f"{name} {_shown(value)}" for name, value in self._facts.items())
        return "\n\n".join([f"`python -m bench gpu`: {facts}.", *map(_table, self._results.values())]) + "\n"


def _stop(*_: object) -> None:
    raise OutOfTimeError


def _table(result: Result) -> str:
    title = f"### {result.title}" + ("" if result.state == "done" else f" ({result.state})")
    columns = list(dict.fromkeys(name for row in result.rows for name in row))
    lines = [columns, ["---"] * len(columns), *([_shown(row.get(name)) for name in columns] for row in result.rows)]
    return "\n".join([title, "", *(f"| {' | '.join(cells)} |" for cells in lines)]) if columns else title


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "**no**"
    return "" if value is None else f"{value:.3g}" if isinstance(value, float) and abs(value) < 1000 else str(value)
