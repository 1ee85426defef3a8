"""Files found, read and decoded; every unusable one by its sentence."""

import codecs
import os
import time
from pathlib import Path

import pytest

from sframes_tui.errors import StoryError
from sframes_tui.text.source import MAX_BYTES, find_source, read_source

FRENCH = "Le café était déjà fermé ; l'été, il déjeune à la plage.\n" * 3


def read(tmp_path, data, encoding=None, name="story.txt"):
    path = tmp_path / name
    path.write_bytes(data)
    return read_source(path, encoding)


def refusal(tmp_path, data, encoding=None):
    with pytest.raises(StoryError) as raised:
        read(tmp_path, data, encoding)
    return str(raised.value).replace(str(tmp_path) + "/", "")


def test_a_relative_source_is_looked_up_beside_the_config_then_in_the_working_folder(tmp_path, monkeypatch):
    beside, working = tmp_path / "beside", tmp_path / "working"
    beside.mkdir()
    working.mkdir()
    monkeypatch.chdir(working)
    (working / "a.txt").write_text("working")
    assert find_source("a.txt", beside) == working / "a.txt"
    (beside / "a.txt").write_text("beside")
    assert find_source("a.txt", beside) == beside / "a.txt"
    assert find_source("a.txt", None) == working / "a.txt"
    assert find_source(str(beside / "a.txt"), working) == beside / "a.txt"
    with pytest.raises(StoryError) as raised:
        find_source("b.txt", beside)
    assert str(raised.value) == f"source 'b.txt': no such file in '{beside}' or '{working}'"


@pytest.mark.parametrize("source", ["no\0body", "x" * 5000, "/no/where", "~nosuchuser/a.txt", "a\x1b]52;c;eA==\x07"])
def test_names_that_can_not_be_are_not_found(source, tmp_path):
    with pytest.raises(StoryError, match=r"^source .*no such") as raised:
        find_source(source, tmp_path)
    assert "\x1b" not in str(raised.value)


def test_line_ends_become_one_and_only_those(tmp_path):
    assert (
        read(tmp_path, b"a\r\nb\rc\n\r\nd\x0be\x0cf\xc2\x85g\xe2\x80\xa8h").text == "a\nb\nc\n\nd\x0be\x0cf\x85g\u2028h"
    )


def test_control_characters_stay(tmp_path):
    assert read(tmp_path, b"\x1b[31mred\x07").text == "\x1b[31mred\x07"


@pytest.mark.parametrize(
    ("mark", "encoding"),
    [
        (b"", "utf-8"),
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
        (codecs.BOM_UTF32_LE, "utf-32-le"),
        (codecs.BOM_UTF32_BE, "utf-32-be"),
    ],
)
def test_unicode_is_read_without_its_mark_and_without_a_note(tmp_path, mark, encoding):
    text = read(tmp_path, mark + "Søren\r\n白い".encode(encoding))
    assert text.text == "Søren\n白い"
    assert text.notes == ()


@pytest.mark.parametrize(
    ("encoding", "told", "text"),
    [
        ("cp1252", "cp1252", FRENCH),
        ("cp1252", "cp1252", "café"),
        ("cp1252", "cp1252", "“Don’t,” she said — and left the house.\n"),
        ("cp1251", "cp1251", "Старый маяк стоит на скале среди спокойного моря.\n"),
        ("shift_jis", "cp932", "白い灯台は静かな海の岩の上に立っている。\n"),
        ("gb18030", "gb18030", "白色的灯塔矗立在平静海面的岩石上。\n"),
        ("cp1250", "cp1250", "Bílý maják stojí na skále v klidném moři, žluťoučký kůň.\n"),
    ],
)
def test_other_encodings_are_detected_with_a_note(tmp_path, encoding, told, text):
    plain = "The sea is calm and the sky is clear.\n" * 3000
    read_text = read(tmp_path, (plain + text).encode(encoding))
    assert read_text.text == plain + text
    assert [note.text for note in read_text.notes] == [f"The text was decoded as {told}, since it is not UTF-8."]


def test_a_given_encoding_is_obeyed(tmp_path):
    assert read(tmp_path, "déjà".encode("cp850"), "cp850").text == "déjà"
    assert read(tmp_path, "déjà".encode("utf-16"), "utf-16").text == "déjà"
    assert read(tmp_path, codecs.BOM_UTF8 + b"x", "utf-8").text == "x"


