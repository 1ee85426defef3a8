"""Configuration files: what is accepted, and one clear sentence for every fault."""

import contextlib
import time
from pathlib import Path

import pytest

from sframes_tui.config.document import Document
from sframes_tui.config.edit import updated_text
from sframes_tui.config.faults import line_of
from sframes_tui.config.file import load_config, parse_config, parse_override
from sframes_tui.config.option_text import shown_value
from sframes_tui.config.options import options
from sframes_tui.errors import ConfigError

MINIMAL = """[prompt_config]
source = "a.txt"

[[style_configs]]
style = "oil"
file_tag = "oil"
weight = 0.5
"""
PATH = Path("my.toml")


def problems(text, *overrides):
    with pytest.raises(ConfigError) as caught:
        parse_config(text, PATH, overrides)
    return caught.value.problems


def test_the_defaults_are_those_of_the_original():
    options = parse_config(MINIMAL, PATH).config.generation_config
    assert (options.progressive, options.interleave, options.cycle_styles) == (True, True, False)
    assert (options.guidance_scale, options.eta, options.num_inference_steps) == (7.5, 0.1, 50)
    assert (options.save_individual, options.preview, options.preview_max_windows) == (True, None, 10)


def test_every_key_of_the_original_is_known():
    text = """[prompt_config]
source = "sg1.txt"
key = "sg1"
prompt_override = "x"
chapter_split_regex = 'Season\\d+'
prompt_split_regex = '\\n'
max_chapters = 1
max_entries_per_chapter = 9
[generation_config]
preview = false
preview_stop = "pkill display"
preview_max_windows = 10
save_individual = true
progresive = false
interleave = true
cycle_styles = false
guidance_scale = 7.5
eta = 0.1
num_inference_steps = 50
[[style_configs]]
style = "a"
file_tag = "b"
weight = 1
last_image = ""
images = []
"""
    loaded = parse_config(text, PATH)
    assert loaded.config.generation_config.progressive is False
    assert [note.text.split(" ")[1] for note in loaded.notes] == ["last_image", "images"]


def test_all_faults_are_told_at_once_with_file_line_and_key():
    text = (
        MINIMAL.replace("weight = 0.5", "weight = 1.5\nwieght = 1") + "[generation_config]\nnum_inference_steps = 0\n"
    )
    told = problems(text)
    assert len(told) == 3
    assert any("my.toml, line 7: style_configs.0.weight" in each and "number from 0 to 1" in each for each in told)
    assert any("line 8: style_configs.0.wieght: unknown key; did you mean weight?" in each for each in told)
    assert any("line 10: generation_config.num_inference_steps" in each and "1 to 1000" in each for each in told)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[[style_configs]]\nstyle = ''\nfile_tag = 'a'\nweight = 1\n", "prompt_config: is missing"),
        ("[prompt_config]\nsource = 'a'\n", "style_configs: is missing; add at least one"),
        ("style_configs = []\n[prompt_config]\nsource = 'a'\n", "at least one style is needed"),
        ("[prompt_config\n", "not valid TOML"),
        ("a = " + "[" * 5000 + "]" * 5000, "not valid TOML: nested too deeply"),
        (MINIMAL + "weight = 0.7\n", "not valid TOML"),
        (MINIMAL.replace("0.5", "nan"), "style_configs.0.weight"),
        (MINIMAL.replace("0.5", "inf"), "style_configs.0.weight"),
        (MINIMAL.replace("0.5", '"0.5"'), "style_configs.0.weight: input should be a valid number"),
        (MINIMAL.replace("0.5", "true"), "style_configs.0.weight"),
        (MINIMAL + "[generation_config]\neta = -0.1\n", "number from 0 to 1"),
        (MINIMAL + "[generation_config]\nwidth = 100\n", "must be a multiple of 8, such as 96"),
        (MINIMAL + "[generation_config]\nchain_scope = 'book'\n", 'allowed: one of "run", "chapter"'),
        (MINIMAL + "[generation_config]\nscheduler = 'dimm'\n", "did you mean 'DDIM'?"),
        (MINIMAL + "[generation_config]\nprogressive = true\nprogresive = true\n", "both progressive and progresive"),
        (MINIMAL + "[generation_confg]\n", "generation_confg: unknown key; did you mean generation_config?"),
        (MINIMAL.replace("[prompt_config]", "[prompt_config]\nprompt_split_regex = 'a('"), "position 2: a(▸"),
        (MINIMAL + "[generation_config]\nseed = 99999999999\n", "whole number from 0 to 4294967295"),
        (MINIMAL + "[generation_config]\npreview = 3\n", "true or false or text"),
    ],
)
def test_each_fault_has_its_sentence(text, said):
    told = problems(text)
    assert len(told) == 1
    assert said in told[0]
    assert told[0].startswith("my.toml")


def test_the_file_itself_may_be_at_fault(tmp_path):
    (tmp_path / "latin.toml").write_bytes(b'a = "\xe9"')
    (tmp_path / "big.toml").write_bytes(b"#" * 2_000_000)
    for name, said in {
        "latin.toml": "byte 5 is not UTF-8",
        "big.toml": "larger than 200 kB",
        ".": "not a file",
        "no.toml": "no such file",
        "nul\0": "can't be read",
    }.items():
        with pytest.raises(ConfigError, match=said):
            load_config(tmp_path / name)


def test_overrides_take_toml_values_and_style_numbers():
    overrides = [
        parse_override(each)
        for each in ("style_configs.0.weight=0.25", 'prompt_config.key = "k"', "generation_config.progresive=false")
    ]
    config = parse_config(MINIMAL, PATH, overrides).config
    assert config.style_configs[0].weight == 0.25
    assert config.prompt_config.key == "k"
    assert config.generation_config.progressive is False


