"""What draws a picture again, as JSON in its PNG file: written beside every picture, read as a stranger's.

It tells what was asked of the model and all that may change the bytes, but no time, no folder, no name of the run, no
take and no version of a library: the same picture has the same recipe, wherever, whenever and however often it is
drawn.
"""

from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import from_json

from sframes_tui import __version__
from sframes_tui.config.config import GenerationConfig
from sframes_tui.config.option_types import LARGEST_SIDE, Effect, options_that
from sframes_tui.engine.protocol import Facts, Fitted
from sframes_tui.engine.resolved import Resolved
from sframes_tui.errors import UsageError, message_of
from sframes_tui.model.schedulers import SCHEDULERS
from sframes_tui.plan.identity import acting_options
from sframes_tui.plan.plan import MAX_FRAMES, Frame, Plan
from sframes_tui.printable import one_line

PROGRAM = f"S-Frames {__version__}"
MAX_LENGTH = 2**19
"""Characters of a recipe: four texts of the longest, and plenty."""
OPTIONS = frozenset(options_that(GenerationConfig, Effect.DRAWS, Effect.TOLD, Effect.LOADS))
"""What a recipe tells of a configuration, and what is taken from one."""
Index = Annotated[int, Field(ge=0, le=MAX_FRAMES)]
Pixels = Annotated[int, Field(ge=1, le=LARGEST_SIDE)]
Seed = Annotated[int, Field(ge=0, lt=2**32)]
Hash = Annotated[str, Field(pattern="^([0-9a-f]{64})?$")]
"""SHA-256 of pixels; empty where nobody knows."""
LACKING_IN_1 = ("guidance_start", "guidance_end", "on_overflow", "rows", "vae_tiling", "the model's content")


def _options_of_recipes(options: GenerationConfig) -> GenerationConfig:
    if strange := options.model_fields_set - OPTIONS:
        raise ValueError(f"{', '.join(sorted(strange))} draws nothing")
    return options


class Strict(BaseModel):
    """Nothing unknown, nothing converted: what is read may come from anywhere."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Base(Strict):
    """The picture that it started from."""

    file: str
    """Its name, without a folder."""
    pixels_sha256: Hash


class Recipe(Strict):
    """All that draws a picture again, and where in the story it stands."""

    format: Literal[2] = 2
    program: str
    story: str
    variant: Index
    chapter: Index
    prompt_index: Index
    style_index: Index
    prompt: str
    style: str
    file_tag: str
    sent: str
    """Prompt and style as they were handed to the model."""
    run_seed: Seed
    seed: Seed
    strength: Annotated[float, Field(ge=0, le=1)] | None
    """Of img2img; None where it started from noise."""
    real_steps: Index
    base: Base | None
    fingerprint: str
    """The model's content, by `model_fingerprint`; empty where nobody knows."""
    pipeline: str
    scheduler: str
    """The one in use."""
    scheduler_settings: dict[str, Any]
    engine: str
    """"batched", "grouped" or "reference"."""
    place: Annotated[int, Field(ge=0, lt=64)] | None
    """Which row of a call the picture had; None where that depends on what else was drawn."""
    width: Pixels
    height: Pixels
    options: Annotated[GenerationConfig, AfterValidator(_options_of_recipes)]
    """Those that draw, or may change bytes, as they acted: what had no effect is left out."""
    pixels_sha256: Hash
    """The picture's own."""

    @model_validator(mode="after")
    def _has_both_or_none(self) -> Self:
        if (self.base is None) != (self.strength is None):
            raise ValueError("a base and a strength go together")
        return self

    @property
    def as_json(self) -> dict[str, Any]:
        return self.model_dump(mode="json") | {"options": self.options.model_dump(mode="json", exclude_unset=True)}


