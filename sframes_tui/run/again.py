"""One picture drawn again from the recipe in its file, and compared with it.

The file may be a stranger's: the recipe is bounded and validated, names a model by the rules of a configuration, and
no place on the disk but a file name beside the picture.
"""

import shlex
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from PIL import Image, ImageChops

from sframes_tui.config.config import GenerationConfig
from sframes_tui.engine.protocol import Drawn, Engine, FromNoise, FromPicture, Job, Look, Remark, Spoiled
from sframes_tui.engine.resolved import Resolved
from sframes_tui.errors import ModelError, UsageError
from sframes_tui.model.source import ModelSource, found_now, locate_model
from sframes_tui.plain_file import read_plain
from sframes_tui.plan.identity import model_fingerprint
from sframes_tui.run.record import png
from sframes_tui.run.record.plain_folder import is_inside
from sframes_tui.run.record.recipe import PROGRAM, Recipe, drawn_by, read_recipe
from sframes_tui.run.record.stored_picture import MAX_BYTES, decoded, read_stored

LoadModel = Callable[[GenerationConfig, ModelSource], Engine]
Say = Callable[[str], None]

TOLD_BY_NO_RECIPE = ("torch", "diffusers", "transformers")


@dataclass(frozen=True)
class Told:
    """What a picture's file tells."""

    path: Path
    data: bytes
    picture: Image.Image
    recipe: Recipe
    lacks: str | None
    """In one sentence what the recipe doesn't tell."""


@dataclass(frozen=True)
class Again:
    """A picture drawn again."""

    told: Told
    picture: Image.Image
    data: bytes
    """The PNG file."""
    recipe: Recipe
    """As it was drawn now."""

    @property
    def is_same(self) -> bool:
        """Pixel by pixel; the file may have been compressed otherwise."""
        return self.picture.size == self.told.picture.size and self.picture.tobytes() == self.told.picture.tobytes()

    def lines(self) -> Iterator[str]:
        """What came of it, for people."""
        others = "; ".join(self._others())
        if self.data == self.told.data:
            yield f"{self.told.path}: drawn again with the same bytes"
        elif self.is_same:
            why = others or "it was written by another program"
            yield f"{self.told.path}: drawn again with the same pixels, but the file has other bytes: {why}"
        else:
            here = ", ".join(f"{name} {metadata.version(name)}" for name in TOLD_BY_NO_RECIPE)
            yield f"{self.told.path}: drawn again with other pixels: {self._distance()}"
            yield f"what is known to be otherwise: {others or 'nothing'}; here it was drawn with {here}"

    def _distance(self) -> str:
        before, now = self.told.picture, self.picture
        if before.size != now.size:
            return f"{now.width} x {now.height} of them, instead of {before.width} x {before.height}"
        bands = ImageChops.difference(before, now).split()
        most = bands[0]
        for band in bands[1:]:
            most = ImageChops.lighter(most, band)
        histogram = most.histogram()
        level = max(level for level, count in enumerate(histogram) if count)
        share = 100 * (1 - histogram[0] / (now.width * now.height))
        return f"{share:.1f} % of them, by at most {level} of 255 levels"

    def _others(self) -> Iterator[str]:
        """What the two recipes tell differently; where the old one tells nothing, nothing is known."""
        before, now = _flat(self.told.recipe), _flat(self.recipe)
        if self.told.lacks:
            yield self.told.lacks
        if self.told.recipe.pixels_sha256 not in ("", png.pixel_hash(self.told.picture)):
            yield "the file's pixels were changed since it was drawn"
        if self.told.recipe.place is None and (self.told.recipe.options.rows or 1) > 1:
            yield "it was drawn beside others that its bytes depend on (deterministic = false)"
        for name, value in now.items():
            known = before.get(name, "")
            if known != value and (known or not self.told.lacks):
                yield f"{name} was {known or 'not told'}, is {value or 'not known'}"


def _flat(recipe: Recipe) -> dict[str, str]:
    """What of a recipe may be otherwise when a picture is drawn again, by the words that a person reads."""
    options = recipe.options
    return {
        "program": recipe.program,
        **{key: str(value) for key, value in options.model_dump(exclude_unset=True).items()},
        "model": recipe.fingerprint and f"{options.model} ({recipe.fingerprint})",
        "pipeline": recipe.pipeline,
        "scheduler": recipe.scheduler,
        **{f"the scheduler's {key}": str(value)[:80] for key, value in recipe.scheduler_settings.items()},
        "engine": recipe.engine,
    }