@pytest.mark.parametrize(
    ("argument", "said"),
    [
        ("seed", "write it as SECTION.KEY=VALUE"),
        ("prompt_config.key=abc", "text needs quotes"),
        ("a.b=1\nc=2", "not TOML"),
        ("style_configs.3.weight=0.5", "no style's number"),
        ("style_configs.0.weight.x=1", "nothing of that name"),
        ("generation_config.sed=1", "--set generation_config.sed: unknown key; did you mean seed?"),
        ("style_configs.0.weight=7", "--set style_configs.0.weight"),
    ],
)
def test_bad_overrides_are_told_as_such(argument, said):
    with pytest.raises(ConfigError) as caught:
        parse_config(MINIMAL, PATH, [parse_override(argument)])
    assert said in str(caught.value)


def test_saving_keeps_comments_order_and_the_users_own_words():
    text = """# my story
[generation_config]
progresive = true # old spelling
eta = 0.1   # the default, but said
seed = 3

[prompt_config] # what
source = 'a.txt'
[[style_configs]]
style = "x"  # first
file_tag = "x"
weight = 0.5
[[style_configs]]
style = "y"
file_tag = "y"
weight = 1
"""
    config = parse_config(text, PATH, [("generation_config.seed", 4), ("style_configs.0.weight", 0.75)]).config
    saved = updated_text(text, config.model_dump(exclude_unset=True))
    assert saved == text.replace("progresive", "progressive").replace("seed = 3", "seed = 4").replace("0.5", "0.75")
    assert parse_config(saved, PATH).config == config


def test_saving_adds_and_removes_styles_and_keys():
    text = MINIMAL + "[generation_config]\nseed = 3\n"
    extra = {"style": "b", "file_tag": "b", "weight": 1.0}
    grown = parse_config(text, PATH).config.model_dump(exclude_defaults=True)
    grown["style_configs"].append(extra)
    del grown["generation_config"]["seed"]
    config = type(parse_config(text, PATH).config).model_validate(grown)
    saved = updated_text(text, config.model_dump(exclude_unset=True))
    assert "seed" not in saved
    assert parse_config(saved, PATH).config == config
    assert (
        parse_config(
            updated_text(saved, parse_config(MINIMAL, PATH).config.model_dump(exclude_unset=True)), PATH
        ).config.style_configs[1:]
        == []
    )


def test_a_line_is_found_by_section_table_and_key():
    text = MINIMAL + "[[style_configs]]\nweight = 1\n"
    assert line_of(text, "style_configs.1.weight") == 9
    assert line_of(text, "style_configs.1.style") == 8
    assert line_of(text, "prompt_config.source") == 2
    assert line_of(text, "nothing.here") is None


HEAD = "[prompt_config]\nsource = 'a.txt'\n"
STYLE = "[[style_configs]]\nstyle = ''\nfile_tag = 'a'\nweight = 0.5\n"
MONSTERS = {
    "dots between quotes": (f'"\\"".a{".a" * 90_000}."x" = 1\n', "a key of more than 100 parts"),
    "dots within an inline table": (f'x = {{a = """\n""", b{".b" * 60_000} = "x"}}\n', "a key of more than 100 parts"),
    "dots in a header": (f'["\\"".a{".a" * 90_000}."x"]\n', "a key of more than 100 parts"),
    "depth": (f"x = {'[' * 150}{']' * 150}\n", "nested too deeply"),
    "depth by dots": (
        f"x = {('{' + '.'.join('a' * 40) + ' = [') * 2}\n{('{' + '.'.join('a' * 40) + ' = [') * 2}\n{']}' * 4}\n",
        "nested too deeply",
    ),
    "a whole number": (f"seed = 0x{'f' * 150_000}\n", "a whole number of more than 64 bits"),
    "decimal digits": (f"seed = {'9' * 150_000}\n", "not valid TOML"),
    "tables": ("".join(f"[t{at}]\n" for at in range(2_001)), "more than 2,000 tables"),
    "unknown keys": ("".join(f"k{at} = 1\n" for at in range(15_000)), "and 14980 more faults"),
}


@pytest.mark.parametrize(("lines", "said"), MONSTERS.values(), ids=MONSTERS)
def test_monsters_are_one_sentence_and_can_be_opened_and_saved(tmp_path, lines, said):
    path = tmp_path / "my.toml"
    path.write_text(f"{HEAD}{lines}{STYLE}")
    begun = time.thread_time()
    with pytest.raises(ConfigError, match=said):
        load_config(path)
    document = Document.open(path)
    assert document.problem
    for option in options():
        shown_value(option, document.value(option.path.replace("style_configs.", "style_configs.0.")))
    with contextlib.suppress(ConfigError):
        document.with_value("generation_config.seed", 5).save()
    assert time.thread_time() - begun < 30


@pytest.mark.parametrize("value", ["0x" + "f" * 90_000, "[" * 150 + "]" * 150, "9" * 5000])
def test_monsters_of_the_command_line_are_one_sentence(value):
    with pytest.raises(ConfigError, match="the value is not TOML"):
        parse_override(f"generation_config.seed={value}")


def test_a_password_is_not_repeated_when_its_option_is_refused():
    with pytest.raises(ConfigError) as raised:
        parse_override("generation_config.notify=https://me:s3cret@example.org/x")
    assert "https://***@example.org/x" in str(raised.value)
    assert "s3cret" not in str(raised.value)