@pytest.mark.parametrize(
    ("data", "encoding", "message"),
    [
        (b"", None, "source 'story.txt' is empty: there is nothing to draw"),
        (b" \n\t\xc2\xa0\r\n", None, "source 'story.txt' is blank: there is nothing to draw"),
        (codecs.BOM_UTF8, None, "source 'story.txt' is blank: there is nothing to draw"),
        (b"abc", "utf8000", 'encoding \'utf8000\' is not known; known are "utf-8", "cp1252", "shift_jis" …'),
        (b"abc", "punycode", 'encoding \'punycode\' is not known; known are "utf-8", "cp1252", "shift_jis" …'),
        (b"abc", "base64", 'encoding \'base64\' is not known; known are "utf-8", "cp1252", "shift_jis" …'),
        (b"abc", "a\0b", 'encoding \'a\\x00b\' is not known; known are "utf-8", "cp1252", "shift_jis" …'),
        (
            b"caf\xe9 au lait",
            "utf-8",
            "source 'story.txt' is not utf-8: the byte 0xe9 at offset 3 doesn't fit (invalid continuation byte)",
        ),
        (
            b"\xff\xfea",
            None,
            "source 'story.txt' is not utf-16: the byte 0x61 at offset 2 doesn't fit (truncated data)",
        ),
    ],
)
def test_text_that_can_not_be_used(tmp_path, data, encoding, message):
    assert refusal(tmp_path, data, encoding) == message


def test_nul_characters_are_refused_with_the_offset(tmp_path):
    assert refusal(tmp_path, b"ab\0c").startswith(
        "source 'story.txt' is no text: it holds a NUL character at offset 2; "
    )
    assert 'set encoding = "utf-16-le"' in refusal(tmp_path, "story".encode("utf-16-le"))
    assert "is not UTF-8: the byte 0x89 at offset 0" in refusal(tmp_path, b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR")


def test_special_files_are_refused_without_opening_them(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for path in (pipe, "/dev/zero"):
        with pytest.raises(StoryError, match="is a pipe, socket or device; name a text file or an EPUB"):
            read_source(type(tmp_path)(path), None)
    with pytest.raises(StoryError, match="is a folder; name a text file"):
        read_source(tmp_path, None)


def test_files_that_can_not_be_opened(tmp_path):
    with pytest.raises(StoryError, match="can't be read: No such file or directory"):
        read_source(tmp_path / "gone.txt", None)
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    with pytest.raises(StoryError, match="can't be read: Too many levels of symbolic links"):
        read_source(loop, None)


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_file_without_permission(tmp_path):
    path = tmp_path / "secret.txt"
    path.write_text("x")
    path.chmod(0)
    with pytest.raises(StoryError, match="can't be read: Permission denied"):
        read_source(path, None)


def test_a_huge_file_is_refused_unread(tmp_path):
    path = tmp_path / "huge.txt"
    with path.open("wb") as file:
        file.truncate(5 * 2**30)
    with pytest.raises(StoryError, match="is larger than 64 MB; split it into smaller files"):
        read_source(path, None)


def test_the_largest_file_is_read(tmp_path):
    line = b"a line of some length, as they are in a book\n"
    data = line * (MAX_BYTES // len(line))
    assert len(read(tmp_path, data).text) == len(data)


def test_something_called_epub_that_is_none(tmp_path):
    with pytest.raises(StoryError, match="is no EPUB: it is not a ZIP archive"):
        read(tmp_path, b"plain text", name="book.epub")


def test_the_encoding_of_a_line_as_long_as_a_book_is_looked_for_in_a_part_of_it(tmp_path):
    begun = time.thread_time()
    text = read(
        tmp_path, b"a sentence that goes on and on " * 500_000 + "Le café était déjà fermé ; l'été".encode("cp1252")
    )
    assert time.thread_time() - begun < 20
    assert text.text.endswith("Le café était déjà fermé ; l'été")


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="a file of Linux's")
def test_a_file_that_only_the_system_reads_is_one_sentence():
    with pytest.raises(StoryError, match="can't be read: Input/output error"):
        read_source(Path("/proc/self/mem"), None)
