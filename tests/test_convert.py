"""The original script's three dicts become a configuration; everything else is a sentence with its line."""

import os
import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sframes_tui.config.config import Config
from sframes_tui.convert import convert, read_script
from sframes_tui.errors import ConfigError

SCRIPT = r"""import torch
import re

prompt_config = {
    'source' : 'episodes.txt',
    'key' : 'episodes',
    'prompt_override' : None,
    'chapter_split_regex' : 'Season\d+',
    'prompt_split_regex' : '\n',
    'max_chapters' : 1,
    'max_entries_per_chapter' : 9
}

generation_config = {
    'preview' : False,
    'preview_stop' : 'pkill display',
    'preview_max_windows' : 10,
    'save_individual' : True,
    'progresive' : True,
    'interleave' : True,
    'cycle_styles' : False,
    'guidance_scale' : 7.5,
    'eta' : 0.1,
    'num_inference_steps' : 50
}

style_configs = [
    {
        'style' : 'no text hdr photography',
        'file_tag' : 'nature',
        'weight' : 0.9,
        'last_image' : None,
        'images' : []
    },
    {
        'style' : '',
        'file_tag' : 'text',
        'weight' : 0.1,
        'last_image' : None,
        'images' : []
    }
]

def create_pipelines():
    model_id = "CompVis/stable-diffusion-v1-2"
    raise SystemExit("never run")

create_pipelines()
"""

TOML = r"""[prompt_config]
source = "episodes.txt"
key = "episodes"
chapter_split_regex = 'Season\d+'
prompt_split_regex = "\n"
max_chapters = 1
max_entries_per_chapter = 9

[generation_config]
preview = false
preview_stop = "pkill display"
preview_max_windows = 10
save_individual = true
progressive = true
interleave = true
cycle_styles = false
guidance_scale = 7.5
eta = 0.1
num_inference_steps = 50
model = "CompVis/stable-diffusion-v1-2"

[[style_configs]]
style = "no text hdr photography"
file_tag = "nature"
weight = 0.9

[[style_configs]]
style = ""
file_tag = "text"
weight = 0.1
"""

SMALL = "prompt_config = {'source': 'a.txt'}\ngeneration_config = {}\n"
STYLES = "style_configs = [{'style': 'ink', 'file_tag': 'ink', 'weight': 0.5}]\n"


def refusal(script):
    with pytest.raises(ConfigError) as raised:
        convert(script)
    return list(raised.value.problems)


def test_the_original_script_becomes_the_same_job(recwarn):
    text, notes = convert(SCRIPT)
    assert text == TOML
    assert Config.model_validate(tomllib.loads(text)).generation_config.progressive is True
    assert notes == (
        "last_image held pictures while the script ran and is left out",
        "images held pictures while the script ran and is left out",
        "model is what the script's code names as model_id: 'CompVis/stable-diffusion-v1-2'",
    )
    assert not recwarn.list


def test_only_what_the_script_says_is_written():
    assert tomllib.loads(convert(SMALL + STYLES)[0]) == {
        "prompt_config": {"source": "a.txt"},
        "generation_config": {},
        "style_configs": [{"style": "ink", "file_tag": "ink", "weight": 0.5}],
    }


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)


@given(
    style=texts,
    tag=texts.filter(bool),
    source=texts.filter(bool),
    override=texts,
    regex=st.sampled_from(["\n", r"Gen.\d+", r"it's \d", "\t\\.", r"[\"']+", r"'''\d"]),
    weight=st.one_of(st.integers(0, 1), st.floats(0, 1)),
)
def test_every_value_survives_the_way_to_toml(style, tag, source, override, regex, weight):
    prompt = {"source": source, "prompt_override": override, "chapter_split_regex": regex}
    styles = [{"weight": weight, "style": style, "file_tag": tag}] * 6
    text, _ = convert(f"style_configs = {styles!r}\ngeneration_config = {{}}\nprompt_config = {prompt!r}")
    assert tomllib.loads(text) == {"prompt_config": prompt, "generation_config": {}, "style_configs": styles}


def test_annotations_tuples_and_joined_strings_are_literals_too():
    script = "prompt_config: dict = {'source': 'a' '.txt'}\ngeneration_config = {}\n" + STYLES.replace(
        "[", "("
    ).replace("]", ",)")
    assert tomllib.loads(convert(script)[0])["prompt_config"] == {"source": "a.txt"}


def test_keys_without_a_meaning_here_are_left_out_with_a_note():
    text, notes = convert(SMALL.replace("{}", "{'interleve': True, 'height': 512}") + STYLES)
    assert tomllib.loads(text)["generation_config"] == {"height": 512}
    assert notes == (
        "generation_config.interleve means nothing to this program and is left out; did it mean interleave?",
    )


def test_changes_that_only_running_would_show_are_told():
    script = SMALL + "prompt_config = {'source': 'b.txt'}\n" + STYLES + "prompt_config['max_chapters'] = 3\n"
    text, notes = convert(script)
    assert tomllib.loads(text)["prompt_config"] == {"source": "b.txt"}
    assert notes == (
        "line 3: prompt_config is written again; the last one counts",
        "line 5: the change to prompt_config is not followed, since the script is not run",
    )


