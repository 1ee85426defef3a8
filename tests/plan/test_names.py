"""File names: safe on any file system, and never two alike."""

import string
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sframes_tui.plan.names import MAX_BYTES, distinct_names, safe_name

PLAIN = string.ascii_letters + string.digits


@pytest.mark.parametrize("text", ["nature", "a b c", "Zeichnung é", "日本", "x-2", "v1.2"])
def test_harmless_text_stays_as_it_is(text):
    assert safe_name(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "../../x",
        "/abs",
        "a/b",
        "a\\b",
        "nul\0",
        "",
        ".",
        "..",
        "CON",
        "a\nb",
        "x\x1b[31m",
        "-rf",
        "t" * 300,
        "é" * 200,
        "\u202eevil",
        " a",
        "\ud800",
    ],
)
def test_anything_else_is_changed_and_marked(text):
    name = safe_name(text)
    assert name != text
    assert not set(name) & set('/\\\0\n\x1b\u202e:*?"<>|')
    assert not name.startswith((".", "-", " "))
    assert 0 < len(name.encode()) <= MAX_BYTES


def test_different_texts_keep_different_names():
    assert safe_name("a/b") != safe_name("ab") != safe_name("a\\b") != safe_name("a/b")


def test_equal_tags_are_numbered_and_case_twins_too():
    assert distinct_names(["cyber", "cyber", "cyber"]) == ("cyber", "cyber-2", "cyber-3")
    assert distinct_names(["Nature", "nature"]) == ("Nature", "nature-2")
    assert distinct_names(["a", "a", "a-2"]) == ("a", "a-3", "a-2")
    assert distinct_names(["\u1f80", "\u1f00\u03b9"])[1].endswith("-2")  # one name to a file system without case


@given(st.lists(st.text(), max_size=6))
def test_names_are_safe_and_distinct_whatever_the_texts(texts):
    names = distinct_names(texts)
    assert len({name.casefold() for name in names}) == len(texts)
    assert all(name and "/" not in name and "\0" not in name and name not in {".", ".."} for name in names)


def test_very_many_equal_tags_are_numbered_fast():
    begun = time.thread_time()
    assert distinct_names(["a"] * 10_000)[-1] == "a-10000"
    assert time.thread_time() - begun < 10
