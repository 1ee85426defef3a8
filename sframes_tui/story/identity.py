"""Frames -> a hash of all that goes into their pictures. Must not import torch or textual.

A picture's identity is that of the frame itself joined with the identity of the picture it started from. So a
picture counts for a plan exactly if it was drawn from what the plan says and from a picture that counts.

A run's identities are all of one version, which its journal tells: what an earlier version drew goes on to count.
"""

import hashlib
import json
from functools import cached_property
from pathlib import Path

from sframes_tui.story.change import Change
from sframes_tui.story.config import GenerationConfig
from sframes_tui.story.effect import Effect, options_that
from sframes_tui.story.model_source import ModelSource
from sframes_tui.story.plan import Frame, Plan, frame_seed

VERSION = 3
"""Of the identities of runs begun now."""
VERSIONS = (2, VERSION)
DRAWN_IN_2 = (
    "scheduler",
    "num_inference_steps",
    "guidance_scale",
    "guidance_start",
    "guidance_end",
    "guidance_rescale",
    "eta",
    "negative_prompt",
    "width",
    "height",
    "on_overflow",
    "variant",
)
"""The options that version 2 knew to count."""
SAMPLES = 16
SAMPLE_BYTES = 65_536


class Identities:
    """The identities of one plan's frames, drawn with one model; changes of single frames are given apart."""

    def __init__(self, plan: Plan, model: str, version: int = VERSION) -> None:
        """`model` is its `model_fingerprint`; `version` one of `VERSIONS`."""
        self._plan, self.model, self.version = plan, model, version

    @cached_property
    def _shared(self) -> str:
        """What every frame's picture depends on."""
        options = self._plan.config.generation_config
        counted = DRAWN_IN_2 if self.version == 2 else options_that(Effect.DRAWS, GenerationConfig)
        return json.dumps([self.version, self.model, options.model_dump(include=set(counted))], sort_keys=True)

    def own(self, number: int, change: Change | None = None) -> str:
        """A hash of all that goes into a frame's picture, changed so, but for its base's pixels."""
        change = change or Change(0)
        frame = self._plan.frames[number]
        base = None if frame.base is None else place(self._plan.frames[frame.base])
        prompt = self._plan.prompt(frame) if change.prompt is None else change.prompt
        seed = frame_seed(self._plan.seed, frame, change.take) if change.seed is None else change.seed
        strength = frame.strength if change.strength is None or base is None else change.strength
        return _hash(
            self._shared + json.dumps((place(frame), prompt, self._plan.style_text(frame), seed, strength, base))
        )

    def all(self) -> tuple[str, ...]:
        """For each frame its picture's identity, when every frame is drawn from its base."""
        found: list[str] = []
        for frame in self._plan.frames:
            own = self.own(frame.number, self._plan.changes.get(frame.number))
            found.append(joined(own, None if frame.base is None else found[frame.base]))
        return tuple(found)


def place(frame: Frame) -> tuple[int, int, int, int]:
    """Where in the story a frame stands: variant, chapter, prompt, style."""
    return frame.variant, frame.chapter, frame.prompt, frame.style


def joined(own: str, base: str | None) -> str:
    """The identity of a picture, from its frame's own and that of the picture it started from."""
    return _hash(f"{own}:{base or ''}")


def _hash(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def model_fingerprint(source: ModelSource, version: int = VERSION) -> str:  # noqa: ARG001
    """What tells a model's content from another's: a hub snapshot's commit, or a hash over the local files.

    Of large files their sizes and samples all over them are looked at, which takes no time and tells any two
    trainings apart. Empty where nothing of the model is here, or nothing that can be read.
    """
    if source.path is None:
        return ""
    if source.kind == "hub":
        return f"{source.name}@{source.path.name}"
    try:
        return _content_hash(source)
    except OSError:
        return ""


def _content_hash(source: ModelSource) -> str:
    assert source.path is not None
    files = [source.path] if source.path.is_file() else sorted(_model_files(source.path))
    digest = hashlib.blake2b(digest_size=16)
    for path in files:
        relative = path.name if path == source.path else path.relative_to(source.path).as_posix()
        digest.update(f"{relative}:{path.stat().st_size}:".encode("utf-8", "surrogateescape"))
        _sample(path, digest)
    return digest.hexdigest()


def _model_files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.suffix in (".json", ".safetensors", ".txt") and path.is_file()]


def _sample(path: Path, digest: "hashlib.blake2b") -> None:
    size = path.stat().st_size
    with path.open("rb") as file:
        for number in range(SAMPLES):
            file.seek(max(0, size - SAMPLE_BYTES) * number // (SAMPLES - 1))
            digest.update(file.read(SAMPLE_BYTES))
