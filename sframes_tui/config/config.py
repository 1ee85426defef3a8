"""Every option, declared once: its key, type, bounds, default and help.

The docstring under a field is its help: the form, `--help`, the README's tables and the comments of the
files in `configs/` all show that text. What it does to pictures is marked beside its type, see `option_types.py`.
"""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import InitErrorDetails

from sframes_tui.config.option_types import (
    DEFAULT_MODEL,
    Command,
    Count,
    Device,
    Draws,
    Encoding,
    Entered,
    Harmless,
    Loads,
    LongText,
    Model,
    Pattern,
    Pixels,
    PlaceInText,
    Plans,
    Seed,
    Target,
    Text,
    Told,
    Viewer,
)
from sframes_tui.model.samplers import canonical_scheduler, understood
from sframes_tui.model.schedulers import SCHEDULERS, Sigmas, takes_sigmas


class Section(BaseModel):
    """A table of the configuration file: unknown keys are errors, values are never converted between types."""

    model_config = ConfigDict(
        extra="forbid", strict=True, frozen=True, allow_inf_nan=False, use_attribute_docstrings=True
    )


def _fault(key: str, value: object, reason: str) -> ValidationError:
    """What is wrong with one option of a section, seen beside the others."""
    error = InitErrorDetails(type="value_error", loc=(key,), input=value, ctx={"error": ValueError(reason)})
    return ValidationError.from_exception_data("section", [error])


class PromptConfig(Section):
    """What is drawn: the text and how it is split."""

    source: Plans[Annotated[str, Field(min_length=1, max_length=4096), Entered("path")]]
    """The text to draw: a plain text file or an EPUB. A relative path is looked up beside this file, then in the
    working directory."""

    key: Harmless[Text | None] = None
    """The story's name, used for the output folder; without it, the name of the source file."""

    encoding: Plans[Encoding | None] = None
    """The text's encoding, such as "cp1252"; without it UTF-8, and if the text isn't that, what it looks like."""

    chapter_split_regex: Plans[Pattern | None] = None
    """Matches the headings that begin a chapter; what stands before the first one is left out. Without it the
    whole text is one chapter."""

    prompt_split_regex: Plans[Pattern] = "\n"
    """Matches what stands between two prompts of a chapter."""

    prompt_override: Plans[LongText | None] = None
    """Drawn in place of every prompt; the text still gives their number."""

    max_chapters: Plans[Count | None] = None
    """Draw at most so many chapters."""

    max_entries_per_chapter: Plans[Count | None] = None
    """Draw at most so many prompts of each chapter."""

    leave_out: Plans[Annotated[list[PlaceInText], Field(max_length=10_000)]] = []
    """Don't draw these: "3" is a chapter, "4-7" a prompt of chapter 4, "3..5" and "4-7..4-12" are ranges, all counted
    from 0. The other pictures keep their names and seeds; chains go on from the last picture before the gap."""


