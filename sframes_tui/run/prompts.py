"""The prompts of a plan, fitted into what the model reads. Must not import torch."""

from collections.abc import Iterator, Mapping

from sframes_tui.engine.protocol import Engine, Fitted
from sframes_tui.plan.plan import Plan
from sframes_tui.run.events import Emit, Notice

Prompts = Mapping[tuple[str, str], Fitted]
"""(prompt, style text) -> what is sent to the model."""

LISTED_OVERFLOWS = 100


def fit_prompts(plan: Plan, engine: Engine, emit: Emit) -> Prompts:
    """What is sent to the model for each prompt and style, every prompt that loses words told of."""
    wanted: dict[str, dict[str, None]] = {}
    for frame in plan.frames:
        wanted.setdefault(plan.style_text(frame), {})[plan.prompt(frame)] = None
    sent: dict[tuple[str, str], Fitted] = {}
    overflows: list[str] = []
    for style, prompts in wanted.items():
        for prompt, fitted in zip(prompts, engine.fit(list(prompts), style), strict=True):
            sent[prompt, style] = fitted
            if fitted.lost:
                overflows.append(f"longer than the model reads, lost: {fitted.lost!r} of {prompt[:60]!r}")
    for text in _shortened(overflows):
        emit(Notice("warning", text))
    if not overflows:
        emit(Notice("info", "checked the prompts: the model reads every one whole"))
    return sent


def _shortened(lines: list[str]) -> Iterator[str]:
    yield from lines[:LISTED_OVERFLOWS]
    if len(lines) > LISTED_OVERFLOWS:
        yield f"and {len(lines) - LISTED_OVERFLOWS} more prompts that are too long"
