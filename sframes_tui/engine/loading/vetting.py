"""Looks a model folder over before anything of it is loaded: it may come from a stranger.

What is refused here: code, pickles, links, classes of unknown libraries, weight files that are cut short, settings that
make a library fetch or run something, and other models that aren't the hub's.
"""

import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from sframes_tui.engine.loading.families import text_class
from sframes_tui.engine.loading.model_settings import WITHOUT_END, check_kinds, check_numbers, check_settings
from sframes_tui.engine.loading.tokenizer_files import check_tokenizer
from sframes_tui.errors import ModelError, message_of
from sframes_tui.model.files import check_files, read_json, read_model_file
from sframes_tui.model.source import PICKLES, cached_snapshot

CARD_LIMIT = 1_000_000

LONGEST_WINDOW = 4096
"""Tokens of a CLIP; its own has 77, the longest of its descendants 248."""

VOCABULARIES = ("vocab_file", "merges_file", "tokenizer_file")
"""Keys for which a tokenizer takes the files beside it, whatever is written there."""

UNUSED_PARTS = ("safety_checker", "feature_extractor", "image_encoder")
"""Parts that no text-to-image or image-to-image call here needs; not loaded where a model has them."""


class Part(NamedTuple):
    """A component of a pipeline, as `model_index.json` names it."""

    name: str
    package: str
    class_name: str


def read_parts(folder: Path, model: str, left_out: Collection[str] = UNUSED_PARTS) -> list[Part]:
    """The parts that a folder's `model_index.json` asks for, without those that are `left_out`."""
    index = read_json(folder / "model_index.json", model)
    parts = []
    for name, value in index.items():
        if name.startswith("_") or name in left_out or not isinstance(value, list):
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
    check_files(folder, model)
    kind = pipeline_class(folder, model)
    _check_parts(folder, model, weights, (*UNUSED_PARTS, *replaced))
    if is_combined(kind):
        for other in connected_models(folder, model):
            check_connected(other, model)


def _check_parts(folder: Path, model: str, weights: bool, left_out: Collection[str]) -> None:
    for part in read_parts(folder, model, left_out):
        part_class = check_part(part, folder, model)
        _check_part_files(folder / part.name, part_class, model)
        if weights and has_weights(part_class):
            _check_weights(folder / part.name, model)
    check_settings(read_json(folder / "model_index.json", model), "model_index.json", model)


def is_combined(kind: Any) -> bool:
    """Whether diffusers loads other models along with a pipeline."""
    return bool(kind._load_connected_pipes)  # noqa: SLF001 -- it has no other name


def connected_models(folder: Path, model: str) -> list[str]:
    """The hub ids of the models that a combined pipeline wants besides its own parts, as its model card names them.

    Diffusers loads them along. Raises `ModelError` for anything but the name of a hub model, such as a folder's.
    """
    from huggingface_hub import ModelCard
    from huggingface_hub.repocard import REGEX_YAML_BLOCK

    try:
        text = read_model_file(folder / "README.md", CARD_LIMIT).decode(errors="replace")
        block = REGEX_YAML_BLOCK.search(text)
        if block is not None and re.search(r"[\s,\[{}?:-][&*]\w", block[2]):
            raise ValueError("it has YAML's aliases, which can grow without measure")
        named = ModelCard(text, ignore_metadata_errors=True).data.get("prior") or []
    except FileNotFoundError:
        return []
    except Exception as error:
        raise ModelError(f"model {model!r}: its README.md can't be read: {message_of(error)}") from None
    for name in named if isinstance(named, list) else [None]:
        if not isinstance(name, str) or not re.fullmatch(r"\w[\w.-]*/\w[\w.-]*", name) or Path(name).exists():
            raise ModelError(f"model {model!r}: its README.md has prior = {name!r:.60}, which is no model of the hub")
    return list(named)


def check_connected(name: str, model: str) -> Path:
    """The folder of a hub model that is loaded along with another, all of it. Raises `ModelError` as `check_folder`."""
    import diffusers

    folder = cached_snapshot(name)
    if folder is None:
        raise ModelError(f"model {model!r}: it needs {name} too, which isn't on this machine; `hf download {name}`")
    check_files(folder, name)
    kind: Any = getattr(diffusers, str(read_json(folder / "model_index.json", name).get("_class_name")), None)
    if not isinstance(kind, type) or not issubclass(kind, diffusers.DiffusionPipeline) or is_combined(kind):
        raise ModelError(f"model {model!r}: what it names in README.md, {name}, is no part of another model")
    _check_parts(folder, name, weights=True, left_out=())
    return folder


def _check_part_files(folder: Path, part_class: type, model: str) -> None:
    """Raises `ModelError` for whatever a json file of a part may not say."""
    own = part_class.__module__.startswith("diffusers.")
    harmless = {*getattr(part_class, "vocab_files_names", VOCABULARIES), *(["auto_map"] if own else [])}
    for path in sorted(folder.glob("*.json")):
        where = f"{folder.name}/{path.name}"
        if path.name == "adapter_config.json":
            raise ModelError(f"model {model!r}: {where} names another model's weights; take that file away")
        if path.name == "tokenizer.json":
            check_tokenizer(path, where, model)
        elif path.name == "added_tokens.json":
            check_numbers({"added_tokens": read_json(path, model)}, where, model)
        elif path.name != "vocab.json" and ".index" not in path.suffixes:
            settings = read_json(path, model)
            check_settings(settings, where, model, harmless)
            _check_window(settings.get("model_max_length"), part_class, where, model)
            if own:
                check_kinds(part_class, settings, where, model)


def pipeline_class(folder: Path, model: str) -> type:
    """Diffusers' text-to-image class for a folder; it must be one that draws from text alone."""
    name = read_json(folder / "model_index.json", model).get("_class_name")
    found = text_class(name)
    if found is not None and "Control" in found.__name__:
        raise ModelError(f"model {model!r}: {name} needs a control picture besides the text")
    if found is not None:
        return found
    raise ModelError(f"model {model!r}: {name!r} is no text-to-image pipeline that diffusers knows")


def _check_window(window: object, part_class: type, where: str, model: str) -> None:
    """Raises `ModelError` where pipelines would fill every prompt up to more tokens than memory has room for."""
    from transformers import CLIPTokenizer

    if (
        issubclass(part_class, CLIPTokenizer)
        and isinstance(window, int | float)
        and LONGEST_WINDOW < window < WITHOUT_END
    ):
        raise ModelError(f"model {model!r}: {where} asks for model_max_length = {window}, which no model has")


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
    if not issubclass(found, _loadable()) and type(found).__name__ != "DummyObject":
        raise ModelError(
            f"model {model!r}: its {part.name} is {part.package}.{part.class_name}, which is no model, tokenizer or "
            "scheduler"
        )
    if not part.name.isidentifier() or not (folder / part.name).is_dir():
        raise ModelError(f"model {model!r}: the folder {part.name!r} is missing; the model is not complete")
    return found


def _loadable() -> tuple[type, ...]:
    """What a part may be: no pipeline, whose own parts nobody looked at, and no class that only finds another."""
    import diffusers
    import transformers
    from transformers.image_processing_base import ImageProcessingMixin

    return (
        diffusers.ModelMixin,
        diffusers.SchedulerMixin,
        transformers.PreTrainedModel,
        transformers.PreTrainedTokenizerBase,
        transformers.ProcessorMixin,
        transformers.FeatureExtractionMixin,
        ImageProcessingMixin,
    )


def has_weights(part_class: type) -> bool:
    import torch

    return issubclass(part_class, torch.nn.Module)


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
