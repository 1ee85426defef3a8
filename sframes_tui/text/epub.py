"""An EPUB's bytes -> the text of its chapters, in reading order.

The book may come from a stranger: nothing is written, no entity or document type is loaded, what is unpacked is
bounded by the bytes that really come out, and each document is walked once, however deep it is. Follows the EPUB 3.3
container and package documents; EPUB 2's NCX is read where there is no navigation document.
"""

import io
import lzma
import posixpath
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from urllib.parse import unquote, urlsplit

from lxml import etree

from sframes_tui.errors import Note, StoryError
from sframes_tui.text.xhtml import (
    Line,
    decoded_markup,
    local_name,
    outermost,
    parse_xhtml,
    parse_xml,
    text_lines,
)

MAX_UNPACKED = 32 * 1024 * 1024
MAX_MEMBER = 8 * 1024 * 1024
MAX_MEMBERS = 20_000
"""Files in the archive, entries of the manifest and of the spine."""
MAX_PATH = 1_000
MAX_TAGS = 1_000_000
"""Of all documents that are read; each takes some microseconds and, for a while, some hundred bytes."""
MAX_LINKS = 100_000
"""Of a table of contents; the files behind it are named by their headings."""
MAX_TITLE = 200
MAX_NOTES = 20

FONT_SCRAMBLING = {"http://www.idpf.org/2008/embedding", "http://ns.adobe.com/pdf/enc#RC"}
CONTAINER = "META-INF/container.xml"
TEXT_TYPES = {"application/xhtml+xml", "text/html", "application/x-dtbook+xml", ""}


def is_zip(data: bytes) -> bool:
    return data[:4] in (b"PK\3\4", b"PK\5\6", b"PK\7\10")


@dataclass(frozen=True, slots=True)
class EpubChapter:
    """A file of the spine."""

    title: str
    """From the table of contents, else the first heading, else the file's name."""
    heading: str
    """The headings at its beginning, one a line."""
    text: str
    """What follows them, one block of text a line."""


@dataclass(frozen=True, slots=True)
class _Item:
    """An entry of the manifest."""

    path: str
    """Inside the archive."""
    media_type: str
    properties: frozenset[str]


def read_epub(data: bytes, name: str) -> tuple[tuple[EpubChapter, ...], tuple[Note, ...]]:
    """The chapters of the book in its spine's order, and what was left out of it; `name` is the file's, for messages.

    Raises `StoryError` for an archive that is broken, encrypted, too large when unpacked, or without any text.
    """
    archive = _Archive(data, name)
    package_path = _package_path(archive)
    package = archive.xml(package_path)
    manifest = _manifest(archive, package, package_path)
    titles = _titles(archive, manifest)
    archive.refuse_encrypted({item.path for item in manifest.values()})
    chapters: list[EpubChapter] = []
    notes: list[Note] = []
    for item in _spine(archive, package, manifest, notes):
        if item.path not in archive:
            notes.append(Note("warning", f"{item.path!r} is missing from the EPUB and left out."))
        elif chapter := _chapter(item.path, archive.markup(item.path), titles):
            chapters.append(chapter)
        else:
            notes.append(Note("info", f"{item.path!r} of the EPUB holds no text to draw and is left out."))
    if not chapters:
        raise StoryError(f"{name!r}: the EPUB holds no text")
    return tuple(chapters), _first_notes(notes)


class _Archive:
    """The members of a ZIP archive, read within bounds; every fault is a `StoryError`."""

    def __init__(self, data: bytes, name: str) -> None:
        self._name = name
        self._left = MAX_UNPACKED
        self._tags_left = MAX_TAGS
        if data.count(b"PK\1\2") > MAX_MEMBERS:
            raise self.fault(f"it holds more than {MAX_MEMBERS:,} files")
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(data))
            self._members = {info.filename: info for info in self._zip.infolist()}
        except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
            raise self.fault(f"the archive is broken ({error})") from None
        if any(len(path) > MAX_PATH for path in self._members):
            raise self.fault(f"it holds a file whose name has more than {MAX_PATH:,} characters")

    def fault(self, what: str) -> StoryError:
        return StoryError(f"{self._name!r} can't be read as an EPUB: {what}")

    def __contains__(self, path: str) -> bool:
        return path in self._members

    def read(self, path: str) -> bytes:
        """A member's bytes; the sizes that the archive declares are not believed."""
        if path not in self._members:
            raise self.fault(f"{path!r} is missing")
        info = self._members[path]
        if info.flag_bits & 1:
            raise self.fault(f"{path!r} is encrypted")
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise self.fault(f"{path!r} is compressed in a way that EPUB doesn't allow")
        limit = min(self._left, MAX_MEMBER)
        try:
            with self._zip.open(info) as member:
                data = member.read(limit + 1)
        except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError, ValueError, RuntimeError) as error:
            raise self.fault(f"the archive is broken at {path!r} ({error})") from None
        if len(data) > limit:
            sizes = f"{MAX_MEMBER // 2**20} MB in one file or {MAX_UNPACKED // 2**20} MB in all"
            raise self.fault(f"it unpacks to more than {sizes}")
        self._left -= len(data)
        return data

    def markup(self, path: str) -> str:
        """A document's text."""
        try:
            markup = decoded_markup(self.read(path))
        except ValueError as error:
            raise self.fault(f"{path!r} has {error}") from None
        self._tags_left -= markup.count("<")
        if self._tags_left < 0:
            raise self.fault(f"it holds more than {MAX_TAGS:,} tags")
        return markup

    def xml(self, path: str) -> etree._Element:
        root = parse_xml(self.markup(path))
        if root is None:
            raise self.fault(f"{path!r} is no XML")
        return root

    def refuse_encrypted(self, wanted: set[str]) -> None:
        """Scrambled fonts don't matter; a text that only the shop's own reader can open does."""
        if "META-INF/encryption.xml" not in self:
            return
        for data in outermost(self.xml("META-INF/encryption.xml"), "EncryptedData"):
            methods = {method.get("Algorithm", "") for method in _named(data, "EncryptionMethod")}
            paths = {_resolved("", reference.get("URI", "")) for reference in _named(data, "CipherReference")}
            if paths & wanted and not methods <= FONT_SCRAMBLING:
                raise self.fault("its text is encrypted (DRM); only the shop's own programs can open it")


