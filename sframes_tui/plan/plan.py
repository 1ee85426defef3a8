"""Config + story -> every frame of a run, before any GPU work.

Frames are tuples that point to each other by number, and a number is one object wherever it stands: there may be three
million of them, made while somebody edits a configuration.
"""

import hashlib
import struct
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import accumulate
from typing import Literal, NamedTuple

from sframes_tui.config.config import Config
from sframes_tui.config.leave_out import LeftOut, beyond
from sframes_tui.errors import Note, StoryError
from sframes_tui.model.sampling import Sampling
from sframes_tui.plan.change import Change
from sframes_tui.plan.names import distinct_names
from sframes_tui.text.split import Story

SEED_VERSION = 1
MAX_FRAMES = 3_000_000
"""They take about half a gigabyte."""

Link = Literal["noise", "img2img", "carried"]
"""How a frame begins: from noise; from its base, noised by a strength; as its base, since no step is left to run."""


class Frame(NamedTuple):
    """One picture to draw; frames point to each other by number."""

    number: int
    """Its place in `Plan.frames`."""
    variant: int
    chapter: int
    prompt: int
    style: int
    words: int
    """Which style's text is drawn: another than `style` once the texts have been cycled."""
    base: int | None
    """Number of the frame whose picture this one starts from."""
    link: Link
    strength: float | None
    """Of img2img, and of what is carried over since it leaves no step; None where the link has none."""
    steps: int
    """Denoising steps that will really run."""


@dataclass(frozen=True)
class Plan:
    """Every frame of a run, in an order in which bases come before what is drawn from them."""

    config: Config
    """Without the styles that are switched off."""
    story: Story
    sampling: Sampling
    seed: int
    frames: tuple[Frame, ...]
    tags: tuple[str, ...]
    """The styles' names in file names: safe, and no two alike."""
    notes: tuple[Note, ...]

    changes: Mapping[int, Change] = field(default_factory=dict)
    """What a person wanted otherwise for single frames, by their numbers; `with_changes` puts them in."""

    def with_changes(self, changes: Mapping[int, Change]) -> "Plan":
        """The same plan with single frames drawn otherwise."""
        frames = list(self.frames)
        for number, change in changes.items():
            frames[number] = self._changed(frames[number], change)
        return replace(self, frames=tuple(frames), changes=changes)

    def _changed(self, frame: Frame, change: Change) -> Frame:
        if change.strength is None or frame.strength is None:
            return frame
        steps = self.config.generation_config.num_inference_steps
        link, strength, steps = _from_picture(self.sampling, steps, change.strength)
        return frame._replace(link=link, strength=strength, steps=steps)

    def take(self, frame: Frame) -> int:
        """Which drawing of the frame is planned."""
        return self.changes[frame.number].take if frame.number in self.changes else 0

    def from_noise(self, frame: Frame) -> Frame:
        """The frame without a base."""
        link, strength, steps = _from_noise(self.sampling, self.config.generation_config.num_inference_steps)
        return frame._replace(base=None, link=link, strength=strength, steps=steps)

    def prompt(self, frame: Frame) -> str:
        change = self.changes.get(frame.number)
        if change is not None and change.prompt is not None:
            return change.prompt
        return self.story.chapters[frame.chapter].prompts[frame.prompt]

    def style_text(self, frame: Frame) -> str:
        return self.config.style_configs[frame.words].style

    def frame_seed(self, frame: Frame, attempt: int = 0) -> int:
        """32 bits, the same for a frame whatever else is in the plan; another one for each attempt at a take."""
        change = self.changes.get(frame.number)
        if change is not None and change.seed is not None and attempt == 0:
            return change.seed
        return frame_seed(self.seed, frame, self.take(frame) + (attempt << 32))

    def descendants(self, *frames: Frame) -> tuple[Frame, ...]:
        """Every other frame that is drawn from the picture of one of these, or from one drawn from it, in the plan's
        order.
        """
        given = {frame.number for frame in frames}
        found = set(given)
        for later in self.frames[min(given, default=len(self.frames)) :]:
            if later.base in found:
                found.add(later.number)
        return tuple(self.frames[number] for number in sorted(found - given))

    def name(self, frame: Frame) -> str:
        """The frame's file name without its ending."""
        return f"{self.tags[frame.style]} {frame.chapter}-{frame.prompt}"

    def base_name(self, frame: Frame) -> str:
        """The name of the frame that this one starts from; empty where there is none."""
        return "" if frame.base is None else self.name(self.frames[frame.base])

    def chapter_frames(self, variant: int, chapter: int) -> Sequence[Frame]:
        """The frames of one chapter of one variant, which stand together; none if the whole chapter is left out."""
        start, stop = self._chapter_bounds.get((variant, chapter), (0, 0))
        return self.frames[start:stop]

    @property
    def chapter_keys(self) -> Iterable[tuple[int, int]]:
        """(variant, chapter) of every chapter that has frames, in order."""
        return self._chapter_bounds

    @cached_property
    def _chapter_bounds(self) -> dict[tuple[int, int], tuple[int, int]]:
        counts = Counter((frame.variant, frame.chapter) for frame in self.frames)
        ends = accumulate(counts.values())
        return {key: (end - count, end) for (key, count), end in zip(counts.items(), ends, strict=True)}

    @cached_property
    def chains(self) -> tuple[int, ...]:
        """For each frame the number of its chain: frames without a base begin one, counted in the plan's order."""
        chains: list[int] = []
        begun = 0
        for frame in self.frames:
            chains.append(begun if frame.base is None else chains[frame.base])
            begun += frame.base is None
        return tuple(chains)

    @cached_property
    def steps(self) -> int:
        """Denoising steps of the whole plan."""
        return sum(frame.steps for frame in self.frames)


