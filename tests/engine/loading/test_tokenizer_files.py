"""Tokenizers from strangers: they end, they do not grow, and those that are in use are let through."""

import json

import pytest
from transformers import PreTrainedTokenizerFast

from sframes_tui.engine.loading.tokenizer_files import MISTRAL, check_tokenizer, ends
from sframes_tui.errors import ModelError
from tests.engine import tiny

GPT_2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
QWEN = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
LLAMA_3 = QWEN.replace(r"|\p{N}|", r"|\p{N}{1,3}|")
CLIP = r"<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"
TEKKEN = (
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|\p{N}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)


@pytest.mark.parametrize(
    "regex", [GPT_2, QWEN, LLAMA_3, CLIP, TEKKEN, MISTRAL, " {2,}", r"\s{2,}|[\n\r\t]", r"\A▁", r"\A +| +\z", " +▁"]
)
def test_expressions_of_known_tokenizers_end(regex):
    assert ends(regex)


@pytest.mark.parametrize(
    "regex",
    [
        "(a+)+$",
        "(a|a)*b",
        "a**",
        "(?:a+)?+",
        "(a+){1,9}",
        "(a{2,}){2,}",
        "(a+|b)(a+|c)(a+|d)",
        ".*.*.*=",
        "a{1,99}a{1,99}a{1,99}b",
        r"(\w*)*\1z",
        r"\g<0>",
        r"(?<n>a)\k<n>",
        "(?R)",
        "(?~a)",
        "[a[b]]+",
        "a?" * 600,
    ],
)
def test_expressions_that_may_never_end_are_refused(regex):
    assert not ends(regex)


@pytest.fixture(params=["clip", "t5"])
def tokenizer(request, tmp_path):
    made = tiny.clip_tokenizer() if request.param == "clip" else tiny.t5_tokenizer()
    made.save_pretrained(tmp_path)
    return tmp_path / "tokenizer.json"


def test_the_tokenizers_in_use_are_let_through(tokenizer):
    check_tokenizer(tokenizer, "tokenizer/tokenizer.json", "it")


def split(regex):
    return {"type": "Split", "pattern": {"Regex": regex}, "behavior": "Isolated", "invert": False}


def replace(text, content):
    return {"type": "Replace", "pattern": {"String": text}, "content": content}


BYTES = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}
TEMPLATE = {
    "type": "TemplateProcessing",
    "single": [{"Sequence": {"id": "A", "type_id": 0}}] * 2,
    "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 0}}],
    "special_tokens": {},
}


def sequence(name, steps):
    return {"type": "Sequence", name: steps}


HOSTILE = {
    "a regex in the pre-tokenizer": {"pre_tokenizer": split("(a+)+$")},
    "a regex in the normalizer": {"normalizer": replace("a", "b") | {"pattern": {"Regex": "(x+x+)+y"}}},
    "a regex deep inside": {"pre_tokenizer": sequence("pretokenizers", [sequence("pretokenizers", [split("(a+)+$")])])},
    "doubled again and again": {"normalizer": sequence("normalizers", [replace("a", "aa")] * 40)},
    "a long replacement": {"normalizer": replace("a", "a" * 10_000)},
    "a long beginning": {"normalizer": {"type": "Prepend", "prepend": "a" * 10**6}},
    "bytes of bytes": {"pre_tokenizer": sequence("pretokenizers", [BYTES] * 30)},
    "templates of templates": {"post_processor": sequence("processors", [TEMPLATE] * 30)},
    "steps without number": {"normalizer": sequence("normalizers", [{"type": "NFC"}] * 1000)},
    "a huge table": {"normalizer": {"type": "Precompiled", "precompiled_charsmap": "A" * 3_000_000}},
    "padding": {"padding": {"strategy": {"Fixed": 10**9}, "pad_id": 0}},
    "tokens without number": {"added_tokens": [{"id": 1, "content": "x"}] * 50_000},
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_tokenizer_that_hangs_or_grows_is_refused(tokenizer, name):
    tokenizer.write_text(json.dumps({**json.loads(tokenizer.read_text()), **HOSTILE[name]}))
    with pytest.raises(ModelError, match=r"tokenizer.json (has a \w+ that|asks for) ") as caught:
        check_tokenizer(tokenizer, "tokenizer/tokenizer.json", "it")
    assert "\n" not in str(caught.value)


def test_tokenizers_would_run_what_is_refused_here(tokenizer):
    """Else nobody would need `HOSTILE`: the library takes a file's own steps where its class has none."""
    doubling = {"normalizer": sequence("normalizers", [replace("a", "aa")] * 10)}
    tokenizer.write_text(json.dumps({**json.loads(tokenizer.read_text()), **doubling}))
    backend = PreTrainedTokenizerFast(tokenizer_file=str(tokenizer)).backend_tokenizer
    assert len(backend.normalizer.normalize_str("a")) == 2**10
