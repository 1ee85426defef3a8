"""Every key that the libraries read from a model's files has been looked at: it is bounded, refused, or does no harm.

A test here that fails with a new version of diffusers or transformers names keys that nobody has looked at yet: read
what the library does with each, then refuse it in `model_settings.py`, or list it here.
"""

import dataclasses
import inspect
import json
import math
import re
from collections.abc import Iterator
from typing import get_args

import diffusers
import pytest
import transformers
from diffusers.pipelines import auto_pipeline
from transformers.modeling_utils import get_hf_quantizer
from transformers.tokenization_utils_tokenizers import TokenizersBackend

from sframes_tui.engine.loading.model_settings import (
    _depth_of_numbers,
    _is_beyond,
    _reaches_out,
    check_kinds,
    check_settings,
)
from sframes_tui.engine.loading.vetting import _loadable
from sframes_tui.errors import ModelError
from sframes_tui.model.schedulers import SCHEDULERS

# fmt: off
CHOICES = {
    "act_fn", "activation_fn", "add_control_noise_refiner", "added_emb_type", "addition_embed_type",
    "additional_embeddings", "algorithm_type", "architectures", "attention_type", "beta_schedule",
    "block_types_per_layer", "class_embed_type", "controlnet_conditioning_channel_order", "cross_attention_norm",
    "decoder_act_fns", "decoder_block_types", "decoder_conv_act_fn", "decoder_norm_types", "dense_moe_strategy",
    "down_block_types", "downsample_block_type", "dtype", "embedding_proj_norm_type", "encoder_block_types",
    "encoder_hid_dim_type", "encoder_hid_proj_type", "feed_forward_proj", "final_sigmas_type", "hidden_act",
    "hidden_activation", "history_scale_mode", "interpolation_type", "layer_types", "level_config", "mid_block_type",
    "norm_in_type", "norm_type", "pos_embed_type", "prediction_type", "projector_hidden_act", "qk_norm",
    "resnet_time_scale_shift", "scheduler_type", "solver_type", "time_embed_act_fn", "time_embedding_act_fn",
    "time_embedding_type", "time_shift_type", "timestep_conditioning_type", "timestep_post_act", "timestep_spacing",
    "timestep_type", "transformers_version", "up_block_types", "upsample_block_type", "variance_type",
}
"""Words out of lists that the libraries hold themselves; any other is an error, or nothing at all."""

LABELS = {"id2label", "label2id"}

NO_TYPE = {
    "all_f_patch_size", "all_patch_size", "axes_dim", "axes_dims", "axes_lens", "blocks", "c", "c_cond", "c_hidden",
    "c_in", "c_out", "c_r", "cap_feat_dim", "clip_embd", "clip_seq", "clip_text_pooled_in_channels", "control_in_dim",
    "controlnets", "depth", "dim", "dropout", "effnet_embd", "force_upcast", "hidden_size", "in_channels",
    "inject_effnet", "kernel_size", "lookup_from_codebook", "mid_block_add_attention", "n_heads", "n_kv_heads",
    "n_layers", "n_refiner_layers", "nhead", "norm_eps", "num_embeddings", "patch_size", "rope_theta", "sample_size",
    "siglip_feat_dim", "solver_p", "stage_range", "t_scale", "transformer_layers_per_block", "trained_betas",
}
"""Numbers without a full annotation."""

READ = {
    "_class_name", "_commit_hash", "_ignore_files", "_json_padding", "_json_truncation", "_spm_precompiled_charsmap",
    "_use_default_values", "add_bos_token", "add_eos_token", "add_prefix_space", "added_tokens_decoder",
    "additional_special_tokens", "backend", "bos_token", "chat_control_tokens", "chat_template",
    "clean_up_tokenization_spaces", "clean_up_tokenization_spaces_for_bpe_even_though_it_will_corrupt_output",
    "commit_message", "continuing_subword_prefix", "dtype", "end_of_word_suffix", "eos_token", "extra_special_tokens",
    "files_loaded", "fix_mistral_regex", "initial_alphabet", "is_local", "legacy", "local_files_only", "max_len",
    "max_length", "model_input_names", "model_max_length", "model_specific_special_tokens", "model_type",
    "name_or_path", "normalizers", "num_attention_heads", "num_labels", "output_attentions", "pad_to_multiple_of",
    "pad_token", "pad_token_type_id", "padding_side", "post_processor", "processor_class", "repo_id",
    "response_schema", "response_template", "rope_scaling", "rope_theta", "sanitize_control_tokens",
    "split_special_tokens", "stride", "token", "tokenizer", "tokenizer_class", "tokenizer_padding",
    "tokenizer_truncation", "torch_dtype", "transformers_version", "truncation_side", "truncation_strategy", "type",
    "unk_id", "unk_token", "use_source_tokenizer", "verbose",
}
"""What the loaders themselves do with a file's keys, and nothing is fetched, run or opened by it: words, tokens,
numbers; what the caller overwrites; arguments of methods that save or train."""
# fmt: on

LOADERS = (
    transformers.PreTrainedConfig.__post_init__,
    transformers.PreTrainedConfig._get_config_dict,
    transformers.PreTrainedConfig.get_config_dict,
    transformers.PreTrainedModel.__init__,
    transformers.PreTrainedModel.from_pretrained,
    transformers.PreTrainedTokenizerBase.__init__,
    transformers.PreTrainedTokenizerBase._from_pretrained,
    transformers.PreTrainedTokenizerBase.from_pretrained,
    TokenizersBackend,
    get_hf_quantizer,
    diffusers.ConfigMixin.extract_init_dict,
    diffusers.ConfigMixin.from_config,
    diffusers.DiffusionPipeline.from_pretrained,
    diffusers.ModelMixin.from_pretrained,
)


