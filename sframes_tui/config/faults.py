"""What is wrong with a configuration's values, in words: one sentence a fault, with the line that it stands on.

Keys of other programs are known here, so that who comes from one is told what the option is called.
"""

import difflib
import re
from itertools import takewhile
from pathlib import Path

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from sframes_tui.config.options import SECTIONS, describe_kind
from sframes_tui.config.parse import as_clause

LISTED_FAULTS = 20

ELSEWHERE = {
    "sampler": "generation_config.scheduler",
    "sampler_name": "generation_config.scheduler",
    "sampling_method": "generation_config.scheduler",
    "schedule_type": "generation_config.sigmas",
    "steps": "generation_config.num_inference_steps",
    "sampling_steps": "generation_config.num_inference_steps",
    "ddim_steps": "generation_config.num_inference_steps",
    "cfg": "generation_config.guidance_scale",
    "cfg_scale": "generation_config.guidance_scale",
    "scale": "generation_config.guidance_scale",
    "cfg_rescale": "generation_config.guidance_rescale",
    "ddim_eta": "generation_config.eta",
    "negative": "generation_config.negative_prompt",
    "uc": "generation_config.negative_prompt",
    "w": "generation_config.width",
    "h": "generation_config.height",
    "n_iter": "generation_config.variants",
    "batch_count": "generation_config.variants",
    "ckpt": "generation_config.model",
    "checkpoint": "generation_config.model",
    "sd_model_checkpoint": "generation_config.model",
    "precision": "generation_config.dtype",
    "strength": "style_configs.weight",
    "denoise": "style_configs.weight",
    "denoising_strength": "style_configs.weight",
    "init_strength": "style_configs.weight",
}
"""Keys of other programs, and the option that is the same here."""

NOWHERE = {
    "clip_skip": "the text encoder is read where the model's makers read it",
    "hires_fix": "pictures are drawn at their size at once",
    "enable_hr": "pictures are drawn at their size at once",
    "restore_faces": "pictures stay as the model draws them",
    "vae": "the model's own VAE is used",
    "lora": "the model is used as it is",
    "loras": "the model is used as it is",
    "s_churn": "schedulers run without churn",
    "refiner": "one model draws a picture from its first step to its last",
}
"""Keys of other programs for what can't be had here, and what is done instead."""


def sentences(error: ValidationError, text: str, path: Path, overridden: set[str]) -> list[str]:
    """One sentence a fault; a union's several faults of one key are told once."""
    told: dict[str, str] = {}
    for dotted, reason in fault_reasons(error, LISTED_FAULTS).items():
        if any(dotted == each or dotted.startswith(f"{each}.") for each in overridden):
            where = f"--set {dotted}"
        else:
            line = line_of(text, dotted)
            where = f"{path}, line {line}: {dotted}" if line else f"{path}: {dotted}"
        told[dotted] = f"{where}: {reason}"
    unlisted = len({_key_path(fault) for fault in error.errors(include_url=False)}) - LISTED_FAULTS
    more = [f"{path}: and {unlisted} more faults"] if unlisted > 0 else []
    return [*told.values(), *more]


def fault_reasons(error: ValidationError, most: int | None = None) -> dict[str, str]:
    """What is wrong, by the dotted path of the option, such as `style_configs.0.weight`; of `most` options at most."""
    faults = {
        ".".join(str(part) for part in _key_path(fault)): fault for fault in error.errors(include_url=False)[::-1]
    }
    return {dotted: _reason(fault) for dotted, fault in list(faults.items())[::-1][:most]}


def _key_path(fault: ErrorDetails) -> tuple[int | str, ...]:
    """The fault's place without the names pydantic gives to the members of a union."""
    depth = 3 if fault["loc"][:1] == ("style_configs",) else 2
    return fault["loc"][:depth]


def _reason(fault: ErrorDetails) -> str:
    path = _key_path(fault)
    section = SECTIONS.get(str(path[0]))
    if fault["type"] == "extra_forbidden":
        return _unknown_key(path)
    if fault["type"] == "missing":
        return "is missing" + ("; add at least one [[style_configs]]" if path == ("style_configs",) else "")
    if path == ("style_configs",) and fault["type"] == "too_short":
        return "at least one style is needed"
    field = section.model_fields.get(str(path[-1])) if section and len(path) > 1 else None
    message = str(fault.get("ctx", {}).get("error") or fault["msg"])
    allowed = f"; allowed: {describe_kind(field)}" if field and fault["type"] != "value_error" else ""
    return as_clause(message) + allowed


def _unknown_key(path: tuple[int | str, ...]) -> str:
    key = str(path[-1]).casefold().replace("-", "_").replace(" ", "_")
    if len(path) > 1 and key in ELSEWHERE:
        table, _, option = ELSEWHERE[key].rpartition(".")
        return f"unknown key; it is called {option} here" + (f", in {table}" if table != path[0] else "")
    if len(path) > 1 and key in NOWHERE:
        return f"there is no such option: {NOWHERE[key]}"
    if len(path) == 1:
        known = list(SECTIONS)
    else:
        section = SECTIONS.get(str(path[0]))
        known = list(section.model_fields) if section else []
    nearest = difflib.get_close_matches(str(path[-1]), known, n=1, cutoff=0.4)
    return f"unknown key; did you mean {nearest[0]}?" if nearest else f"unknown key; known are {', '.join(known)}"


def line_of(text: str, dotted: str) -> int | None:
    """The line on which a key of a configuration stands, counted from 1; the header's if the key is missing."""
    section, *rest = dotted.split(".")
    table = int(rest[0]) if rest and rest[0].isdecimal() else 0
    header = re.compile(rf"\s*\[\[?\s*[\"']?{re.escape(section)}[\"']?\s*\]\]?")
    lines = text.split("\n")
    headers = [number for number, line in enumerate(lines, 1) if header.match(line)]
    if table >= len(headers):
        return None
    begin = headers[table]
    if not rest or rest[-1].isdecimal():
        return begin
    key = re.compile(rf"\s*[\"']?{re.escape(rest[-1])}[\"']?\s*=")
    inside = takewhile(lambda line: not line.lstrip().startswith("["), lines[begin:])
    return next((number for number, line in enumerate(inside, begin + 1) if key.match(line)), begin)
