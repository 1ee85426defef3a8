"""Frames -> a hash of all that goes into their pictures.

A picture's identity is that of the frame itself joined with the identity of the picture it started from. So a
picture counts for a plan exactly if it was drawn from what the plan says and from a picture that counts.

A run's identities are all of one version, which its journal tells: what an earlier version drew goes on to count.
"""

import hashlib
import json
from collections.abc import Mapping
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any

from sframes_tui.config.config import GenerationConfig
from sframes_tui.config.option_types import Effect, options_that
from sframes_tui.model.files import MAX_FILES, blob
from sframes_tui.model.sampling import Sampling, described_in
from sframes_tui.model.source import NOTICE, ModelSource, pick_variant
from sframes_tui.plan.change import Change
from sframes_tui.plan.plan import Frame, Plan, frame_seed

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
    """The identities of one plan's frames, its changes of single frames counted, drawn with one model."""

    def __init__(self, plan: Plan, model: str, version: int = VERSION) -> None:
        """`model` is its `model_identity`; `version` one of `VERSIONS`."""
        self._plan, self.model, self.version = plan, model, version

    @cached_property
    def _shared(self) -> str:
        """What every frame's picture depends on."""
        options = self._plan.config.generation_config
        if self.version == 2:
            counted = options.model_dump(include=set(DRAWN_IN_2))
        else:
            counted = acting_options(options, self._plan.sampling)
            counted.pop("on_overflow")
        return json.dumps([self.version, self.model, counted], sort_keys=True)

    def own(self, number: int, change: Change | None = None, overflows: bool = False) -> str:
        """A hash of all that goes into a frame's picture, but for its base's pixels.

        `change`: of another take than the one that is planned. `overflows`: the model can't read the prompt whole, so
        `on_overflow` counts too.
        """
        change = change or self._plan.changes.get(number) or Change(0)
        frame = self._plan.frames[number]
        base = None if frame.base is None else place(self._plan.frames[frame.base])
        prompt = self._plan.prompt(frame) if change.prompt is None else change.prompt
        seed = frame_seed(self._plan.seed, frame, change.take) if change.seed is None else change.seed
        strength = frame.strength if None in (frame.strength, change.strength) else change.strength
        own = self._shared + json.dumps((place(frame), prompt, self._plan.style_text(frame), seed, strength, base))
        counts = overflows and self.version > 2
        return _hash(own + self._plan.config.generation_config.on_overflow if counts else own)

    def is_right(self, identity: str, number: int, change: Change | None, base: str | None) -> bool:
        """Whether a picture of this identity, drawn from one of the identity `base`, is what the plan wants.

        Whether a prompt overflows is for the model to say, and is the same each time: it is known by which of the
        two identities the picture has.
        """
        return any(joined(self.own(number, change, overflows), base) == identity for overflows in (False, True))

    def all(self) -> tuple[str, ...]:
        """For each frame its picture's identity, where prompts are read whole and frames drawn from their bases."""
        found: list[str] = []
        for frame in self._plan.frames:
            found.append(joined(self.own(frame.number), None if frame.base is None else found[frame.base]))
        return tuple(found)


def acting_options(options: GenerationConfig, sampling: Sampling) -> dict[str, Any]:
    """The options that draw; those that have no effect are None."""
    acting = options.model_dump(include=set(options_that(GenerationConfig, Effect.DRAWS)))
    if not sampling.takes_eta:
        acting["eta"] = None
    if not options.negative_prompt or options.guidance_scale <= 1:
        acting["negative_prompt"] = None
    return acting


def place(frame: Frame) -> tuple[int, int, int, int]:
    """Where in the story a frame stands: variant, chapter, prompt, style."""
    return frame.variant, frame.chapter, frame.prompt, frame.style


def joined(own: str, base: str | None) -> str:
    """The identity of a picture, from its frame's own and that of the picture it started from."""
    return _hash(f"{own}:{base or ''}")


def _hash(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def model_identity(source: ModelSource, options: GenerationConfig, version: int = VERSION) -> str:
    """The model's fingerprint with the variant of its weight files that is loaded, if it isn't the plain one.

    `dtype = "auto"` counts as what doesn't ask for half precision, whatever the device makes of it.
    """
    fingerprint = model_fingerprint(source, version)
    if version == 2 or not fingerprint or source.path is None or source.kind == "checkpoint":
        return fingerprint
    variant = pick_variant(source.path, options.variant, half=options.dtype in ("float16", "bfloat16"))
    return fingerprint if variant is None else f"{fingerprint}:{variant}"


def model_fingerprint(source: ModelSource, version: int = VERSION) -> str:
    """What tells a model's content from another's: a hub snapshot's commit, or a hash over the local files.

    Of large files their sizes and samples all over them are looked at, which takes no time and tells any two
    trainings apart. Empty where nothing of the model is here, or nothing that can be read.
    """
    if source.path is None:
        return ""
    if source.kind == "hub":
        return f"{source.name}@{source.path.name}"
    try:
        return _content_hash(_files_in_2(source.path) if version == 2 else _files(source))
    except OSError:
        return ""


def _files(source: ModelSource) -> dict[str, Path]:
    """What pictures depend on, by names that don't change where the model is moved or renamed."""
    assert source.path is not None
    folder = described_in(source) if source.kind == "checkpoint" else source.path
    found = {} if folder is None else _files_below(folder, (".json", ".safetensors", ".txt", ".model"))
    found.pop(NOTICE, None)
    if source.kind == "checkpoint":
        beside = {name: path for name, path in found.items() if path.suffix != ".safetensors"}
        return {"": source.path, **beside}
    return found


def _files_in_2(path: Path) -> dict[str, Path]:
    return {path.name: path} if path.is_file() else _files_below(path, (".json", ".safetensors", ".txt"))


def _files_below(folder: Path, endings: tuple[str, ...]) -> dict[str, Path]:
    """No more than a model may have, and none through a link, as they are read; the loader refuses the rest."""
    entries = islice(folder.rglob("*"), MAX_FILES)
    found = sorted(path for path in entries if path.suffix in endings and path.is_file() and blob(path) is not None)
    return {path.relative_to(folder).as_posix(): path for path in found}


def _content_hash(files: Mapping[str, Path]) -> str:
    digest = hashlib.blake2b(digest_size=16)
    for name, path in files.items():
        digest.update(f"{name}:{path.stat().st_size}:".encode("utf-8", "surrogateescape"))
        _sample(path, digest)
    return digest.hexdigest()


def _sample(path: Path, digest: "hashlib.blake2b") -> None:
    size = path.stat().st_size
    with path.open("rb") as file:
        for number in range(SAMPLES):
            file.seek(max(0, size - SAMPLE_BYTES) * number // (SAMPLES - 1))
            digest.update(file.read(SAMPLE_BYTES))