def frame_seed(run_seed: int, frame: Frame, take: int = 0) -> int:
    """32 bits of blake2b: a CPU generator looks at no more than these."""
    numbers = struct.pack(">7Q", SEED_VERSION, run_seed, frame.variant, frame.chapter, frame.prompt, frame.style, take)
    return int.from_bytes(hashlib.blake2b(numbers, digest_size=4).digest(), "big")


Beginning = tuple[Link, float | None, int]
"""A frame's link, strength and steps."""


def _from_noise(sampling: Sampling, steps: int) -> Beginning:
    return "noise", None, sampling.steps_from_noise(steps)


def _from_picture(sampling: Sampling, steps: int, strength: float) -> Beginning:
    run = sampling.steps_from_picture(steps, strength)
    return "img2img" if run else "carried", strength, run


def make_plan(config: Config, story: Story, sampling: Sampling, seed: int) -> Plan:
    """Plans every frame that `config` asks of `story`, for a model that samples as `sampling` says.

    `seed` is the run's, 32 bits. What may surprise is in the plan's notes. Raises `StoryError` for more frames than
    memory holds, and where all of the story is left out.
    """
    config = config.with_enabled_styles()
    left_out = LeftOut.parse(config.prompt_config.leave_out)
    prompts = sum(count - left_out.prompts(number, count) for number, count in enumerate(story.prompt_counts))
    if not prompts:
        raise StoryError("leave_out leaves nothing to draw: take something off it, or include something again")
    count = config.generation_config.variants * prompts * len(config.style_configs)
    if count > MAX_FRAMES:
        raise StoryError(
            f"{count:,} frames are more than the {MAX_FRAMES:,} that can be planned: "
            "lower max_chapters, max_entries_per_chapter or variants"
        )
    tags = distinct_names([style.file_tag for style in config.style_configs])
    frames = tuple(_frames(config, story, sampling, left_out))
    notes = (
        *_left_out_notes(left_out, story),
        *_option_notes(config, sampling),
        *_tag_notes(config, tags),
        *_step_notes(config, tags, frames),
    )
    return Plan(config, story, sampling, seed, frames, tags, notes)


