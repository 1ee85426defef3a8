"""What the records of a journal may hold: it may be a stranger's. Plain data; must not import torch.

Pictures are known by their file's path in the run folder, since numbers change when a story is edited. The kinds:

| kind | what happened |
|---|---|
| planned | a drawing of the run begins, under these circumstances |
| running | a frame was begun |
| saved | its picture is on disk |
| failed, skipped | it gave no picture |
| grids | a chapter's grids are on disk |
| void | pictures that are to be drawn again, since their bases are |
| changed | other takes are wanted; follow: draw descendants too |
| chosen | an older take counts again, or the wish for a new one is given up |
| kept | pictures count though their base was drawn again |
| stale, paused, resumed, notice, ended | as the events of the same names say |

`checked` is the one way from a record to what it tells. Lists are left at their first fault: each would be an error
in memory.
"""

from dataclasses import asdict, dataclass, field
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, FailFast, Field, TypeAdapter, ValidationError

from sframes_tui.plan.change import Prompt, Seed, Strength, Take
from sframes_tui.plan.plan import MAX_FRAMES
from sframes_tui.run.record.journal import Record
from sframes_tui.run.record.stored_picture import MAX_BYTES, MAX_SIDE

TAG = r"(variant-[0-9]{1,7}/)?[^/\\\x00-\x1f\x7f-\x9f]{1,230}"
PictureFile = Annotated[str, Field(pattern=rf"^(\.sframes/pictures/)?{TAG} [0-9]{{1,7}}-[0-9]{{1,7}}\.png$")]
"""As `Layout` names them: in the normal form of `plain_folder.parts`, and no file of the program's own."""
GridFile = Annotated[str, Field(pattern=rf"^{TAG} grid-[0-9]{{1,7}}\.png$")]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Identity = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
"""Of any version, see `plan/identity.py`."""
Number = Annotated[int, Field(strict=True, ge=0, le=MAX_FRAMES)]
Count = Annotated[int, Field(strict=True, ge=-(2**31), lt=2**31)]
"""Shown to people, and nothing else."""
Bytes = Annotated[int, Field(strict=True, ge=0, le=MAX_BYTES)]
GridBytes = Annotated[int, Field(strict=True, ge=0, le=4 * MAX_SIDE**2)]
Text = Annotated[str, AfterValidator(lambda text: text[:10_000])]
"""A sentence for people; of a longer one the begin."""
Word = Annotated[str, Field(max_length=5000)]
"""A name, or what a package's version is; paths can be long."""
Seconds = Annotated[float, Field(strict=True, ge=0, le=2**36)]
"""Also since 1970."""


def _short(told: object) -> object:
    """Looked at before its parts are: of each wrong one there would be an error in memory."""
    if len(repr(told)) > 2**18:
        raise ValueError("longer than any that is written")
    return told


@dataclass(frozen=True, slots=True)
class Planned:
    """A drawing of the run begins."""

    run: Word = ""
    time: float = 0.0
    frames: Number = 0
    kept: Number = 0
    identity_version: Number = 2
    """Told from version 3 on."""
    model: Word = ""
    facts: Annotated[dict[str, Any], BeforeValidator(_short)] = field(default_factory=dict)
    """See `header.facts_of`."""
    text: Word = ""
    """The name of the run's copy of its text; empty where an earlier version drew."""
    circumstances: Annotated[dict[Word, Word], BeforeValidator(_short)] = field(default_factory=dict)

    @property
    def fields(self) -> Record:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Running:
    """A frame was begun."""

    file: PictureFile


@dataclass(frozen=True, slots=True)
class Saved:
    """A picture that was on disk, whole."""

    file: PictureFile
    """Its path in the run folder."""
    frame: Number
    variant: Number
    chapter: Number
    prompt: Number
    style: Number
    take: Take
    size: Bytes
    sha256: Sha256
    identity: Identity
    base: Sha256 | None
    """SHA-256 of the picture file that it started from."""
    base_identity: Identity | None
    seconds: Seconds

    @property
    def fields(self) -> Record:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Undrawn:
    """A frame gave no picture."""

    file: PictureFile
    reason: Text


@dataclass(frozen=True, slots=True)
class Grids:
    """A chapter's grids are on disk."""

    variant: Number
    chapter: Number
    files: Annotated[list[tuple[GridFile, GridBytes, Sha256, Sha256]], FailFast()]
    """Name, size, hash of the file and one over those of the pictures on it."""


@dataclass(frozen=True, slots=True)
class Files:
    """What holds of these pictures."""

    files: Annotated[list[PictureFile], FailFast()]


@dataclass(frozen=True, slots=True)
class Changed:
    """Other takes are wanted."""

    wishes: Annotated[list[tuple[PictureFile, Take, Seed | None, Prompt | None, Strength | None]], FailFast()]
    follow: bool


@dataclass(frozen=True, slots=True)
class Chosen:
    """An older take counts again."""

    file: PictureFile
    take: Take


@dataclass(frozen=True, slots=True)
class Kept:
    """Pictures count with these bases."""

    files: Annotated[list[tuple[PictureFile, Sha256]], FailFast()]


@dataclass(frozen=True, slots=True)
class Paused:
    """No frame is begun until it goes on."""

    reason: Text


@dataclass(frozen=True, slots=True)
class Resumed:
    """It goes on."""


@dataclass(frozen=True, slots=True)
class Said:
    """A notice to whoever looked."""

    level: Literal["info", "warning", "error"]
    text: Text


@dataclass(frozen=True, slots=True)
class Ended:
    """A drawing of the run ended."""

    how: Literal["completed", "cancelled", "failed"]
    drawn: Count = 0
    failed: Count = 0
    skipped: Count = 0
    left: Count = 0
    seconds: Seconds = 0.0
    error: Text = ""


KINDS = {
    "planned": Planned,
    "running": Running,
    "saved": Saved,
    "failed": Undrawn,
    "skipped": Undrawn,
    "grids": Grids,
    "void": Files,
    "stale": Files,
    "changed": Changed,
    "chosen": Chosen,
    "kept": Kept,
    "paused": Paused,
    "resumed": Resumed,
    "notice": Said,
    "ended": Ended,
}
_FORMS = {kind: TypeAdapter[Any](form) for kind, form in KINDS.items()}
_TIME = TypeAdapter(Seconds)


def checked(record: Record) -> Any:
    """What a record tells, as the type that `KINDS` has for it; None for the kinds of later versions.

    Raises `ValueError`, whose text says what is wrong with which field.
    """
    try:
        _TIME.validate_python(record.get("time", 0.0))
        form = _FORMS.get(record["kind"])
        return None if form is None else form.validate_python(record)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        what = "not in the form of one" if first["type"] == "string_pattern_mismatch" else first["msg"]
        raise ValueError(f"{'.'.join(map(str, first['loc'])) or 'time'}: {what}") from None
