"""EPUBs built here, good and hostile, read through `read_source`."""

import contextlib
import io
import struct
import time
import zipfile

import pytest

from sframes_tui.config.config import PromptConfig
from sframes_tui.errors import StoryError
from sframes_tui.text.source import read_source
from sframes_tui.text.split import split_story

CONTAINER = (
    '<?xml version="1.0"?><container xmlns="urn:oasis:names:tc:opendocument:xmlns:container" version="1.0">'
    '<rootfiles><rootfile full-path="{}" media-type="application/oebps-package+xml"/></rootfiles></container>'
)
XHTML = "application/xhtml+xml"


def page(body, head="<title/>"):
    return (
        '<?xml version="1.0" encoding="utf-8"?><!DOCTYPE html>'
        f'<html xmlns="http://www.w3.org/1999/xhtml" xmlns:epub="http://www.idpf.org/2007/ops"><head>{head}</head>'
        f"<body>{body}</body></html>"
    )


def package(items, spine):
    """`items`: id -> (href, media type, properties); `spine`: ids."""
    manifest = "".join(
        f'<item id="{name}" href="{href}" media-type="{kind}" properties="{properties}"/>'
        for name, (href, kind, properties) in items.items()
    )
    references = "".join(f'<itemref idref="{name}"/>' for name in spine)
    return (
        '<package xmlns="http://www.idpf.org/2007/opf" version="3.0">'
        f"<manifest>{manifest}</manifest><spine>{references}</spine></package>"
    )


def book(files, package_path="OEBPS/content.opf"):
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as writer:
        writer.writestr("mimetype", "application/epub+zip")
        writer.writestr("META-INF/container.xml", CONTAINER.format(package_path))
        for path, content in files.items():
            writer.writestr(path, content)
    return archive.getvalue()


def plain_book(pages, **more):
    """A book of the given page bodies, `c0.xhtml` and so on."""
    items = {f"c{at}": (f"c{at}.xhtml", XHTML, "") for at in range(len(pages))}
    files = {f"OEBPS/c{at}.xhtml": page(body) for at, body in enumerate(pages)}
    return book({"OEBPS/content.opf": package(items, items), **files, **more})


def read(tmp_path, data):
    path = tmp_path / "book.epub"
    path.write_bytes(data)
    return read_source(path, None)


def refusal(tmp_path, data):
    with pytest.raises(StoryError) as raised:
        read(tmp_path, data)
    return str(raised.value)


def test_a_nested_spine_with_encoded_names_and_a_nested_table_of_contents(tmp_path):
    items = {
        "nav": ("toc/nav.xhtml", XHTML, "nav"),
        "b": ("text/part%201/b&#233;.xhtml", XHTML, ""),
        "a": ("text/../text/a.xhtml", XHTML, ""),
    }
    nav = (
        '<nav epub:type="landmarks"><ol><li><a href="../text/a.xhtml">Start</a></li></ol></nav>'
        '<nav epub:type="toc"><ol><li><span>Part</span><ol><li><a href="../text/part%201/bé.xhtml#x">'
        'The <i>Storm</i></a></li><li><a href="../text/a.xhtml">The Calm</a></li>'
        '<li><a href="../text/a.xhtml#2">Later</a></li></ol></li></ol></nav>'
    )
    text = read(
        tmp_path,
        book(
            {
                "OEBPS/content.opf": package(items, ["nav", "b", "a", "b"]),
                "OEBPS/toc/nav.xhtml": page(nav),
                "OEBPS/text/a.xhtml": page("<p>The sea is calm.</p>"),
                "OEBPS/text/part 1/bé.xhtml": page(
                    "<h1>2</h1><h2>Storm</h2><p>Rain falls.</p><div>Wind<br/>blows.</div>"
                ),
            }
        ),
    )
    assert text.chapters == (("The Storm", "Rain falls.\nWind\nblows."), ("The Calm", "The sea is calm."))
    assert text.text == "2\nStorm\nRain falls.\nWind\nblows.\n\nThe sea is calm."
    assert [note.text for note in text.notes] == ["The EPUB's table of contents is left out."]