def _frames(config: Config, story: Story, sampling: Sampling, left_out: LeftOut) -> Iterator[Frame]:
    drawn = [
        [prompt for prompt in range(count) if not (left_out.ranges and (number, prompt) in left_out)]
        for number, count in enumerate(story.prompt_counts)
    ]
    index = 0
    for variant in range(config.generation_config.variants):
        for frame in _variant_frames(config, drawn, sampling, variant, index):
            yield frame
            index = frame.number + 1


def _variant_frames(
    config: Config, drawn: Sequence[Sequence[int]], sampling: Sampling, variant: int, index: int
) -> Iterator[Frame]:
    """The frames of one drawing of the whole story, of whose chapters the prompts `drawn` are drawn.

    After each prompt `bases` moves on as the pictures do: with interleaving style i goes on from style i+1.
    """
    options, styles = config.generation_config, config.style_configs
    chained = options.progressive and sampling.img2img
    cycling = options.progressive and options.cycle_styles
    from_noise = _from_noise(sampling, options.num_inference_steps)
    from_base = [_from_picture(sampling, options.num_inference_steps, style.weight) for style in styles]
    nothing: Sequence[int | None] = [None] * len(styles)
    bases, drawn_prompts = nothing, 0
    for chapter, prompts in enumerate(drawn):
        if options.chain_scope == "chapter":
            bases = nothing
        for prompt in prompts:
            shift = drawn_prompts % len(styles) if cycling else 0
            numbers = list(range(index, index + len(styles)))
            for style, (number, base) in enumerate(zip(numbers, bases, strict=True)):
                words = (style + shift) % len(styles)
                begin = from_noise if base is None else from_base[style]
                yield Frame(number, variant, chapter, prompt, style, words, base, *begin)
            if chained:
                bases = numbers[1:] + numbers[:1] if options.interleave else numbers
            index += len(styles)
            drawn_prompts += 1


def _left_out_notes(left_out: LeftOut, story: Story) -> Iterator[Note]:
    if not left_out.ranges:
        return
    count = sum(left_out.prompts(number, count) for number, count in enumerate(story.prompt_counts))
    yield Note("info", f"leave_out: {count:,} of {story.prompt_count:,} prompts are left out")
    if strangers := beyond(left_out, story.prompt_counts):
        named = ", ".join(strangers[:5]) + (", …" if len(strangers) > 5 else "")
        yield Note("warning", f"leave_out: nothing in this text is {named}")


def _option_notes(config: Config, sampling: Sampling) -> Iterator[Note]:
    options = config.generation_config
    if sampling.assumed:
        yield Note("info", f"the model's own files aren't here: steps are those of {sampling.scheduler}, assumed")
    if not options.progressive:
        for key in ("interleave", "cycle_styles"):
            if getattr(options, key) and key in options.model_fields_set:
                yield Note("warning", f"{key} has no effect, since progressive is false")
    elif not sampling.img2img:
        yield Note(
            "warning",
            "the model has no img2img with a strength, so every picture starts from noise: "
            "progressive and the weights have no effect",
        )
    if options.eta > 0 and not sampling.takes_eta:
        level: Literal["info", "warning"] = "warning" if "eta" in options.model_fields_set else "info"
        yield Note(level, f"eta = {options.eta} has no effect with the scheduler {sampling.scheduler}")


def _tag_notes(config: Config, tags: tuple[str, ...]) -> Iterator[Note]:
    for number, (style, tag) in enumerate(zip(config.style_configs, tags, strict=True)):
        if style.file_tag != tag:
            text = f"style_configs.{number}: pictures are named {tag!r}, since {style.file_tag!r} is taken or unsafe"
            yield Note("warning", text)


def _step_notes(config: Config, tags: tuple[str, ...], frames: tuple[Frame, ...]) -> Iterator[Note]:
    """One note for each style whose weight leaves no steps to run."""
    idle = Counter(frame.style for frame in frames if frame.link == "carried")
    for style, count in sorted(idle.items()):
        weight, steps = config.style_configs[style].weight, config.generation_config.num_inference_steps
        text = (
            f"style {tags[style]!r}: weight {weight} of {steps} steps leaves no step to run, "
            f"so {count} frames carry the picture before them over unchanged"
        )
        yield Note("warning", text)
