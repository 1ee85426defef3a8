"""PNG files of strangers, built chunk by chunk, and the recipes in them."""

import json
import struct
import zlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sframes_tui.run.record.recipe import read_recipe
from sframes_tui.run.record.stored_picture import SIGNATURE, decoded
from tests.fuzz.held import fuzzed, growth, held
from tests.fuzz.odd import VALUES, changed, mutated
from tests.run.story_run import draw, write_config

PATH = Path("oil 0-0.png")
SIZES = st.sampled_from([0, 1, 8, 16, 128, 8192, 12_000, 60_000, 2**31 - 1, 2**31, 2**32 - 1])
TYPES = ["IHDR", "IDAT", "IEND", "PLTE", "tEXt", "zTXt", "iTXt", "iCCP", "acTL", "fcTL", "fdAT", "eXIf", "tRNS", "gAMA"]
TYPES += ["cHRM", "sRGB", "pHYs", "JUNK", "\0\0\0\0"]
BOMB = zlib.compress(bytes(60_000_000), 9)


def chunk(kind, content, wrong=0):
    body = kind.encode() + content
    return struct.pack(">I", len(content)) + body + struct.pack(">I", zlib.crc32(body) ^ wrong)


HEADERS = st.builds(
    lambda width, height, *rest: chunk("IHDR", struct.pack(">IIBBBBB", width, height, *rest)),
    SIZES, SIZES, st.sampled_from([1, 8, 16, 3]), st.sampled_from([0, 2, 3, 4, 6, 9]), *[st.integers(0, 1)] * 3,
)  # fmt: skip
CONTENTS = st.one_of(
    st.binary(max_size=40),
    st.sampled_from(
        [b"", b"sframes\0" + b"{" * 100, b"key\0\0" + BOMB, b"key\0\0\1\0\0\0" + BOMB, BOMB, b"\xff" * 5000]
    ),
    st.binary(max_size=200).map(zlib.compress),
)
CHUNKS = st.one_of(
    HEADERS, st.builds(chunk, st.sampled_from(TYPES), CONTENTS, st.sampled_from([0, 0, 0, 1])), st.binary(max_size=20)
)


def read(data, size=None):
    before = held(lambda: decoded(data, PATH, size), OSError)
    if before is not None:
        picture, texts = before
        assert picture.mode == "RGB"
        assert size in (None, picture.size)
        assert sum(map(len, texts.values())) < 80_000_000


@fuzzed(100)
@given(HEADERS, st.lists(CHUNKS, max_size=8), st.sampled_from([None, (8, 8), (128, 128)]))
def test_chunks(header, chunks, size):
    data = SIGNATURE + header + b"".join(chunks)
    assert growth(lambda: read(data, size)) < 450_000_000
    read(SIGNATURE + b"".join(chunks) + header, size)


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """A picture that this program wrote: its bytes and its recipe's text."""
    root = tmp_path_factory.mktemp("drawn")
    folder, _ = draw(write_config(root), root / "output")
    data = (folder / "oil 0-1.png").read_bytes()
    return data, decoded(data, PATH)[1]["sframes"]


@fuzzed(150)
@given(st.data())
def test_bytes(drawn, data):
    read(data.draw(mutated(drawn[0])), (16, 8))


@fuzzed(200)
@given(st.data())
def test_recipes(drawn, data):
    text = data.draw(mutated(drawn[1].encode())).decode(errors="replace")
    held(lambda: read_recipe(text, PATH.name))
    odd = json.dumps(data.draw(changed(json.loads(drawn[1])) | VALUES))
    held(lambda: read_recipe(odd, PATH.name))