def test_titles_from_the_ncx_the_heading_or_the_file_name(tmp_path):
    items = {each: (f"{each}.xhtml", XHTML, "") for each in "abc"} | {"n": ("toc.ncx", "application/x-dtbncx+xml", "")}
    ncx = (
        '<ncx xmlns="http://www.daisy.org/z3986/2005/ncx/"><navMap><navPoint><navLabel><text>Part</text></navLabel>'
        '<content src="gone.xhtml"/><navPoint><navLabel><text>From the\nNCX</text></navLabel>'
        '<content src="a.xhtml#top"/>'
        "</navPoint></navPoint></navMap></ncx>"
    )
    data = book(
        {
            "content.opf": package(items, "abc"),
            "toc.ncx": ncx,
            "a.xhtml": page("<h1>Own</h1><p>x</p>"),
            "b.xhtml": page("<section><h3>From the <em>heading</em></h3><p>y</p></section>"),
            "c.xhtml": page("<p>z</p>"),
        },
        "content.opf",
    )
    assert read(tmp_path, data).chapters == (("From the NCX", "x"), ("From the heading", "y"), ("c", "z"))


def test_text_is_what_a_reader_sees(tmp_path):
    body = (
        "<script>no()</script><style>p{}</style>"
        "<p>A&nbsp;caf&eacute; &amp; a\n  <b>tower</b>&#8212;tall &lt;b&gt;<!-- no --></p>"
        "<ul><li>one</li><li>two</li></ul><table><tr><td>l</td><td>r</td></tr></table><pre>verse 1\nverse 2</pre>"
        "<p><ruby>灯<rt>とう</rt></ruby>台</p><p>&nbsp;</p>"
    )
    (_, text), *_ = read(tmp_path, plain_book([body])).chapters
    assert text.split("\n") == ["A\xa0café & a tower—tall <b>", "one", "two", "l r", "verse 1", "verse 2", "灯台"]


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"<html><body><p>un<b>closed<p>tags &eacute;</body>", "unclosed\ntags é"),
        ("<html><body><p>søster</p></body></html>".encode("utf-16"), "søster"),
        ("<?xml version='1.0' encoding='windows-1252'?><html><body>søster</body></html>".encode("cp1252"), "søster"),
        (b"<html><body>s\xf8ster</body></html>", "søster"),
        (b"<html><head><title/></head><body><p>br<br/>eak<img src=x/>s</body></html>", "br\neaks"),
    ],
)
def test_pages_that_are_not_well_formed_utf8(tmp_path, data, text):
    (_, read_text), *_ = read(tmp_path, plain_book([""], **{"OEBPS/c0.xhtml": data})).chapters
    assert read_text == text


def test_blank_pages_and_missing_items_are_left_out_with_a_note(tmp_path):
    items = {"cover": ("cover.xhtml", XHTML, ""), "part": ("part.xhtml", XHTML, ""), "gone": ("gone.xhtml", XHTML, "")}
    items |= {"svg": ("a.svg", "image/svg+xml", ""), "a": ("a.xhtml", XHTML, "")}
    files = {
        "OEBPS/content.opf": package(items, [*items, "ghost"]),
        "OEBPS/cover.xhtml": page('<img src="cover.jpg" alt="cover"/>'),
        "OEBPS/part.xhtml": page("<h1>PART ONE</h1>"),
        "OEBPS/a.xhtml": page("<p>x</p>"),
    }
    text = read(tmp_path, book(files))
    assert text.chapters == (("a", "x"),)
    assert [note.text for note in text.notes] == [
        "'OEBPS/cover.xhtml' of the EPUB holds no text to draw and is left out.",
        "'OEBPS/part.xhtml' of the EPUB holds no text to draw and is left out.",
        "'OEBPS/gone.xhtml' is missing from the EPUB and left out.",
        "'OEBPS/a.svg' of the EPUB is no text and is left out.",
        "The EPUB's spine names 'ghost', which its manifest doesn't have.",
    ]


