"""The takes of every picture of a run: the one place that knows which were drawn, which counts, which is wished for.

Take 0 is drawn as the plan has it. What another one is to be says a `Change`, which the journal has before anything is
drawn; until it is drawn, that take is wished for. Whatever else speaks of a wish has it from here, for one drawing: the
survey's reason "asked", and the changes that a plan is given.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import count

from sframes_tui.plan.change import Change
from sframes_tui.run.record.journal import Journal
from sframes_tui.run.record.records import Saved


@dataclass(frozen=True, slots=True)
class Wish:
    """A take that somebody asked for and that isn't drawn yet."""

    change: Change
    follow: bool
    """Whether the frame's descendants are drawn again after it."""


@dataclass
class Takes:
    """By the pictures' files, as the journal names them."""

    drawn: dict[str, dict[int, Saved]] = field(default_factory=dict)
    counting: dict[str, int] = field(default_factory=dict)
    """Which take of a picture counts."""
    changes: dict[str, dict[int, Change]] = field(default_factory=dict)
    """What was asked of each take, drawn or not."""
    wishes: dict[str, Wish] = field(default_factory=dict)

    def saved(self, file: str) -> Saved | None:
        """The take that counts; None where none was drawn."""
        take = self.counting.get(file)
        return None if take is None else self.drawn[file][take]

    def change(self, file: str) -> Change | None:
        """What is wanted otherwise than planned: of the take that is wished for, else of the one that counts."""
        if file in self.wishes:
            return self.wishes[file].change
        return self.change_of(file, self.counting.get(file, 0))

    def change_of(self, file: str, take: int) -> Change | None:
        """What was asked of a take; None where it is as planned."""
        return self.changes.get(file, {}).get(take)

    def next_number(self, file: str) -> int:
        """The first number that no take has."""
        known = self.drawn.get(file, {}).keys() | self.changes.get(file, {}).keys()
        return next(number for number in count(1) if number not in known)

    def add(self, saved: Saved) -> None:
        """A take was drawn: it counts from now on."""
        self.drawn.setdefault(saved.file, {})[saved.take] = saved
        self.counting[saved.file] = saved.take
        self.wishes.pop(saved.file, None)

    def wish(self, file: str, change: Change, follow: bool) -> None:
        self.changes.setdefault(file, {})[change.take] = change
        self.wishes[file] = Wish(change, follow)

    def choose(self, file: str, take: int) -> bool:
        """Lets a take count again and gives up what is wished for; whether there is that take."""
        if take not in self.drawn.get(file, {}):
            return False
        self.counting[file] = take
        self.wishes.pop(file, None)
        return True

    def give_up(self, file: str) -> bool:
        """A drawing gave no picture; whether it was a take wished for, so that the one before it is left as it was."""
        return self.wishes.pop(file, None) is not None and self.saved(file) is not None


def write_wishes(journal: Journal, changes: Mapping[str, Change], follow: bool = False) -> None:
    """Writes down takes that are wanted of files, and whether what descends from them follows. Raises `OSError`."""
    journal.append_list("changed", "wishes", [[file, *change] for file, change in changes.items()], follow=follow)
