"""The plan in words, for `--dry-run` and the screen."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from sframes_tui.errors import Note
from sframes_tui.plan.plan import Frame, Plan
from sframes_tui.printable import counted, one_line
from sframes_tui.text.split import Chapter

PROMPT_WIDTH = 100


def describe_plan(plan: Plan, text_file: Path | None = None, notes: Sequence[Note] = ()) -> Iterator[str]:
    """Lines: what is drawn with what, every frame, the totals, and every note; `notes` are those of the file."""
    yield from _heading(plan, text_file)
    for variant in range(plan.config.generation_config.variants):
        if plan.config.generation_config.variants > 1:
            yield from ("", f"variant {variant}")
        yield from _chapters(plan, variant)
    yield from _totals(plan)
    for note in (*notes, *plan.story.notes, *plan.notes):
        yield f"{note.level:<10} {one_line(note.text)}"


def _heading(plan: Plan, text_file: Path | None) -> Iterator[str]:
    options = plan.config.generation_config
    sampling = plan.sampling
    assumed = " (assumed)" if sampling.assumed else ""
    source = plan.config.prompt_config.source if text_file is None else str(text_file)
    yield f"story      {one_line(plan.story.key)} from {one_line(source)}"
    spaced = f" ({options.sigmas})" if options.sigmas else ""
    scheduler = f"{sampling.scheduler}{spaced}{assumed}"
    yield f"model      {one_line(options.model)}, {scheduler}, {options.num_inference_steps} steps"
    modes = [
        "progressive" if options.progressive else "independent",
        *(["interleave"] if options.progressive and options.interleave else []),
        *(["cycle_styles"] if options.progressive and options.cycle_styles else []),
        f"chain_scope {options.chain_scope}",
    ]
    yield f"mode       {', '.join(modes)}"
    yield f"seed       {plan.seed}" + ("" if options.seed is not None else " (drawn now; set one to repeat it)")
    for tag, style in zip(plan.tags, plan.config.style_configs, strict=True):
        yield f"style      {tag}: weight {style.weight}, {one_line(style.style, PROMPT_WIDTH)!r}"


def _chapters(plan: Plan, variant: int) -> Iterator[str]:
    width = max(len(tag) for tag in plan.tags)
    for number, chapter in enumerate(plan.story.chapters):
        frames = plan.chapter_frames(variant, number)
        title = one_line(chapter.title) or "(no title)"
        yield from ("", f"chapter {number}: {title} ({_count(plan, chapter, frames)})")
        for frame in frames:
            if frame.style == 0:
                yield f"  {number}-{frame.prompt} {one_line(plan.prompt(frame), PROMPT_WIDTH)}"
            yield _frame_line(plan, frame, width)


def _count(plan: Plan, chapter: Chapter, frames: Sequence[Frame]) -> str:
    count = counted(len(chapter.prompts), "prompt")
    drawn = len(frames) // len(plan.tags)
    if drawn == len(chapter.prompts):
        return count
    return f"{count}, {drawn or 'none'} of them drawn"


def _frame_line(plan: Plan, frame: Frame, width: int) -> str:
    words = f"  words of {plan.tags[frame.words]}" if frame.words != frame.style else ""
    return f"      {plan.tags[frame.style]:<{width}}  {frame.steps:>4} steps  {describe_base(plan, frame)}{words}"


def describe_base(plan: Plan, frame: Frame) -> str:
    """What a frame's picture starts from."""
    match frame.link:
        case "noise":
            return "from noise"
        case "img2img":
            return f"from {plan.base_name(frame)}, strength {frame.strength}"
        case "carried":
            return f"{plan.base_name(frame)} carried over unchanged"


def _totals(plan: Plan) -> Iterator[str]:
    totals = (
        counted(len(plan.story.chapters), "chapter"),
        counted(len(plan.frames) // len(plan.tags) // plan.config.generation_config.variants, "prompt"),
        counted(len(plan.tags), "style"),
        counted(len(plan.frames), "frame"),
        counted(plan.steps, "step"),
    )
    yield from ("", f"total      {', '.join(totals)}")