def _named_classes(hint: object) -> Iterator[type]:
    if isinstance(hint, type):
        yield hint
    for inner in get_args(hint):
        yield from _named_classes(inner)


def _part_classes() -> set[type]:
    """Whatever the pipelines that may be loaded are made of, and every scheduler."""
    tables = auto_pipeline.AUTO_TEXT2IMAGE_PIPELINES_MAPPING, auto_pipeline.AUTO_IMAGE2IMAGE_PIPELINES_MAPPING
    pipelines = [kind for table in tables for kind in table.values()]
    hints = [each.annotation for kind in pipelines for each in inspect.signature(kind).parameters.values()]
    parts = {kind for hint in hints for kind in _named_classes(hint) if issubclass(kind, _loadable())}
    return parts | {getattr(diffusers, f"{name}Scheduler") for name in SCHEDULERS}


PARTS = _part_classes()
OF_DIFFUSERS = {kind for kind in PARTS if issubclass(kind, diffusers.ConfigMixin)}
CONFIGS = {kind.config_class for kind in PARTS if getattr(kind, "config_class", None)}


def _with_nested(kind: type) -> Iterator[type]:
    yield kind
    for inner in kind.sub_configs.values():
        if dataclasses.is_dataclass(inner):
            yield from _with_nested(inner)


def _as_written(values: dict[str, object]) -> dict[str, object]:
    return json.loads(json.dumps(values))


def test_there_is_something_to_look_at():
    assert len(OF_DIFFUSERS) > 50
    assert len(CONFIGS) > 10


def test_every_key_of_diffusers_classes_is_a_bounded_number_or_was_looked_at():
    for kind in OF_DIFFUSERS:
        for name, parameter in inspect.signature(kind).parameters.items():
            assert not _reaches_out(name, "x") or _depth_of_numbers(parameter.annotation) is not None, (kind, name)
            if _depth_of_numbers(parameter.annotation) is not None:
                assert _is_beyond(name, 10**10) or name in ("lambda_min_clipped", "theta", "rope_theta"), kind
            else:
                assert name in CHOICES | NO_TYPE, (kind, name)


def test_every_text_that_transformers_configurations_take_was_looked_at():
    for config in CONFIGS:
        for kind in _with_nested(config):
            texts = {field.name for field in dataclasses.fields(kind) if "str" in str(field.type)}
            assert texts <= CHOICES | LABELS, kind


def test_every_key_that_the_loaders_read_is_refused_or_was_looked_at():
    found = set()
    for loader in LOADERS:
        settings = "config|config_dict|tokenizer_config|init_kwargs"
        if not loader.__name__.endswith(("from_pretrained", "config_dict", "from_config")):  # those are the caller's
            settings += r"|\w*kwargs"
        reads = (
            rf'\b(?:{settings})(?:\.(?:pop|get|setdefault))?[(\[]\s*"(\w+)"',
            r'getattr\(\w*config\w*, "(\w+)"',
            rf'"(\w+)" in (?:{settings})\b',
        )
        found |= {key for read in reads for key in re.findall(read, inspect.getsource(loader))}
    assert len(found) > 50
    assert {key for key in found if not _reaches_out(key, "x")} <= READ


def test_what_the_classes_themselves_have_as_defaults_is_let_through():
    for kind in OF_DIFFUSERS:
        parameters = inspect.signature(kind).parameters.items()
        defaults = {name: each.default for name, each in parameters if each.default is not inspect.Parameter.empty}
        check_settings(_as_written(defaults), "config.json", kind.__name__)
        check_kinds(kind, _as_written(defaults), "config.json", kind.__name__)
    for config in CONFIGS:
        check_settings(_as_written(config().to_dict()), "config.json", config.__name__)


@pytest.mark.parametrize(
    "settings",
    [
        {"deep": json.loads("[" * 20 + "]" * 20)},
        {"nan": math.nan},
        {"inf": math.inf},
        {"any_key": 10**9},
        {"any_key": -(10**9)},
        {"any_key": 1e12},
        {"any_key": 10**400},
        {"in": {"a": [{"list": 10**9}]}},
        {"any_list": [0] * 5000},
        {"num_train_timesteps": 100_000},
        {"num_train_timesteps": 1e9},
        {"pos_embed_max_size": 10_000},
        {"model_max_length": 10**9},
        {"num_hidden_layers": 1000},
        {"trained_betas": [0.1] * 20_000},
        {"added_tokens_decoder": {str(each): {} for each in range(30_000)}},
    ],
    ids=lambda settings: next(iter(settings)),
)
def test_numbers_without_measure_are_refused(settings):
    with pytest.raises(ModelError, match=r"config.json asks for .* which no model has"):
        check_settings(settings, "config.json", "it")


@pytest.mark.parametrize(
    "settings",
    [
        {"model_max_length": 10**30, "eos_token": "</s>", "additional_special_tokens": ["[/INST]"]},
        {"rope_theta": 1e9, "vocab_size": 262_208, "max_position_embeddings": 131_072, "pad_token_id": -1},
        {"size": {"longest_edge": 12_845_056}, "lambda_min_clipped": -math.inf, "sample_size": [128, 128]},
        {"chat_template": "{{ '</think>/x' }}", "id2label": {"0": "a/b"}, "sp_model_kwargs": {}, "init_inputs": []},
        {"quantization_config": {"quant_method": "bitsandbytes", "load_in_4bit": True}},
        {"use_kernels": False, "kernel_size": 3, "custom_pipeline": None, "auto_map": None},
    ],
)
def test_what_honest_models_have_is_let_through(settings):
    check_settings(settings, "config.json", "it")