def test_of_several_models_none_is_chosen():
    models = "def f():\n    model_id = 'a/b'\ndef g():\n    model_id = 'c/d'\n"
    text, notes = convert(SMALL + STYLES + models)
    assert "model" not in tomllib.loads(text)["generation_config"]
    assert notes == ("the script names several models ('a/b', 'c/d'); set model to one of them",)


PLAIN = "must be plain values, since the script is not run, but it has"


@pytest.mark.parametrize(
    ("script", "problems"),
    [
        (
            "",
            [
                f"the script has no {each} = … at its top level"
                for each in ("prompt_config", "generation_config", "style_configs")
            ],
        ),
        (SMALL, ["the script has no style_configs = … at its top level"]),
        (SMALL + "if True:\n    " + STYLES, ["the script has no style_configs = … at its top level"]),
        ("x = 1\ndef f(:\n", ["line 2: the script is not Python: invalid syntax"]),
        (SMALL + STYLES + "\0", ["the script is not Python: source code string cannot contain null bytes"]),
        (SMALL + "style_configs = [\n{'style': f'{x}'}]", [f"line 4: style_configs {PLAIN} f'{{x}}'"]),
        (SMALL + "style_configs = [\n{**base}]", [f"line 4: style_configs {PLAIN} base"]),
        (
            "prompt_config = dict(source='a.txt')\ngeneration_config = {}\n" + STYLES,
            [f"line 1: prompt_config {PLAIN} dict(source='a.txt')"],
        ),
        (
            "prompt_config = {\n  'source':\n  os.system('touch /tmp/pwned')}\ngeneration_config = {}\n" + STYLES,
            [f"line 3: prompt_config {PLAIN} os.system('touch /tmp/pwned')"],
        ),
        (SMALL + "style_configs = {}", ["line 3: style_configs must be a list of dicts"]),
        (SMALL + "style_configs = ['ink']", ["line 3: style_configs.0 must be a dict whose keys are strings"]),
        (SMALL + "style_configs = []", ["line 3: style_configs must be a list with at least one style, not []"]),
        (
            SMALL + "style_configs = [{'style': 1, 'weight': 2.5}]",
            [
                "line 3: style_configs.0.style must be text, not 1",
                "line 3: style_configs.0.file_tag is missing",
                "line 3: style_configs.0.weight must be number from 0 to 1, not 2.5",
            ],
        ),
        (
            SMALL.replace("{}", "{'preview': 7, 'progresive': 1, 'guidance_scale': 1e999}") + STYLES,
            [
                "line 2: generation_config.guidance_scale must be number from 0 to 100, not inf",
                "line 2: generation_config.progressive must be true or false, not 1",
                "line 2: generation_config.preview must be true or false or text, not 7",
            ],
        ),
        (
            SMALL.replace("{}", "{'progresive': True, 'progressive': True}") + STYLES,
            ["line 2: generation_config has both progresive and progressive; keep one"],
        ),
        (
            SMALL.replace("'a.txt'", "'a.txt', 'chapter_split_regex': 'a(b'") + STYLES,
            ["line 1: prompt_config.chapter_split_regex: not a regular expression: missing ) at position 3: a(b▸"],
        ),
        ("x = 1\n" * 200_000, ["the script has more than 1,000,000 characters: it is not the original script"]),
    ],
)
def test_scripts_that_can_not_be_converted(script, problems):
    assert refusal(script) == problems


@pytest.mark.parametrize(
    "value", ["-" * 90_000 + "1", "+".join("1" * 90_000), "[" * 150 + "]" * 150, "{0:" * 150 + "0" + "}" * 150]
)
def test_deep_nesting_is_a_sentence(value):
    (problem,) = refusal(SMALL + STYLES.replace("0.5", value))
    assert problem.startswith(("the script is nested too deeply", "line 3: "))


def test_very_long_numbers_and_unpaired_surrogates_are_sentences():
    assert "not Python" in refusal(SMALL + STYLES.replace("0.5", "1" * 5000))[0]
    assert refusal(SMALL + STYLES.replace("'ink'", r"'\ud800'", 1))[0].startswith(
        "line 3: style_configs.0.style must be text"
    )
    assert "not Python" in refusal(SMALL + STYLES + "# \ud800")[0]


def test_what_is_no_plain_small_file_is_one_sentence_without_waiting(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to("loop")
    with (tmp_path / "sparse").open("wb") as file:
        file.truncate(3 * 2**30)
    for name in ("pipe", "loop", "sparse", "", "/dev/zero", "none"):
        with pytest.raises(ConfigError, match="can't be read as a Python script"):
            read_script(tmp_path / name)


@pytest.mark.parametrize("encoding", ["idna", "punycode", "unicode_escape", "base64", "undefined", "none", "utf-7"])
def test_an_encoding_that_no_script_has_is_one_sentence(tmp_path, encoding):
    (tmp_path / "script.py").write_bytes(f"# coding: {encoding}\n".encode() + b"+" * 900_000)
    with pytest.raises(ConfigError, match="can't be read as a Python script"):
        read_script(tmp_path / "script.py")


def test_a_link_that_the_user_named_is_followed_and_the_declared_encoding_counts(tmp_path):
    (tmp_path / "script.py").write_bytes("# coding: latin-1\nkey = 'é'\r\n".encode("latin-1"))
    (tmp_path / "link.py").symlink_to("script.py")
    assert read_script(tmp_path / "link.py") == "# coding: latin-1\nkey = 'é'\n"
