"""Values as the text of a field, and back."""

import pytest

from sframes_tui.config.option_text import placeholder, shown_value, stepped, typed_value
from sframes_tui.config.options import options

OPTIONS = {option.key: option for option in options()}


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        ("eta", "0.5", 0.5),
        ("eta", "1", 1),
        ("eta", "much", "much"),
        ("eta", "nan", "nan"),
        ("eta", "", None),
        ("seed", "12", 12),
        ("seed", "1.5", "1.5"),
        ("seed", "9" * 5000, "9" * 5000),
        ("source", "", ""),
        ("key", "", None),
        ("preview", "true", True),
        ("preview", "off", "off"),
        ("leave_out", "1, 2-3  4..5", ["1", "2-3", "4..5"]),
        ("key", "two␊lines", "two\nlines"),
    ],
)
def test_a_text_stands_for_a_value(key, text, value):
    typed = typed_value(OPTIONS[key], text)
    assert typed == value
    assert type(typed) is type(value)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("eta", 0.1),
        ("seed", 3),
        ("preview", False),
        ("leave_out", ["1", "2-3"]),
        ("style", "two\nlines"),
        ("chapter_split_regex", "(?x) a # b\n c"),
        ("negative_prompt", "two\nlines"),
    ],
)
def test_what_is_shown_is_typed_back(key, value):
    assert typed_value(OPTIONS[key], shown_value(OPTIONS[key], value)) == value


def test_a_plain_regex_shows_a_line_end_as_people_write_it():
    assert shown_value(OPTIONS["prompt_split_regex"], "\n") == r"\n"
    assert placeholder(OPTIONS["prompt_split_regex"]) == r"\n"


@pytest.mark.parametrize(
    ("key", "value", "steps", "result"),
    [
        ("eta", 0.1, 1, 0.15),
        ("eta", 0.98, 1, 1.0),
        ("eta", None, -1, 0.05),
        ("seed", None, 1, 0),
        ("width", None, 1, 512),
        ("width", 520, -1, 512),
        ("num_inference_steps", 1, -1, 1),
        ("guidance_scale", "wrong", 1, 8.0),
    ],
)
def test_steps_stay_within_the_bounds(key, value, steps, result):
    assert stepped(OPTIONS[key], value, steps) == result
