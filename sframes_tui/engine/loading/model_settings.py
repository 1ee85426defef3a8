"""What a model's json files may ask for: nothing that fetches or runs something, and no number without a bound.

Diffusers and transformers read these files by themselves and make attributes of whatever is in them, so what isn't
wanted is refused before they look. `tests/engine/loading/test_model_settings.py` walks all that they read there.
"""

import inspect
import math
import re
from collections.abc import Collection, Iterator, Mapping
from types import UnionType
from typing import Union, get_args, get_origin

from sframes_tui.errors import ModelError

MAX_DEPTH = 16

IMPLEMENTATIONS = (None, False, True, "eager", "sdpa", "batched_mm", "grouped_mm")
"""Of attention and experts, without code from elsewhere; flash attention is fetched where it isn't installed."""

NAMES_CODE = re.compile(
    r"auto_map|custom_\w+|trust_remote_code|(use_)?(hub_)?kernels?|kernel_(config|mapping)|allow_all_kernels"
    r"|\w*backend_tokenizer|tokenizer_object|fusion_config|distributed_config|device_map|\w+_plan"
    r"|attribute_map|base_config_key|sub_configs\w*|per_layer_config|init_inputs|(use_timm_|use_pretrained_)?backbone"
    r"|(timm_)?backbone_kwargs|pretrained_cfg|model_args"
)
"""Keys by which a library imports, fetches, or changes itself."""

NAMES_FILES = re.compile(
    r"\w+_files?|transformers_weights|configuration_files|extra_files|fast_tokenizer_files|base_model_name_or_path"
    r"|pretrained_model_name_or_path|vocab|merges|peft_\w+|adapter_\w*(config|path|name)"
)
"""Keys that name other files or models than those that are checked."""

QUIET = re.compile(
    r"_?name_or_path|special_tokens_map_file|id2label|label2id|license|_commit_hash|_ignore_files|\w*(template|prompt)\w*"
)
"""Keys whose text may look like a path and is never opened: where a model came from, what its classes are called."""

PATH = re.compile(r"[^<>\[\]]*[/\\][^<>\[\]]*")
"""A file or a repository, and no token such as `</s>` or `[/INST]`."""

QUANTIZATIONS = ("bitsandbytes", "quanto")
"""By libraries that the user installed; others fetch kernels from the hub, or name classes."""

BOUNDS = (
    (re.compile(r"entries of .*block.*"), 64),
    (re.compile(r"entries of (id2label|label2id)"), 2**17),
    (re.compile(r"entries of \w*(added|special)_tokens\w*"), 20_000),
    (re.compile(r"entries of (trained_betas|\w*sigmas|\w*timesteps)"), 10_000),
    (re.compile(r"entries of .*"), 4096),
    (re.compile(r"num_labels"), 2**14),
    (re.compile(r".*per_block.*"), 32),
    (re.compile(r".*(layers|num_\w*layer|blocks|depth|num_res|heads|num_experts).*"), 256),
    (re.compile(r".*timesteps.*"), 2**16),
    (re.compile(r"pos_embed_max_size"), 2048),
    (re.compile(r".*(sample_size|image_size|patch_size|axes).*"), 16_384),
    (re.compile(r".*(pixels|edge)"), 2**28),
    (re.compile(r".*theta.*|lambda_min_clipped|time_step_limit|optimization_step|global_step|seed"), math.inf),
)
"""A number's key, and the largest number that a model has there. Anywhere else that is `LARGEST`."""

LARGEST = 2**20

WITHOUT_END = 10**20
"""From here on transformers takes a tokenizer's `model_max_length` for none."""


def check_settings(settings: object, where: str, model: str, allowed: Collection[str] = ()) -> None:
    """Raises `ModelError` for a key or a number that no honest model has in its file `where`.

    `allowed` are keys that are left alone, since the part's own class makes nothing of their values.
    """
    for key, value in _entries(settings):
        if key not in allowed and _reaches_out(key, value):
            raise ModelError(
                f"model {model!r}: {where} has {key} = {_shown(value)}, which can make a library fetch or run "
                "something; take that key out if the model works without it"
            )
    check_numbers(settings, where, model)