def _named(root: etree._Element, name: str) -> Iterator[etree._Element]:
    return (element for element in root.iter() if local_name(element) == name)


def _resolved(base: str, href: str) -> str:
    """The path inside the archive that `href`, found in the file `base`, points to."""
    try:
        path = unquote(urlsplit(href).path)
    except ValueError:
        return href
    return posixpath.normpath(posixpath.join(posixpath.dirname(base), path)) if path else base


def _package_path(archive: _Archive) -> str:
    if CONTAINER not in archive:
        raise archive.fault(f"the ZIP archive has no {CONTAINER}; unpack it and name the text inside")
    for rootfile in _named(archive.xml(CONTAINER), "rootfile"):
        if path := rootfile.get("full-path"):
            return posixpath.normpath(str(path))
    raise archive.fault(f"{CONTAINER} names no package document")


def _listed(archive: _Archive, package: etree._Element, name: str, where: str) -> list[etree._Element]:
    listed = list(islice(_named(package, name), MAX_MEMBERS + 1))
    if len(listed) > MAX_MEMBERS:
        raise archive.fault(f"its {where} lists more than {MAX_MEMBERS:,} items")
    return listed


def _manifest(archive: _Archive, package: etree._Element, package_path: str) -> dict[str, _Item]:
    return {
        item.get("id", ""): _Item(
            _resolved(package_path, item.get("href", "")),
            item.get("media-type", ""),
            frozenset(item.get("properties", "").split()),
        )
        for item in _listed(archive, package, "item", "manifest")
    }


def _spine(
    archive: _Archive, package: etree._Element, manifest: dict[str, _Item], notes: list[Note]
) -> Iterator[_Item]:
    """What is to be read in order, each file once."""
    seen: set[str] = set()
    for reference in _listed(archive, package, "itemref", "spine"):
        name = reference.get("idref", "")
        item = manifest.get(name)
        if (item.path if item else name) in seen:
            continue
        seen.add(item.path if item else name)
        if item is None:
            notes.append(Note("warning", f"The EPUB's spine names {name[:80]!r}, which its manifest doesn't have."))
        elif "nav" in item.properties:
            notes.append(Note("info", "The EPUB's table of contents is left out."))
        elif item.media_type not in TEXT_TYPES:
            notes.append(Note("info", f"{item.path!r} of the EPUB is no text and is left out."))
        else:
            yield item


def _first_notes(notes: list[Note]) -> tuple[Note, ...]:
    more = len(notes) - MAX_NOTES
    return (*notes[:MAX_NOTES], *([Note("warning", f"{more:,} more of the EPUB's files are left out.")] * (more > 0)))


def _titles(archive: _Archive, manifest: dict[str, _Item]) -> dict[str, str]:
    """Titles from the navigation document or the NCX: the first entry that points into a file names it."""
    titles: dict[str, str] = {}
    for path, links in _contents(archive, manifest):
        for href, title in islice(links, MAX_LINKS):
            if title:
                titles.setdefault(_resolved(path, href), title)
    return titles


def _contents(archive: _Archive, manifest: dict[str, _Item]) -> Iterator[tuple[str, Iterator[tuple[str, str]]]]:
    """The document that holds the table of contents, and its links."""
    there = [item for item in manifest.values() if item.path in archive]
    if nav := next((item.path for item in there if "nav" in item.properties), None):
        yield nav, _nav_links(parse_xhtml(archive.markup(nav)))
    elif ncx := next((item.path for item in there if item.media_type == "application/x-dtbncx+xml"), None):
        yield ncx, _ncx_links(archive.xml(ncx))


def _nav_links(root: etree._Element) -> Iterator[tuple[str, str]]:
    for nav in outermost(root, "nav"):
        if "toc" in (nav.get("{http://www.idpf.org/2007/ops}type") or nav.get("epub:type") or "toc").split():
            yield from ((link.get("href", ""), _text(link)) for link in outermost(nav, "a"))


def _ncx_links(root: etree._Element) -> Iterator[tuple[str, str]]:
    """Of each point, its own label and content, which are its children."""
    walk = etree.iterwalk(root, events=("start",))
    for _, element in walk:
        if local_name(element) == "navLabel":
            walk.skip_subtree()
        elif local_name(element) == "navPoint":
            children = {local_name(child): child for child in reversed(element)}
            if "navLabel" in children and "content" in children:
                yield children["content"].get("src", ""), _text(children["navLabel"])


def _text(element: etree._Element) -> str:
    return " ".join("".join(element.itertext()).split())[:MAX_TITLE]


def _chapter(path: str, markup: str, titles: dict[str, str]) -> EpubChapter | None:
    lines = text_lines(parse_xhtml(markup))
    body = next((at for at, line in enumerate(lines) if not line.heading), len(lines))
    if body == len(lines):
        return None
    title = titles.get(path) or _first_heading(lines) or posixpath.splitext(posixpath.basename(path))[0]
    heading = "\n".join(line.text for line in lines[:body])
    return EpubChapter(title[:MAX_TITLE], heading, "\n".join(line.text for line in lines[body:]))


def _first_heading(lines: list[Line]) -> str:
    return next((line.text for line in lines if line.heading), "")
