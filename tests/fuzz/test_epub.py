"""Books of strangers: bytes put wrong, and members that say what no book says."""

import io
import time
import zipfile

from hypothesis import example, given
from hypothesis import strategies as st

from sframes_tui.text.epub import read_epub
from tests.fuzz.held import fuzzed, growth, held
from tests.fuzz.odd import TEXTS, mutated
from tests.text.test_epub import CONTAINER, XHTML, package, page, plain_book

NAV = (
    '<html xmlns="http://www.w3.org/1999/xhtml"><body><nav><ol><li><a href="c0.xhtml">One</a></li></ol></nav></body>'
    "</html>"
)
NCX = (
    '<ncx xmlns="http://www.daisy.org/z3986/2005/ncx/"><navMap><navPoint><navLabel><text>One</text></navLabel>'
    '<content src="c0.xhtml"/></navPoint></navMap></ncx>'
)
WHOLE = plain_book(["<h1>One</h1><p>a boat</p>", "<h2>Two</h2><p>a <b>wave</b></p>"])
EPUB_2 = {"c0": ("c0.xhtml", XHTML, ""), "x": ("toc.ncx", "application/x-dtbncx+xml", "")}
ITEMS = {**EPUB_2, "nav": ("nav.xhtml", XHTML, "nav")}
MEMBERS = {
    "META-INF/container.xml": CONTAINER.format("OEBPS/content.opf"),
    "OEBPS/content.opf": package(ITEMS, ["c0"]),
    "OEBPS/c0.xhtml": page("<h1>One</h1><p>a boat</p>"),
    "OEBPS/nav.xhtml": NAV,
    "OEBPS/toc.ncx": NCX,
    "META-INF/encryption.xml": "<encryption/>",
}
TAGS = st.sampled_from(["nav", "a", "navPoint", "navLabel", "li", "div", "h1", "item"])


def is_text(chapter):
    return all(isinstance(each, str) for each in (chapter.title, chapter.heading, chapter.text))


def read(data):
    found = held(lambda: read_epub(data, "book.epub"))
    if found is not None:
        assert all(map(is_text, found[0]))


@fuzzed(120)
@given(mutated(WHOLE))
def test_bytes(data):
    read(data)


@fuzzed(120)
@given(st.data())
def test_members(data):
    """The archive is sound: what a member says is all that is wrong."""
    name = data.draw(st.sampled_from(sorted(MEMBERS)))
    files = {**MEMBERS, name: data.draw(mutated(MEMBERS[name].encode()))}
    if extra := data.draw(st.dictionaries(TEXTS.filter(is_a_name), st.binary(max_size=20), max_size=2)):
        files.update(extra)
    read(packed(files))


def is_a_name(name):
    return bool(name) and len(name) < 1000 and name.isprintable()


NESTS = st.lists(st.tuples(TAGS, st.sampled_from([20, 200])), min_size=1, max_size=4)
READ = st.sampled_from([name for name in MEMBERS if name.startswith("OEBPS/")])


@fuzzed(60)
@given(NESTS, st.sampled_from([50, 3000]), READ)
@example([("nav", 200)], 3000, "OEBPS/nav.xhtml")
@example([("navPoint", 200)], 3000, "OEBPS/toc.ncx")
def test_nests(nests, leaves, name):
    """Elements in elements, and many beside each other: time and memory go with the file's size alone."""
    opened = "".join(f"<{tag}>" * times for tag, times in nests)
    closed = "".join(f"</{tag}>" * times for tag, times in reversed(nests))
    body = opened + '<a href="c0.xhtml">x</a><content src="c0.xhtml"/>' * leaves + closed
    whole = {**MEMBERS, "OEBPS/content.opf": package(EPUB_2 if name.endswith("ncx") else ITEMS, ["c0"])}
    at = whole[name].rfind("</")
    data = packed({**whole, name: whole[name][:at] + body + whole[name][at:]})
    begun = time.thread_time()
    assert growth(lambda: read(data)) < 200 * len(body) + 50_000_000
    # Of this thread alone, so that busy neighbours don't count; 300 kB of XML take about 0.2 s.
    assert time.thread_time() - begun < 5


@fuzzed(80)
@given(st.lists(st.tuples(TEXTS, TEXTS, TEXTS), max_size=6), st.lists(TEXTS, max_size=6))
def test_packages(items, spine):
    """Manifests that name anything."""
    made = "".join(f"<item id={attribute(a)} href={attribute(b)} media-type={attribute(c)}/>" for a, b, c in items)
    references = "".join(f"<itemref idref={attribute(each)}/>" for each in [*spine, *(a for a, _, _ in items)])
    opf = f"<package><manifest>{made}</manifest><spine>{references}</spine></package>"
    read(packed({**MEMBERS, "OEBPS/content.opf": opf}))


def packed(files):
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as writer:
        for name, content in files.items():
            writer.writestr(name, content if isinstance(content, bytes) else content.encode(errors="replace"))
    return archive.getvalue()


def attribute(text):
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")
    return f'"{escaped}"'