def test_chapters_come_from_the_spine_unless_a_regex_is_given(tmp_path):
    text = read(tmp_path, plain_book(["<h1>One</h1><p>a</p><p>b</p>", "<h1>Two</h1><p>c</p>"]))
    by_spine = split_story(text, PromptConfig(source="book.epub"), "book")
    by_regex = split_story(text, PromptConfig(source="book.epub", chapter_split_regex="Two"), "book")
    assert [(chapter.title, chapter.prompts) for chapter in by_spine.chapters] == [("One", ("a", "b")), ("Two", ("c",))]
    assert [(chapter.title, chapter.prompts) for chapter in by_regex.chapters] == [("Two", ("c",))]


def test_entities_of_the_document_type_are_not_loaded(tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("hunter2")
    bomb = "".join(f'<!ENTITY b{at + 1} "{f"&b{at};" * 10}">' for at in range(9))
    hostile = (
        f'<!DOCTYPE html [<!ENTITY s SYSTEM "{secret.as_uri()}"><!ENTITY b0 "{"x" * 1000}">{bomb}]>'
        '<html xmlns="http://www.w3.org/1999/xhtml"><body><p>seen &s; &b9;</p></body></html>'
    )
    (_, text), *_ = read(tmp_path, plain_book([""], **{"OEBPS/c0.xhtml": hostile})).chapters
    assert text == "seen &s; &b9;"


def test_a_zip_bomb_is_refused(tmp_path):
    many = plain_book(["x" * (7 * 2**20)] * 5)
    one = plain_book([" " * (20 * 2**20)])
    for data in (many, one):
        assert len(data) < 200_000
        assert "it unpacks to more than 8 MB in one file or 32 MB in all" in refusal(tmp_path, data)


def test_a_zip_bomb_that_lies_about_its_size_is_refused(tmp_path):
    data = bytearray(plain_book([" " * (20 * 2**20)]))
    entry = data.rindex(b"OEBPS/c0.xhtml") - 46
    assert data[entry : entry + 4] == b"PK\1\2"
    struct.pack_into("<L", data, entry + 24, 100)
    assert "the archive is broken at 'OEBPS/c0.xhtml'" in refusal(tmp_path, bytes(data))


@pytest.mark.parametrize("quote", ["", "'>'", '"<"', "'"])
def test_a_tag_with_very_many_attributes_is_read_fast(tmp_path, quote):
    attributes = " ".join(f"a{at}={quote}" for at in range(200_000))
    begun = time.perf_counter()
    read(tmp_path, plain_book(["<p>x</p>"], **{"OEBPS/c0.xhtml": f"<p {attributes}>x<p>y"}))
    assert time.perf_counter() - begun < 60


def test_very_many_files_are_refused(tmp_path):
    data = plain_book(["x"]) + b"PK\1\2" * 20_001
    assert "it holds more than 20,000 files" in refusal(tmp_path, data)


def test_deep_nesting_is_read_or_refused_but_never_crashes(tmp_path):
    text = read(tmp_path, plain_book(["<div>" * 100_000 + "deep", "<p>x</p>"]))
    assert text.chapters[-1] == ("c1", "x")


@pytest.mark.parametrize(("algorithm", "readable"), [("http://www.idpf.org/2008/embedding", True), ("urn:aes", False)])
def test_copy_protection_is_told_from_scrambled_fonts(tmp_path, algorithm, readable):
    encryption = (
        '<encryption xmlns:enc="http://www.w3.org/2001/04/xmlenc#"><enc:EncryptedData><enc:EncryptionMethod '
        f'Algorithm="{algorithm}"/><enc:CipherData><enc:CipherReference URI="OEBPS/c0.xhtml"/></enc:CipherData>'
        "</enc:EncryptedData></encryption>"
    )
    data = plain_book(["<p>x</p>"], **{"META-INF/encryption.xml": encryption})
    if readable:
        assert read(tmp_path, data).chapters == (("c0", "x"),)
    else:
        assert "its text is encrypted (DRM)" in refusal(tmp_path, data)


def test_a_member_with_a_password(tmp_path):
    data = bytearray(plain_book(["<p>x</p>"]))
    entry = data.rindex(b"OEBPS/c0.xhtml") - 46
    data[entry + 8] |= 1
    assert "'OEBPS/c0.xhtml' is encrypted" in refusal(tmp_path, bytes(data))


def test_broken_books(tmp_path):
    good = plain_book(["<p>x</p>"])
    assert "the archive is broken" in refusal(tmp_path, good[: len(good) // 2])
    assert "the archive is broken" in refusal(tmp_path, good[:4])
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as writer:
        writer.writestr("word/document.xml", "x")
    assert "the ZIP archive has no META-INF/container.xml; unpack it" in refusal(tmp_path, archive.getvalue())
    assert "'OEBPS/content.opf' is missing" in refusal(tmp_path, book({}))
    assert "'OEBPS/content.opf' is no XML" in refusal(tmp_path, book({"OEBPS/content.opf": ""}))
    assert refusal(tmp_path, book({"OEBPS/content.opf": "<package/>"})) == "'book.epub': the EPUB holds no text"


def test_every_cut_and_every_flipped_byte_is_read_or_refused(tmp_path):
    good = plain_book(["<h1>One</h1><p>x</p>"])
    for at in range(0, len(good), 7):
        for data in (good[:at] + bytes([good[at] ^ 0xFF]) + good[at + 1 :], good[:at] or b"P"):
            with contextlib.suppress(StoryError):
                assert read(tmp_path, data).text


def deep(name, inner, attributes="", depth=200):
    return f"<{name}{attributes}>" * depth + inner + f"</{name}>" * depth


LINK = ' href="a.xhtml"'
LINKS = f"<a{LINK}>x</a>" * 60_000
NAVS = {
    "nav in nav": deep("nav", LINKS),
    "a in a": f"<nav>{deep('a', '<b>x</b>' * 60_000, LINK)}</nav>",
}
POINTS = {
    "points without labels": deep("navPoint", "<x/>" * 200_000),
    "labels in labels": "<navPoint><navLabel>" * 100 + "x" * 4_000_000 + "</navLabel><content/></navPoint>" * 100,
}


@pytest.mark.parametrize("nav", NAVS.values(), ids=NAVS)
def test_a_nested_navigation_document_is_walked_once(tmp_path, nav):
    items = {"nav": ("nav.xhtml", XHTML, "nav"), "a": ("a.xhtml", XHTML, "")}
    files = {"content.opf": package(items, "a"), "nav.xhtml": page(nav), "a.xhtml": page("<p>calm</p>")}
    begun = time.thread_time()
    text = read(tmp_path, book(files, "content.opf"))
    assert time.thread_time() - begun < 20
    assert text.chapters == (("x" * min(len(text.chapters[0][0]), 200), "calm"),)


@pytest.mark.parametrize("points", POINTS.values(), ids=POINTS)
def test_a_nested_ncx_is_walked_once(tmp_path, points):
    items = {"ncx": ("toc.ncx", "application/x-dtbncx+xml", ""), "a": ("a.xhtml", XHTML, "")}
    ncx = f'<ncx xmlns="http://www.daisy.org/z3986/2005/ncx/"><navMap>{points}</navMap></ncx>'
    files = {"content.opf": package(items, "a"), "toc.ncx": ncx, "a.xhtml": page("<p>calm</p>")}
    begun = time.thread_time()
    assert read(tmp_path, book(files, "content.opf")).chapters == (("a", "calm"),)
    assert time.thread_time() - begun < 20


def test_a_spine_of_very_many_items_is_refused_as_that(tmp_path):
    items = {f"c{at}": ("c.xhtml", XHTML, "") for at in range(20_000)}
    files = {"content.opf": package(items, [*items, *items]), "c.xhtml": page("<p>x</p>")}
    assert "its spine lists more than 20,000 items" in refusal(tmp_path, book(files, "content.opf"))
    files["content.opf"] = package(items | {"more": ("d.xhtml", XHTML, "")}, items)
    assert "its manifest lists more than 20,000 items" in refusal(tmp_path, book(files, "content.opf"))


def test_a_file_that_the_spine_lists_often_is_read_once(tmp_path):
    items = {f"c{at}": ("c.xhtml", XHTML, "") for at in range(9_000)}
    files = {"content.opf": package(items, items), "c.xhtml": page("<p>calm</p>" * 1000)}
    text = read(tmp_path, book(files, "content.opf"))
    assert len(text.chapters) == 1


def test_very_many_chapters_are_split_without_blaming_the_regex(tmp_path):
    items = {f"c{at}": (f"{at}", XHTML, "") for at in range(5_000)}
    pages = {f"{at}": "<p>x</p>" for at in range(5_000)}
    text = read(tmp_path, book({"content.opf": package(items, items), **pages}, "content.opf"))
    pattern = "|".join(f"no{at}" for at in range(1_400))
    story = split_story(text, PromptConfig(source="book.epub", prompt_split_regex=pattern), "book")
    assert len(story.chapters) == 5_000


def test_what_is_left_out_of_a_book_is_told_in_few_notes(tmp_path):
    items = {f"c{at}": (f"{at}", XHTML, "") for at in range(50)} | {"a": ("a.xhtml", XHTML, "")}
    files = {"content.opf": package(items, [*items, "x" * 100_000]), "a.xhtml": page("<p>calm</p>")}
    notes = read(tmp_path, book(files, "content.opf")).notes
    assert [note.text for note in notes][19:] == [
        "'19' is missing from the EPUB and left out.",
        "31 more of the EPUB's files are left out.",
    ]


LONG = "n" * 100_000


@pytest.mark.parametrize(
    "start",
    [
        f'<html xmlns="{LONG}">',
        f"<html xmlns:a = '{LONG}' xmlns='x'>",
        f'<!DOCTYPE html [<!ENTITY n "{LONG}">]><html xmlns="&n;">',
        f'<!-- <!DOCTYPE --><!DOCTYPE html [<!ENTITY n "{LONG}">]><html xmlns="&n;">',
        f'<!-- <!DOCTYPE --><!DOCTYPE html [<!ATTLIST p xmlns CDATA "{LONG}">]><html>',
    ],
    ids=["default", "prefix", "entity", "second document type", "default attribute"],
)
def test_a_namespace_as_long_as_a_book_does_not_multiply(tmp_path, start):
    begun = time.thread_time()
    hostile = f"{start}<body>{'<p>x</p>' * 200_000}</body></html>"
    with contextlib.suppress(StoryError):
        read(tmp_path, plain_book(["<p>x</p>"], **{"OEBPS/c0.xhtml": hostile}))
    assert time.thread_time() - begun < 20


def test_very_many_comments_and_tags_are_read_fast_or_refused(tmp_path):
    begun = time.thread_time()
    text = read(tmp_path, plain_book(["<p>" + "<!--x-->y" * 200_000 + "</p>"]))
    assert text.chapters == (("c0", "y" * 200_000),)
    assert time.thread_time() - begun < 20
    assert "it holds more than 1,000,000 tags" in refusal(tmp_path, plain_book(["<b/>" * 1_000_001]))


def test_names_as_long_as_books_are_refused(tmp_path):
    path = "a/" * 600 + "content.opf"
    assert "a file whose name has more than 1,000 characters" in refusal(tmp_path, book({path: "x"}, path))
