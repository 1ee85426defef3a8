"""What a person gets to read of a fault: errors, and notes on what stops nothing.

Each error says in one sentence, on one line, what is wrong, where, and what to do::

    SFramesError            exit code
    ├── UsageError              2     the command line
    ├── ConfigError             2     a configuration file, or a value given with --set
    │   └── ChangedOnDiskError  2     another program changed the file that was to be saved
    ├── StoryError              2     the story's text, or how it is split
    ├── ModelError              2     the model: missing, unreadable, not what the plan needs
    ├── DiskError               1     the disk takes no more pictures
    ├── SteeringError           1     another process's run doesn't answer, or nobody draws
    │   └── NotOursError        1     what answers, or would, is no run of this user's
    ├── DeviceError             1     the GPU answers no more
    ├── InternalError           1     a fault of the program itself
    ├── TrustError              3     a configuration asks to run a program that nobody allowed
    └── FolderInUseError        4     another process draws into the run folder
"""

from dataclasses import dataclass
from typing import Literal

LONGEST = 2000
"""Characters of a sentence: what it quotes may be of any size."""


class SFramesError(Exception):
    """Anything that is reported as a sentence instead of a traceback."""

    exit_code = 2

    def __init__(self, sentence: str) -> None:
        super().__init__(_one_line(sentence))


class UsageError(SFramesError):
    """The command line makes no sense."""


class ConfigError(SFramesError):
    """A configuration file or value is not usable; `problems` holds one sentence for each fault."""

    def __init__(self, *problems: str) -> None:
        self.problems = tuple(map(_one_line, problems))
        Exception.__init__(self, "\n".join(self.problems))


class ChangedOnDiskError(ConfigError):
    """The file to be saved isn't what was read: saving would undo somebody else's edit."""


class StoryError(SFramesError):
    """The story can't be read, decoded or split."""


class ModelError(SFramesError):
    """The model can't be found, loaded or used for this plan."""


class DiskError(SFramesError):
    """A picture or grid can't be written."""

    exit_code = 1


class SteeringError(SFramesError):
    """Another process's run can't be watched or steered."""

    exit_code = 1


class NotOursError(SteeringError):
    """What answers for a run, or lies in its socket's place, is not what a run of this user's would be."""


class DeviceError(SFramesError):
    """The device that draws was lost: nothing more can be drawn by this process."""

    exit_code = 1


class InternalError(SFramesError):
    """Something went wrong that nobody foresaw."""

    exit_code = 1


class TrustError(SFramesError):
    """A configuration names programs that were not allowed to run."""

    exit_code = 3


class FolderInUseError(SFramesError):
    """The run folder belongs to a run that is still going on."""

    exit_code = 4


@dataclass(frozen=True, slots=True)
class Note:
    """A remark on the reading, splitting or planning that stops nothing; it may quote the story: untrusted text."""

    level: Literal["info", "warning"]
    text: str


def _one_line(sentence: str) -> str:
    """Begin and end of a long one: the end says what to do."""
    line = " ".join(sentence.splitlines())
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 502]} … {line[-499:]}"


def message_of(error: BaseException) -> str:
    """Somebody else's exception as one line that says something: all of its message, of at most 600 characters."""
    line = " ".join(str(error).split()) or type(error).__name__
    return line if len(line) <= 600 else line[:599] + "…"