def read_told(path: Path) -> Told:
    """A picture with its recipe. Raises `UsageError` where it has none that can be used."""
    try:
        data = read_plain(path, MAX_BYTES)
        picture, texts = decoded(data, path)
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from None
    if png.KEYWORD not in texts:
        raise UsageError(f"{path}: no recipe in it: S-Frames didn't draw it, or another program wrote it anew")
    recipe, lacks = read_recipe(texts[png.KEYWORD], str(path))
    return Told(path, data, picture, recipe, lacks)


def draw_again(
    told: Told, base: Path | None, device: str | None, model: str | None, load_model: LoadModel, say: Say
) -> Again:
    """Draws a picture from its recipe; what replaces its base, device or model is given apart.

    Raises `UsageError` for a base that isn't the picture's, `ModelError` where the model can't be had.
    """
    recipe = told.recipe
    start = None if recipe.base is None else _base(told, base)
    options = recipe.options.model_copy(update={"device": device} if device else {})
    source = _source(told, model)
    say(f"{told.path}: asks for the model {options.model}" + (f"; drawn with {source.name}" if model else ""))
    engine = load_model(options, source)
    try:
        facts = engine.facts
        if start is not None and start.size != (facts.width, facts.height):
            found = f"{start.width} x {start.height}"
            raise UsageError(f"{told.path}: starts from {found} pixels; its model draws {facts.width} x {facts.height}")
        rows = min(options.rows or 1, engine.max_rows)
        engine.use_rows(rows)
        picture = _drawn(engine, recipe, start, say)
        resolved = Resolved.by(engine, options)
    finally:
        engine.close()
    fingerprint = model_fingerprint(found_now(source, options.revision))
    now = _as_drawn_now(recipe, resolved, fingerprint, picture)
    return Again(told, picture, png.encode(picture, png.picture_info(now)), now)


def _as_drawn_now(recipe: Recipe, resolved: Resolved, fingerprint: str, picture: Image.Image) -> Recipe:
    """The recipe with what became of it here; a model of the same content keeps its name."""
    known = fingerprint == recipe.fingerprint or not recipe.fingerprint
    options = {**resolved.chosen, "model": recipe.options.model if known else resolved.facts.model}
    return recipe.model_copy(
        update={
            **drawn_by(resolved.facts),
            "program": PROGRAM,
            "fingerprint": fingerprint,
            "options": recipe.options.model_copy(update=options),
            "pixels_sha256": png.pixel_hash(picture),
        }
    )


def _source(told: Told, model: str | None) -> ModelSource:
    """Where the model is: as a configuration beside the picture would find it, or as somebody says."""
    options = told.recipe.options
    if model:
        return locate_model(model, options.revision)
    try:
        source = locate_model(options.model, options.revision, told.path.absolute().parent)
    except ModelError as error:
        raise ModelError(f"{error}; say with --model where it is") from None
    if source.path is None:
        # What is downloaded is for whoever draws to say, not for whoever wrote the recipe.
        asked = f"asks for the model {options.model}, which isn't here"
        raise ModelError(f"{told.path}: {asked}; have it fetched with --model {shlex.quote(options.model)}")
    return source


def _base(told: Told, given: Path | None) -> Image.Image:
    """The picture that it started from."""
    wanted = told.recipe.base
    assert wanted is not None
    if given is None and ("/" in wanted.file or not is_inside(wanted.file)):
        raise UsageError(f"{told.path}: its recipe names a base that is no file beside it; give it with --base")
    path = given or told.path.parent / wanted.file
    try:
        picture = read_stored(path)
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}; {told.path.name} started from it: give it with --base") from None
    if png.pixel_hash(picture) != wanted.pixels_sha256:
        raise UsageError(
            f"{path}: not the picture that {told.path.name} started from; an earlier take of it, perhaps: "
            "those are in .sframes/takes, give it with --base"
        )
    return picture


def _drawn(engine: Engine, recipe: Recipe, base: Image.Image | None, say: Say) -> Image.Image:
    start = FromNoise() if base is None or recipe.strength is None else FromPicture(base, recipe.strength)
    engine.admit(Job(0, recipe.seed, Look(recipe.sent), start, recipe.place or 0))
    never = threading.Event()
    while True:
        for outcome in engine.advance(lambda _: None, never):
            match outcome:
                case Remark(text=text):
                    say(text)
                case Spoiled(reason=reason):
                    raise ModelError(f"it can't be drawn again: {reason}")
                case Drawn(picture=picture):
                    return picture
