"""Pictures of a stranger's run folder: sound ones are read, everything else is one error, at once."""

import os
import re
import resource
import struct
import zlib

import pytest
from PIL import Image

from sframes_tui.run.record import stored_picture
from sframes_tui.run.record.stored_picture import read_stored


def png(path, size=(32, 16), **options):
    Image.effect_noise(size, 60).convert(options.get("mode", "RGB")).save(path, "PNG")
    return path


def chunk(kind, content, wrong=0):
    body = kind + content
    return struct.pack(">I", len(content)) + body + struct.pack(">I", zlib.crc32(body) ^ wrong)


def header(width, height, depth=8, colours=2, interlaced=0):
    return chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colours, 0, 0, interlaced))


def pixels(width, height, bits=24):
    """A chunk of black ones."""
    compress = zlib.compressobj(9)
    row = bytes(1 + -(-width * bits // 8))
    return chunk(b"IDAT", b"".join(compress.compress(row) for _ in range(height)) + compress.flush())


END = chunk(b"IEND", b"")
SMALL = pixels(64, 64)
BOMB = zlib.compress(bytes(50_000_000), 9)


def write(path, *chunks):
    path.write_bytes(stored_picture.SIGNATURE + b"".join(chunks))
    return path


def bomb(path, side):
    """A PNG of `side` x `side` black pixels in a few kilobytes."""
    return write(path, header(side, side, 1, 0), pixels(side, side, 1), END)


def refused(path, said, size=None):
    with pytest.raises(OSError, match=re.escape(str(path))) as caught:
        read_stored(path, size)
    assert said in (caught.value.strerror or ""), caught.value


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "P"])
def test_a_sound_picture_is_read_in_rgb(tmp_path, mode):
    read = read_stored(png(tmp_path / "a.png", mode=mode), (32, 16))
    assert (read.mode, read.size) == ("RGB", (32, 16))


def test_a_picture_of_another_size_is_not_this_frames(tmp_path):
    refused(png(tmp_path / "a.png"), "32 x 16 pixels instead of 64 x 64", (64, 64))


@pytest.mark.parametrize("side", [12_000, 30_000])
def test_a_bomb_is_refused_before_it_is_decoded(tmp_path, side):
    path = bomb(tmp_path / "a.png", side)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    refused(path, f"{side} x {side} pixels are more than any picture here has")
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024 < 50_000_000


def test_broken_files_are_refused(tmp_path):
    whole = png(tmp_path / "whole.png", (64, 64)).read_bytes()
    path = tmp_path / "a.png"
    for content, said in [
        (b"", "something else"),
        (b"not a picture", "something else"),
        (whole[:20], "no PNG"),
        (whole[: len(whole) // 2], "no PNG"),
        (whole[:60] + bytes([whole[60] ^ 1]) + whole[61:], "no PNG"),
    ]:
        path.write_bytes(content)
        refused(path, said)


@pytest.mark.parametrize(
    ("chunks", "said"),
    [
        ([header(64, 64), header(60_000, 60_000), SMALL], "two headers"),
        ([header(64, 64), header(12_000, 12_000), SMALL], "two headers"),
        ([header(64, 64), SMALL, header(12_000, 12_000)], "two headers"),
        ([chunk(b"tEXt", b"a\0b"), header(64, 64), SMALL], "doesn't begin with a header"),
        ([chunk(b"IHDR", b"short"), SMALL], "doesn't begin with a header"),
        ([header(1, 2**26), SMALL], "1 x 67108864 pixels are more"),
        ([header(2**31 - 1, 2**31 - 1), SMALL], "pixels are more"),
        ([header(0, 5), SMALL], "damaged"),
        ([header(64, 64, 3), SMALL], "damaged"),
        ([header(64, 64)], "no PNG"),
        ([header(64, 64, 8, 3), chunk(b"PLTE", bytes(900)), SMALL], "palette"),
        ([header(64, 64), *[chunk(b"IDAT", b"")] * stored_picture.MAX_CHUNKS, SMALL], "more than 100,000 parts"),
        ([header(64, 64), *[chunk(b"junK", b"")] * stored_picture.MAX_CHUNKS, SMALL], "more than 100,000 parts"),
        ([header(64, 64), b"\xff\xff\xff\xffIDATx"], "no PNG"),
        ([header(64, 64), chunk(b"zTXt", b"sframes\0\0" + BOMB), SMALL], "too large"),
        ([header(64, 64), chunk(b"tEXt", b"a\0b", wrong=1), SMALL], "damaged"),
    ],
    ids=range(16),
)
def test_a_picture_put_together_to_do_harm_is_one_sentence(tmp_path, recwarn, chunks, said):
    refused(write(tmp_path / "a.png", *chunks, END), said)
    assert not recwarn.list


@pytest.mark.parametrize(
    "chunks",
    [
        [header(64, 64), chunk(b"iCCP", b"k\0\0" + BOMB), SMALL],
        [header(64, 64), *[chunk(b"acTL", struct.pack(">II", 2**31, 0))] * 2, chunk(b"fcTL", b"?"), SMALL],
        [header(64, 64), chunk(b"eXIf", b"II*\0" + bytes(40)), chunk(b"gAMA", b"\0\0\0\0"), SMALL],
        [header(64, 64, 8, 3), chunk(b"PLTE", bytes(9)), chunk(b"tRNS", b"\0\x80"), pixels(64, 64, 8)],
        [header(64, 64, 16, 0), pixels(64, 64, 16)],
        [header(64, 64, 16, 6), pixels(64, 64, 64)],
        [header(64, 64), chunk(b"IDAT", zlib.compress(bytes(50_000_000), 9))],
        [header(64, 64), *[chunk(b"IDAT", b"")] * 1000, SMALL],
    ],
    ids=range(8),
)
def test_what_is_no_part_of_the_pixels_is_not_looked_at(tmp_path, recwarn, chunks):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    picture = read_stored(write(tmp_path / "a.png", *chunks, END), (64, 64))
    assert (picture.mode, picture.size, picture.getextrema()) == ("RGB", (64, 64), ((0, 0),) * 3)
    assert not recwarn.list
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024 < 20_000_000


def test_other_formats_are_not_decoded_whatever_their_name_says(tmp_path):
    path = tmp_path / "a.png"
    Image.new("RGB", (8, 8)).save(path, "TIFF")
    refused(path, "something else")


def test_links_pipes_folders_and_devices_are_no_pictures(tmp_path):
    png(tmp_path / "real.png")
    (tmp_path / "link.png").symlink_to(tmp_path / "real.png")
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "device.png").symlink_to("/dev/zero")
    for name in ("link", "pipe", "folder", "device", "gone"):
        with pytest.raises(OSError, match=name):
            read_stored(tmp_path / f"{name}.png")


def test_a_huge_file_is_not_read(tmp_path, monkeypatch):
    monkeypatch.setattr(stored_picture, "MAX_BYTES", 100)
    refused(png(tmp_path / "a.png"), "larger than")