class GenerationConfig(Section):
    """How it is drawn."""

    model: Loads[Model] = DEFAULT_MODEL
    """A Hugging Face hub id, a diffusers folder, a single .safetensors checkpoint, or "builtin:picturebook", which
    needs no download."""

    revision: Loads[Annotated[str, Field(min_length=1, max_length=200)] | None] = None
    """Branch, tag or commit of a hub model."""

    variant: Loads[Annotated[str, Field(min_length=1, max_length=40)] | None] = None
    """Variant of the model's weight files, such as "fp16"."""

    scheduler: Draws[Annotated[str, AfterValidator(canonical_scheduler), Entered("text", SCHEDULERS)] | None] = None
    """A diffusers scheduler such as "DDIM" or "DPMSolverMultistep"; without it the model's own. Other programs' names,
    such as "Euler a" or "DPM++ 2M Karras", are understood."""

    sigmas: Draws[Sigmas | None] = None
    """How the scheduler spaces its noise levels; without it, in its own way. "beta" needs scipy."""

    num_inference_steps: Draws[Annotated[int, Field(ge=1, le=1000)]] = 50
    """Denoising steps of a picture that starts from noise."""

    guidance_scale: Draws[Annotated[float, Field(ge=0, le=100)]] = 7.5
    """How strongly a picture follows its prompt."""

    guidance_rescale: Draws[Annotated[float, Field(ge=0, le=1)]] = 0.0
    """Takes back the over-exposure of high guidance, where the pipeline can; 0 is off."""

    guidance_start: Draws[Annotated[float, Field(ge=0, le=1)]] = 0.0
    """Part of the schedule that runs before guidance sets in. Steps without guidance take half the time where pictures
    are drawn one by one, or `deterministic` is false."""

    guidance_end: Draws[Annotated[float, Field(ge=0, le=1)]] = 1.0
    """Part of the schedule after which guidance ends."""

    eta: Draws[Annotated[float, Field(ge=0, le=1)]] = 0.1
    """Noise added at each step; only the schedulers DDIM and TCD use it."""

    negative_prompt: Draws[LongText | None] = None
    """What the pictures should not show."""

    width: Draws[Pixels | None] = None
    """Picture width in pixels; without it the model's own."""

    height: Draws[Pixels | None] = None
    """Picture height in pixels; without it the model's own."""

    seed: Plans[Seed | None] = None
    """Number that all of the run's noise comes from; without it one is drawn and recorded."""

    variants: Plans[Annotated[int, Field(ge=1, le=1000)]] = 1
    """How many times the whole story is drawn, each with noise of its own and in a folder of its own."""

    progressive: Plans[bool] = True
    """Each picture starts from the one before it (img2img) instead of from noise."""

    interleave: Plans[bool] = True
    """After each prompt every style goes on from the next style's picture. Needs `progressive`."""

    cycle_styles: Plans[bool] = False
    """After each prompt the style texts move on by one; file tags and weights stay. Needs `progressive`."""

    chain_scope: Plans[Literal["run", "chapter"]] = "run"
    """Whether the pictures of a chapter go on from the chapter before, or every chapter starts anew."""

    on_failed_base: Plans[Literal["stop", "last_good", "restart"]] = "stop"
    """Where a picture failed that others were to start from: leave those out, start from the last good picture
    before it, or start anew from noise."""

    retry_bad: Harmless[Annotated[int, Field(ge=0, le=100)]] = 0
    """How many other seeds a picture gets that came out black or broken, before it counts as failed."""

    on_overflow: Draws[Literal["shorten", "truncate", "error"]] = "shorten"
    """A prompt longer than the model can read: shorten it so that the style stays, cut off its end, or refuse to
    start."""

    save_individual: Harmless[bool] = True
    """Keep every picture; otherwise only the grids stay."""

    grid_scope: Harmless[Literal["chapter", "run"]] = "chapter"
    """A chapter's grid shows its own pictures, or all pictures of the run so far."""

    preview: Harmless[bool | Viewer | None] = None
    """Show pictures while they are drawn: false or "off", true or "terminal", or the command of an external
    viewer, which must be trusted first."""

    preview_protocol: Harmless[Literal["auto", "sixel", "kitty", "halfcell", "unicode", "off"]] = "auto"
    """How the terminal shows pictures."""

    preview_stop: Harmless[Command | None] = None
    """Command that closes the external viewers, run each time `preview_max_windows` prompts were shown. Must be
    trusted first."""

    preview_max_windows: Harmless[Annotated[int, Field(ge=1, le=1000)]] = 10
    """How many viewer windows may be open before `preview_stop` runs."""

    notify: Harmless[Target | None] = None
    """Who is told how the run ended: a web address, which gets one POST of JSON and in which {text}, {event}, {story}
    and {folder} are filled in, or the command of a program, which gets the sentence as its last argument. Must be
    trusted first."""

    engine: Told[Literal["auto", "reference"]] = "auto"
    """Which engine draws: "auto" takes several pictures at once where the model allows, "reference" one by one."""

    rows: Told[Annotated[int, Field(ge=1, le=64)] | None] = None
    """How many pictures are drawn at once; without it what is fastest on this machine, measured once and remembered."""

    deterministic: Told[bool] = True
    """The same bytes for a picture whatever else is drawn with it, in whatever order and however often the run is
    interrupted; false draws faster where many pictures are drawn at once."""

    compile: Told[bool] = False
    """Compile the model for this machine first: minutes at the start, then every step is faster."""

    device: Told[Device] = "auto"
    """Where the model runs: "auto", "cuda", "cuda:1", "mps" or "cpu"."""

    dtype: Draws[Literal["auto", "float32", "float16", "bfloat16"]] = "auto"
    """Number format of the model; "auto" takes what suits the device. Another value draws every picture anew; where
    another device's "auto" is another format, the pictures stay and resume says so."""

    offload: Told[Literal["none", "model", "sequential"]] = "none"
    """Keep the parts of the model that are not at work in main memory: saves GPU memory, costs time."""

    free_on_pause: Harmless[bool] = False
    """While a run is paused, its model waits in main memory and gives the GPU's memory to others."""

    vae_slicing: Told[bool] = False
    """Decode pictures one by one: saves GPU memory."""

    vae_tiling: Draws[bool] = False
    """Decode pictures tile by tile: saves GPU memory with large pictures."""

    @property
    def shape(self) -> tuple[int, int]:
        """A picture's width to its height, as far as they are asked for: a side that isn't is taken for the other."""
        return self.width or self.height or 1, self.height or self.width or 1

    @model_validator(mode="before")
    @classmethod
    def _spacing_understood(cls, values: Any) -> Any:
        """Takes what a scheduler's name says of the noise levels' spacing as `sigmas`."""
        if not isinstance(values, dict) or not isinstance(name := values.get("scheduler"), str):
            return values
        try:
            sampler = understood(name)
        except ValueError:
            return values  # told where the option itself is looked at
        sigmas = values.get("sigmas")
        if sigmas is None:
            return values | ({"scheduler": sampler.scheduler, "sigmas": sampler.sigmas} if sampler.sigmas else {})
        if sampler.sigmas and sigmas != sampler.sigmas:
            raise _fault("sigmas", sigmas, f"the scheduler {name!r} asks for {sampler.sigmas}; leave one of them out")
        if not takes_sigmas(sampler.scheduler):
            raise _fault("sigmas", sigmas, f"the scheduler {sampler.scheduler} spaces its noise levels in one way only")
        return values | {"scheduler": sampler.scheduler}