def make_recipe(
    plan: Plan,
    frame: Frame,
    fitted: Fitted,
    resolved: Resolved,
    *,
    fingerprint: str,
    place: int | None,
    base_pixels: str | None,
    pixels: str,
    attempt: int = 0,
) -> Recipe:
    """The recipe of a frame's picture; `place` is which row of a call it had, hashes are `pixel_hash`es."""
    return Recipe(
        program=PROGRAM,
        story=plan.story.key,
        variant=frame.variant,
        chapter=frame.chapter,
        prompt_index=frame.prompt,
        style_index=frame.style,
        prompt=plan.prompt(frame),
        style=plan.style_text(frame),
        file_tag=plan.tags[frame.style],
        sent=fitted.text,
        run_seed=plan.seed,
        seed=plan.frame_seed(frame, attempt),
        strength=frame.strength,
        real_steps=frame.steps,
        base=_base(plan, frame, base_pixels),
        place=place,
        options=GenerationConfig.model_validate(_acted(resolved, overflows=bool(fitted.lost))),
        fingerprint=fingerprint,
        pixels_sha256=pixels,
        **drawn_by(resolved.facts),
    )


def _base(plan: Plan, frame: Frame, pixels: str | None) -> Base | None:
    return None if frame.base is None else Base(file=f"{plan.base_name(frame)}.png", pixels_sha256=pixels or "")


def drawn_by(facts: Facts) -> dict[str, Any]:
    """The fields that tell what a loaded model turned out to be."""
    return {
        "pipeline": facts.pipeline,
        "scheduler": facts.sampling.scheduler,
        "scheduler_settings": dict(facts.scheduler_settings),
        "engine": facts.engine,
        "width": facts.width,
        "height": facts.height,
    }


def _acted(resolved: Resolved, overflows: bool) -> dict[str, Any]:
    """The options as they acted: what was picked for those that leave a choice, and nothing without effect."""
    drawn = acting_options(resolved.asked, resolved.facts.sampling)
    acting = {**drawn, **resolved.told, **resolved.loaded, **resolved.chosen}
    if not overflows:
        acting["on_overflow"] = None
    return {key: value for key, value in acting.items() if value is not None}


def read_recipe(text: str, name: str) -> tuple[Recipe, str | None]:
    """The recipe that a stranger's file tells, and in one sentence what it lacks.

    Raises `UsageError` that begins with `name` for what is no recipe.
    """
    if len(text) > MAX_LENGTH:
        raise UsageError(f"{name}: its recipe is longer than any that S-Frames writes")
    try:
        content = from_json(text, allow_inf_nan=False)
        known = content.get("format")
        if known == 1:
            lacking = ", ".join(LACKING_IN_1)
            said = f"its recipe is of an earlier form and doesn't tell {lacking}: taken as if nobody had set them"
            return Recipe.model_validate(_from_1(content)), said
        if known != 2:
            raise ValueError("it is of a form that this version of S-Frames doesn't know")
        return Recipe.model_validate(content), None
    except ValidationError as error:
        first = error.errors()[0]
        where = one_line(".".join(map(str, first["loc"])), 200)
        raise UsageError(f"{name}: its recipe can't be used: {where}: {first['msg']}") from None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise UsageError(f"{name}: its recipe can't be used: {message_of(error)}") from None


def _from_1(content: dict[str, Any]) -> dict[str, Any]:
    """A recipe of the first form in the terms of this one."""
    same = {key: content[key] for key in content.keys() & Recipe.model_fields.keys() - {"format"}}
    told = {key: content[key] for key in content.keys() & OPTIONS} | {"variant": content["weights_variant"]}
    told |= {"engine": "reference" if content["engine"] == "reference" else "auto"}
    if told["scheduler"] not in SCHEDULERS:
        told["scheduler"] = None
    options = {key: value for key, value in told.items() if value is not None}
    unknown: dict[str, Any] = {"place": None, "fingerprint": "", "pixels_sha256": ""}
    return unknown | {"scheduler_settings": {}} | same | {"options": options}
