"""Strategies for what nobody would write: bytes with something put in or cut out, JSON of the wrong shapes."""

import copy
from typing import Any

from hypothesis import strategies as st

NASTY = (b"", b"\0", b"\n", b"\xff\xfe", b"\x1b]0;x\x07", b"\xe2\x80\xae", b"{", b"[" * 2000, b"9" * 5000, b'"\\ud800"')

TEXTS = st.one_of(
    st.sampled_from(
        ["", ".", "..", "/", "../x", "a//b", "/etc/passwd", "a\0b", "a\nb", "\x1b[31m", "[@click=app.bell]x", "\u202e"]
    ),
    st.text(max_size=30),
    st.sampled_from(["\ud800", "é" * 300, "x" * 10_000]),
)
NUMBERS = st.one_of(
    st.sampled_from([0, -1, 1, 2**31, 2**63, -(2**63), 10**30, 10**400, 0.5, 1e308, -0.0]),
    st.sampled_from([float("nan"), float("inf"), float("-inf")]),
    st.integers(-5, 5000),
    st.floats(),
)
SCALARS = st.one_of(st.none(), st.booleans(), NUMBERS, TEXTS)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4), max_leaves=8
)
"""What JSON can hold, and Python's JSON besides."""


def deep(levels: int, kind: str = "[") -> str:
    return kind * levels


def mutated(whole: bytes, most: int = 6) -> st.SearchStrategy[bytes]:
    """`whole` with up to so many places cut out, put in or put over."""
    piece = st.sampled_from(NASTY) | st.binary(max_size=12)
    edits = st.lists(st.tuples(st.integers(0, len(whole)), st.integers(0, 40), piece), max_size=most)
    return edits.map(lambda chosen: _edited(whole, chosen))


def _edited(whole: bytes, edits: list[tuple[int, int, bytes]]) -> bytes:
    for start, length, piece in edits:
        whole = whole[:start] + piece + whole[start + length :]
    return whole


def changed(content: dict[str, Any], most: int = 3, values: st.SearchStrategy[Any] = VALUES) -> st.SearchStrategy[Any]:
    """JSON data with up to so many of its places replaced, taken out or added to."""
    places = list(_places(content))
    edit = st.tuples(st.sampled_from(places), st.sampled_from(["put", "drop", "add"]), TEXTS, values)
    return st.lists(edit, min_size=1, max_size=most).map(lambda chosen: _altered(content, chosen))


def _places(value: Any, path: tuple[Any, ...] = ()) -> Any:
    yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in inner:
        yield from _places(each, (*path, key))


def _altered(content: Any, edits: list[tuple[Any, ...]]) -> Any:
    content = copy.deepcopy(content)
    for path, how, name, value in edits:
        if not path:
            if how == "add" and isinstance(content, dict):
                content[name] = value
            elif how == "put" and content and isinstance(content, dict):
                content[next(iter(content))] = value
            continue
        try:
            target = content
            for key in path[:-1]:
                target = target[key]
            if how == "drop":
                del target[path[-1]]
            elif how == "add" and isinstance(target, dict):
                target[name] = value
            else:
                target[path[-1]] = value
        except (KeyError, IndexError, TypeError):
            continue  # an earlier edit took that place away
    return content
