"""Looks a model folder over before anything of it is loaded: it may come from a stranger.

What is refused here: code, pickles, classes of unknown libraries, weight files that are cut short, and
configurations that ask for far more memory than the weights beside them fill.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from sframes_tui.engine.families import text_class
from sframes_tui.errors import ModelError
from sframes_tui.story.model_source import PICKLES, read_json

CODE = (".py", ".pyc", ".pyd", ".so", ".dll", ".dylib")

UNUSED_PARTS = ("safety_checker", "feature_extractor", "image_encoder")
"""Parts that no text-to-image or image-to-image call here needs; not loaded where a model has them."""


class Part(NamedTuple):
    """A component of a pipeline, as `model_index.json` names it."""

    name: str
    package: str
    class_name: str


def read_parts(folder: Path, model: str) -> list[Part]:
    """The parts that a folder's `model_index.json` asks for, without those that are never loaded here."""
    index = read_json(folder / "model_index.json", model)
    parts = []
    for name, value in index.items():
        if name.startswith("_") or name in UNUSED_PARTS or not isinstance(value, list):
            continue  # settings of the pipeline
        if len(value) == 2 and all(isinstance(each, str) for each in value):
            parts.append(Part(name, *value))
    return parts


def unused_parts(folder: Path, model: str) -> dict[str, None]:
    """Arguments that keep diffusers' loaders from loading the parts that are never needed."""
    index = read_json(folder / "model_index.json", model)
    return {part: None for part in UNUSED_PARTS if part in index}


def check_folder(folder: Path, model: str, weights: bool = True, replaced: Collection[str] = ()) -> None:
    """Raises `ModelError`, saying what was found, unless everything in a diffusers folder may be loaded.

    Without `weights` the folder is one that only describes a checkpoint. Parts that are `replaced` are not loaded.
    """
    _check_files(folder, model)
    pipeline_class(folder, model)
    for part in read_parts(folder, model):
        if part.name in replaced:
            continue
        part_class = check_part(part, folder, model)
        if weights and has_weights(part_class):
            _check_weights(folder / part.name, model)


def pipeline_class(folder: Path, model: str) -> type:
    """Diffusers' text-to-image class for a folder; it must be one that draws from text alone."""
    name = read_json(folder / "model_index.json", model).get("_class_name")
    found = text_class(name)
    if found is not None and "Control" in found.__name__:
        raise ModelError(f"model {model!r}: {name} needs a control picture besides the text")
    if found is not None:
        return found
    raise ModelError(f"model {model!r}: {name!r} is no text-to-image pipeline that diffusers knows")


def check_part(part: Part, folder: Path, model: str) -> type:
    """The class of a part, which must be diffusers' or transformers' own and lie in a plain subfolder."""
    import diffusers
    import transformers

    libraries = {"diffusers": diffusers, "transformers": transformers}
    library = libraries.get(part.package) or getattr(diffusers.pipelines, part.package, None)
    found = getattr(library, part.class_name, None) if part.class_name.isidentifier() else None
    if library is not None and found is None:
        raise ModelError(
            f"model {model!r}: its {part.name} is {part.package}.{part.class_name}, which the installed version of "
            f"{part.package} doesn't have"
        )
    if not isinstance(found, type) or found.__module__.split(".")[0] not in libraries:
        raise ModelError(
            f"model {model!r}: its {part.name} is {part.package}.{part.class_name}, which is neither diffusers' nor "
            "transformers' own; code that comes with a model is not run"
        )
    if not part.name.isidentifier() or not (folder / part.name).is_dir():
        raise ModelError(f"model {model!r}: the folder {part.name!r} is missing; the model is not complete")
    return found


def has_weights(part_class: type) -> bool:
    import torch

    return issubclass(part_class, torch.nn.Module)


def _check_files(folder: Path, model: str) -> None:
    for path in folder.rglob("*"):
        if path.suffix.lower() in CODE:
            raise ModelError(
                f"model {model!r}: it holds code ({path.relative_to(folder)}), which is never run; "
                "take the file away if the model works without it"
            )
        if not path.is_dir() and not path.is_file():
            raise ModelError(f"model {model!r}: {path.relative_to(folder)} is not a plain file")


def _check_weights(folder: Path, model: str) -> None:
    files = weight_files(folder, model)
    if not files:
        pickles = any(path.suffix.lower() in PICKLES for path in folder.iterdir())
        raise ModelError(
            f"model {model!r}: {folder.name} has its weights only as pickles, which can run code; convert them to "
            "safetensors"
            if pickles
            else f"model {model!r}: {folder.name} has no weights (*.safetensors); the model is not complete"
        )
    for path in files:
        check_header(path, model)


def weight_files(folder: Path, model: str) -> list[Path]:
    """The safetensors files of a part. Raises `ModelError` if its index names one that isn't there."""
    for index in folder.glob("*.safetensors.index*.json"):
        shards = read_json(index, model).get("weight_map")
        for shard in sorted(set(shards.values()) if isinstance(shards, Mapping) else ()):
            if not isinstance(shard, str) or Path(shard).name != shard or not (folder / shard).is_file():
                raise ModelError(f"model {model!r}: {folder.name}/{shard} is missing; the model is not complete")
    return sorted(folder.glob("*.safetensors"))


def check_header(path: Path, model: str) -> None:
    """Raises `ModelError` unless the file is as long as its own header says, which is what a cut download is not."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as weights:
            weights.keys()
    except (SafetensorError, OSError) as error:
        raise ModelError(
            f"model {model!r}: {path.name} is damaged or was not downloaded to its end ({error})"
        ) from None


_BOUNDS = (
    (re.compile(r"^entries of .*block"), 16),
    (re.compile(r"^entries of "), 4096),
    (re.compile(r"per_block"), 32),
    (re.compile(r"layers|blocks|depth|num_res|heads"), 256),
    (re.compile(r"sample_size|image_size|pos_embed_max_size|patch_size|axes"), 16_384),
)


def check_numbers(config: Mapping[str, object], where: str, model: str) -> None:
    """Raises `ModelError` for a model configuration with a number that no model has.

    Depths, which cost time for every layer, get a bound of their own, and so do the sides of grids, which are
    squared. What remains possible is measured against the weights by `check_folder_proportions`.
    """
    for key, number in _numbers(config):
        bound = next((bound for pattern, bound in _BOUNDS if pattern.search(key)), 2**20)
        if abs(number) > bound and "theta" not in key and "token" not in key:
            raise ModelError(f"model {model!r}: {where} asks for {key} = {number}, which no model has")


def _numbers(value: object, key: str = "", depth: int = 0) -> Iterator[tuple[str, int]]:
    if isinstance(value, int) and not isinstance(value, bool):
        yield key, value
    elif isinstance(value, Mapping) and depth < 8:
        for name, inner in value.items():
            yield from _numbers(inner, str(name), depth + 1)
    elif isinstance(value, list) and depth < 8:
        yield f"entries of {key}", len(value)
        for inner in value:
            yield from _numbers(inner, key, depth + 1)
