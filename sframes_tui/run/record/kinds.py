"""What everything that is told of a run has in common: its kind in the journal, and what its fields may hold.

A journal may be a stranger's, so the types of its records bound every field, and `checked` is the one way from a record
to what it tells. Lists are left at their first fault: each would be an error in memory. The kinds themselves are in
`run/events.py`, `run/frame_events.py` and `records.py`; they enter themselves in `KINDS`.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import AfterValidator, BeforeValidator, Field, TypeAdapter, ValidationError

from sframes_tui.plan.plan import MAX_FRAMES
from sframes_tui.run.record.stored_picture import MAX_BYTES, MAX_SIDE

if TYPE_CHECKING:
    from sframes_tui.run.events import Event
    from sframes_tui.run.record.folder import Layout
    from sframes_tui.run.record.journal import Journal, Record
    from sframes_tui.run.record.replay import Retelling

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


Short = BeforeValidator(_short)

KINDS: dict[str, type["Told"]] = {}
"""Kind -> what its records tell."""


@dataclass(frozen=True, slots=True)
class Told:
    """Something that happened in a run: told to front ends, kept by the journal, or both.

    One that has a `kind` of its own is what records of that kind tell; they may have more fields than it reads.
    """

    kind: ClassVar[str] = ""

    def __init_subclass__(cls) -> None:
        if "kind" in vars(cls):
            KINDS[cls.kind] = cls

    def write(self, journal: "Journal", layout: "Layout", /) -> None:
        """Puts an event into the journal, unless whoever did it has done so already. Raises `OSError`."""

    def retold(self, _: "Retelling", /) -> Iterable["Event"]:
        """The events that front ends saw of what a record tells, laid over its run; none for what they aren't told."""
        return ()

    @property
    def fields(self) -> "Record":
        return asdict(self)


_TIME = TypeAdapter(Seconds)


@cache
def _form(kind: str) -> TypeAdapter[Any]:
    """Made where it is needed: all of them take as long as reading two thousand records."""
    return TypeAdapter(KINDS[kind])


def checked(record: "Record") -> Any:
    """What a record tells, as the type that `KINDS` has for it; None for the kinds of later versions.

    Raises `ValueError`, whose text says what is wrong with which field.
    """
    try:
        _TIME.validate_python(record.get("time", 0.0))
        kind = record["kind"]
        return _form(kind).validate_python(record) if kind in KINDS else None
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        what = "not in the form of one" if first["type"] == "string_pattern_mismatch" else first["msg"]
        raise ValueError(f"{'.'.join(map(str, first['loc'])) or 'time'}: {what}") from None