class StyleConfig(Section):
    """One way of drawing every prompt."""

    style: Plans[Text]
    """Words added to every prompt."""

    file_tag: Harmless[Annotated[str, Field(min_length=1, max_length=1000)]]
    """The style's name in file and folder names."""

    weight: Plans[Annotated[float, Field(ge=0, le=1)]]
    """Strength of img2img: 0 keeps the picture before as it is, 1 forgets it; it also scales the number of steps."""

    enabled: Plans[bool] = True
    """A style that is switched off stays in the file, but is drawn no more than if it weren't there."""


def _one_enabled(styles: list[StyleConfig]) -> list[StyleConfig]:
    if not any(style.enabled for style in styles):
        raise ValueError("every style is switched off; switch at least one on (enabled = true)")
    return styles


class Config(Section):
    """A whole configuration file."""

    prompt_config: PromptConfig
    generation_config: GenerationConfig = Field(default_factory=GenerationConfig)
    style_configs: Annotated[list[StyleConfig], Field(min_length=1), AfterValidator(_one_enabled)]

    def with_enabled_styles(self) -> "Config":
        """The configuration without its switched-off styles: what a plan is made of."""
        drawn = [style for style in self.style_configs if style.enabled]
        return self if len(drawn) == len(self.style_configs) else self.model_copy(update={"style_configs": drawn})
