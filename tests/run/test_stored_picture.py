"""Pictures of a stranger's run folder: sound ones are read, everything else is one error, at once."""

import os
import re
import resource
import struct
import zlib

import pytest
from PIL import Image

from sframes_tui.run import stored_picture
from sframes_tui.run.stored_picture import read_stored


def png(path, size=(32, 16), **options):
    Image.effect_noise(size, 60).convert(options.get("mode", "RGB")).save(path, "PNG")
    return path


def bomb(path, side):
    """A PNG of `side` x `side` black pixels in a few kilobytes."""
    compress = zlib.compressobj(9)
    rows = b"".join(compress.compress(bytes(1 + side // 8)) for _ in range(side)) + compress.flush()
    chunks = [(b"IHDR", struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)), (b"IDAT", rows), (b"IEND", b"")]
    written = [struct.pack(">I", len(data)) + kind + data for kind, data in chunks]
    crcs = [struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks]
    path.write_bytes(stored_picture.SIGNATURE + b"".join(a + b for a, b in zip(written, crcs, strict=True)))
    return path


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