def check_numbers(settings: object, where: str, model: str) -> None:
    """Raises `ModelError` for a number, a list or a nesting that is larger than any model's."""
    for key, value in _entries(settings):
        number = len(value) if isinstance(value, list | dict) else value
        named = f"entries of {key}" if isinstance(value, list | dict) else key
        if isinstance(number, int | float) and _is_beyond(named, number):
            raise ModelError(f"model {model!r}: {where} asks for {named} = {_shown(number)}, which no model has")


def _entries(value: object, key: str = "", depth: int = 0) -> Iterator[tuple[str, object]]:
    """Every value at any depth, with the key that it belongs to; what nests too deep counts as a number without end."""
    yield (key, math.inf if depth > MAX_DEPTH else value)
    if isinstance(value, dict) and depth <= MAX_DEPTH:
        for name, inner in value.items():
            yield from _entries(inner, key if QUIET.fullmatch(key) else str(name), depth + 1)
    elif isinstance(value, list) and depth <= MAX_DEPTH:
        for inner in value:
            yield from _entries(inner, key, depth + 1)


def _reaches_out(key: str, value: object) -> bool:
    if not value or (isinstance(value, int | float) and value is not True):
        return False
    if re.search("(attn|experts)_implementation", key):
        return not isinstance(value, dict) and value not in IMPLEMENTATIONS
    if key == "quantization_config":
        return not isinstance(value, dict) or value.get("quant_method") not in QUANTIZATIONS
    if key == "model_type":
        return not isinstance(value, str) or re.search("timm|backbone", value) is not None
    return QUIET.fullmatch(key) is None and _names_another(key, value)


def _names_another(key: str, value: object) -> bool:
    """By its key or its text, something that isn't in this file."""
    named = NAMES_CODE.fullmatch(key) or NAMES_FILES.fullmatch(key)
    return named is not None or (isinstance(value, str) and PATH.fullmatch(value) is not None)


def _is_beyond(key: str, number: float) -> bool:
    if number != number or (key.endswith(("max_length", "max_len")) and number >= WITHOUT_END):
        return number != number
    bound = next((bound for pattern, bound in BOUNDS if pattern.fullmatch(key)), LARGEST)
    return abs(number) > bound


def _shown(value: object) -> str:
    text = f"{value!r}"
    return text if len(text) <= 60 else text[:59] + "…"


def check_kinds(part_class: type, settings: Mapping[str, object], where: str, model: str) -> None:
    """Raises `ModelError` where a class of diffusers wants numbers and the file has something else.

    Transformers' own classes check that themselves.
    """
    for name, parameter in inspect.signature(part_class).parameters.items():
        depth = _depth_of_numbers(parameter.annotation)
        if depth is not None and name in settings and not _is_numbers(settings[name], max(depth, 1)):
            raise ModelError(f"model {model!r}: {where} has {name} = {_shown(settings[name])}, which is no number")


def _depth_of_numbers(hint: object) -> int | None:
    """How deep an annotation lets numbers nest in lists: 0 for a number alone. None where it takes anything else."""
    if hint in (int, float, bool, None, type(None)):
        return 0
    inner = [_depth_of_numbers(each) for each in get_args(hint) if each is not Ellipsis]
    depths = [each for each in inner if each is not None]
    if not inner or len(depths) < len(inner) or get_origin(hint) not in (Union, UnionType, list, tuple):
        return None
    return max(depths) + (get_origin(hint) in (list, tuple))


def _is_numbers(value: object, depth: int) -> bool:
    if isinstance(value, list):
        return depth > 0 and all(_is_numbers(each, depth - 1) for each in value)
    return value is None or isinstance(value, int | float)
