"""Text files of strangers: any bytes in any encoding are a text or a sentence."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sframes_tui.plan.names import safe_name
from sframes_tui.text.source import find_source, read_source
from tests.fuzz.held import fuzzed, growth, held
from tests.fuzz.odd import TEXTS, mutated

WHOLE = "Chapter 1\nun bateau à la mer, größer\n海と船\r\n".encode()
ENCODINGS = st.sampled_from(
    [
        None,
        "utf-8",
        "utf-16",
        "utf-7",
        "cp1252",
        "shift_jis",
        "hz",
        "iso2022_kr",
        "idna",
        "rot13",
        "base64",
        "zip",
        "mbcs",
    ]
) | st.text(max_size=20)


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("text") / "story.txt"


@fuzzed(120)
@given(mutated(WHOLE) | mutated(WHOLE.decode().encode("utf-16")) | st.binary(max_size=200), ENCODINGS)
@example(b"\xe9" * 300_000, None)
@example(b"\x1b$)C\x0e" * 50_000, "iso2022_kr")
def test_bytes(path, data, encoding):
    path.write_bytes(data)
    found = []
    assert growth(lambda: found.append(held(lambda: read_source(path, encoding)))) < 200_000_000
    if found[0] is not None:
        assert found[0].text.strip()
        assert "\0" not in found[0].text
        assert "\r" not in found[0].text
        found[0].text.encode()


@fuzzed(100)
@given(TEXTS)
def test_names_of_texts(path, name):
    found = held(lambda: find_source(name, path.parent))
    assert found is None or found.is_absolute()
    safe = safe_name(name)
    assert safe
    assert "/" not in safe
    assert safe not in (".", "..")
    assert len(safe.encode()) <= 80
