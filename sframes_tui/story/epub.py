"""An EPUB's bytes -> the text of its chapters, in reading order. Must not import torch or textual.

The book may come from a stranger: nothing is written, no entity or document type is loaded, and what is
unpacked is bounded by the bytes that really come out. Follows the EPUB 3.3 container and package documents;
EPUB 2's NCX is read where there is no navigation document.
"""

import io
import lzma
import posixpath
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from lxml import etree

from sframes_tui.errors import StoryError
from sframes_tui.story.note import Note
from sframes_tui.story.xhtml import Line, local_name, parse_xhtml, text_lines

MAX_UNPACKED = 32 * 1024 * 1024
MAX_MEMBER = 8 * 1024 * 1024
MAX_MEMBERS = 20_000

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
    manifest = _manifest(package, package_path)
    titles = _titles(archive, manifest)
    archive.refuse_encrypted({item.path for item in manifest.values()})
    chapters: list[EpubChapter] = []
    notes: list[Note] = []
    for item in _spine(package, manifest, notes):
        if item.path not in archive:
            notes.append(Note("warning", f"{item.path!r} is missing from the EPUB and left out."))
        elif chapter := _chapter(item.path, archive.read(item.path), titles):
            chapters.append(chapter)
        else:
            notes.append(Note("info", f"{item.path!r} of the EPUB holds no text to draw and is left out."))
    if not chapters:
        raise StoryError(f"{name!r}: the EPUB holds no text")
    return tuple(chapters), tuple(notes)


class _Archive:
    """The members of a ZIP archive, read within bounds; every fault is a `StoryError`."""

    def __init__(self, data: bytes, name: str) -> None:
        self._name = name
        self._left = MAX_UNPACKED
        if data.count(b"PK\1\2") > MAX_MEMBERS:
            raise self.fault(f"it holds more than {MAX_MEMBERS:,} files")
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(data))
            self._members = {info.filename: info for info in self._zip.infolist()}
        except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
            raise self.fault(f"the archive is broken ({error})") from None

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

    def xml(self, path: str) -> etree._Element:
        parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, recover=True)
        try:
            root = etree.fromstring(self.read(path), parser)
        except etree.XMLSyntaxError:
            root = None
        if root is None:
            raise self.fault(f"{path!r} is no XML")
        return root

    def refuse_encrypted(self, wanted: set[str]) -> None:
        """Scrambled fonts don't matter; a text that only the shop's own reader can open does."""
        if "META-INF/encryption.xml" not in self:
            return
        for data in _named(self.xml("META-INF/encryption.xml"), "EncryptedData"):
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


def _manifest(package: etree._Element, package_path: str) -> dict[str, _Item]:
    return {
        item.get("id", ""): _Item(
            _resolved(package_path, item.get("href", "")),
            item.get("media-type", ""),
            frozenset(item.get("properties", "").split()),
        )
        for item in _named(package, "item")
    }


def _spine(package: etree._Element, manifest: dict[str, _Item], notes: list[Note]) -> Iterator[_Item]:
    seen: set[str] = set()
    for reference in _named(package, "itemref"):
        name = reference.get("idref", "")
        item = manifest.get(name)
        if name in seen:
            continue
        seen.add(name)
        if item is None:
            notes.append(Note("warning", f"The EPUB's spine names {name!r}, which its manifest doesn't have."))
        elif "nav" in item.properties:
            notes.append(Note("info", "The EPUB's table of contents is left out."))
        elif item.media_type not in TEXT_TYPES:
            notes.append(Note("info", f"{item.path!r} of the EPUB is no text and is left out."))
        else:
            yield item


def _titles(archive: _Archive, manifest: dict[str, _Item]) -> dict[str, str]:
    """Titles from the navigation document or the NCX: the first entry that points into a file names it."""
    titles: dict[str, str] = {}
    for path, href, title in _contents(archive, manifest):
        if title:
            titles.setdefault(_resolved(path, href), title)
    return titles


def _contents(archive: _Archive, manifest: dict[str, _Item]) -> Iterator[tuple[str, str, str]]:
    navigation = [item.path for item in manifest.values() if "nav" in item.properties and item.path in archive]
    for path in navigation:
        for nav in _named(parse_xhtml(archive.read(path)), "nav"):
            if "toc" in (nav.get("{http://www.idpf.org/2007/ops}type") or nav.get("epub:type") or "toc").split():
                yield from ((path, link.get("href", ""), _text(link)) for link in _named(nav, "a"))
    if navigation:
        return
    for item in manifest.values():
        if item.media_type == "application/x-dtbncx+xml" and item.path in archive:
            for point in _named(archive.xml(item.path), "navPoint"):
                label, content = next(_named(point, "navLabel"), None), next(_named(point, "content"), None)
                if label is not None and content is not None:
                    yield item.path, content.get("src", ""), _text(label)


def _text(element: etree._Element) -> str:
    return " ".join("".join(element.itertext()).split())


def _chapter(path: str, data: bytes, titles: dict[str, str]) -> EpubChapter | None:
    lines = text_lines(parse_xhtml(data))
    body = next((at for at, line in enumerate(lines) if not line.heading), len(lines))
    if body == len(lines):
        return None
    title = titles.get(path) or _first_heading(lines) or posixpath.splitext(posixpath.basename(path))[0]
    heading = "\n".join(line.text for line in lines[:body])
    return EpubChapter(title, heading, "\n".join(line.text for line in lines[body:]))


def _first_heading(lines: list[Line]) -> str:
    return next((line.text for line in lines if line.heading), "")
