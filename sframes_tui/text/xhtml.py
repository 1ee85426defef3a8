"""XHTML -> lines of text, one for each block, as a reader would see them."""

import codecs
import html.entities
import re
from collections.abc import Iterator
from dataclasses import dataclass

from lxml import etree

HEADINGS = frozenset(["h1", "h2", "h3", "h4", "h5", "h6"])
BLOCKS = HEADINGS.union(
    [
        "address",
        "article",
        "aside",
        "blockquote",
        "body",
        "br",
        "caption",
        "center",
        "dd",
        "details",
        "div",
        "dl",
        "dt",
    ],
    ["figcaption", "figure", "footer", "header", "hr", "html", "li", "main", "nav", "ol", "p", "pre", "section"],
    ["summary", "table", "tbody", "tfoot", "thead", "tr", "ul"],
)
CELLS = frozenset(["td", "th"])
UNSEEN = frozenset(["head", "math", "noscript", "object", "rp", "rt", "script", "style", "svg", "template", "title"])
"""Not text, or (`rt`) a second reading of the text beside it."""

HTML_SPACE = re.compile(r"[ \t\n\r\f]+")
ENTITY = re.compile(r"&([A-Za-z][A-Za-z0-9]{1,31};)")
TAG = re.compile(r"<([A-Za-z][\w:-]*)([^<>]*)>?")
LINK = re.compile(r"""\b(href|epub:type)\s*=\s*("[^"<>]*"|'[^'<>]*')""")
DOCUMENT_TYPE = re.compile(r"<!DOCTYPE[^\[>]*(?:\[.*?\]\s*)?>", re.DOTALL)
DECLARED_ENCODING = re.compile(
    rb"""(?i)(?:encoding|charset)\s*=\s*["']?((?:utf|iso|us-ascii|windows|cp|mac|koi8|shift|euc|gb|big5)[\w.:-]*)"""
)
LONG_NAMESPACE = re.compile(r"""xmlns(?::[\w.-]*+)?\s*+=\s*+(?:"[^"]{1000}|'[^']{1000})""")
"""A namespace's name becomes part of every tag below it: a long one times many tags fills hours."""
DECLARATION = re.compile("<!(?=ENTITY|ATTLIST)")
KEPT_ENTITIES = frozenset(("amp;", "lt;", "gt;", "quot;", "apos;"))


@dataclass(frozen=True, slots=True)
class Line:
    """A block's text, its white space collapsed."""

    text: str
    heading: bool


def decoded_markup(data: bytes) -> str:
    """The document's text, HTML's named characters as such; a `ValueError` says what no sane document has.

    Without its document type no entity is declared that could be expanded or loaded, nor are HTML's named ones.
    """
    markup = DECLARATION.sub("<", _without_document_type(_decoded(data)))
    if LONG_NAMESPACE.search(markup):
        raise ValueError("a namespace of more than 1,000 characters")
    return ENTITY.sub(_character, markup)


def parse_xhtml(markup: str) -> etree._Element:
    """The document's root; what is not well-formed is read as HTML. Nothing outside of `markup` is loaded."""
    try:
        # XML first: HTML's parser takes everything after an XHTML `<title/>` for the title.
        return etree.fromstring(_utf8(markup), _xml_parser(recover=False))
    except etree.XMLSyntaxError:
        lenient = etree.HTMLParser(encoding="utf-8", no_network=True, remove_comments=True, remove_pis=True)
        root = etree.fromstring(b"<html>" + _utf8(TAG.sub(_bare_tag, markup)), lenient)
    return etree.Element("html") if root is None else root


def parse_xml(markup: str) -> etree._Element | None:
    """The document's root, whatever can be read of it; None for what is no XML. Nothing outside of it is loaded."""
    try:
        return etree.fromstring(_utf8(markup), _xml_parser(recover=True))
    except etree.XMLSyntaxError:
        return None


def _xml_parser(*, recover: bool) -> etree.XMLParser:
    # Without comments: walking over them takes time that is quadratic in their number.
    return etree.XMLParser(
        encoding="utf-8",
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        remove_comments=True,
        remove_pis=True,
        recover=recover,
    )


def _utf8(markup: str) -> bytes:
    return markup.encode("utf-8", "replace")


def _bare_tag(tag: re.Match[str]) -> str:
    """A start tag with its links alone: libxml2's time for HTML is quadratic in the attributes of a tag."""
    links = dict(LINK.findall(tag[2]))
    attributes = "".join(f" {name}={value}" for name, value in links.items())
    return f"<{tag[1]}{attributes}>" + (f"</{tag[1]}>" if tag[2].endswith("/") else "")


def _decoded(data: bytes) -> str:
    """UTF-8 or, by its mark, UTF-16, as EPUB asks for; else what the document declares, else cp1252."""
    encodings = ["utf-16"] if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else ["utf-8-sig"]
    if declared := DECLARED_ENCODING.search(data[:1024]):
        encodings.append(declared[1].decode("ascii"))
    for encoding in encodings:
        try:
            return data.decode(encoding)
        except (LookupError, ValueError):
            continue
    return data.decode("cp1252", "replace")


def _without_document_type(markup: str) -> str:
    at = markup.find("<!DOCTYPE")
    found = DOCUMENT_TYPE.match(markup, at) if at >= 0 else None
    return markup[:at] + markup[found.end() :] if found else markup


def _character(entity: re.Match[str]) -> str:
    if entity[1] in KEPT_ENTITIES:
        return entity[0]
    return html.entities.html5.get(entity[1], entity[0])


def local_name(element: etree._Element) -> str:
    """The tag without its namespace; empty for what is no element."""
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def outermost(root: etree._Element, name: str) -> Iterator[etree._Element]:
    """The elements below `root` of that local name, without those inside another one: each is walked once."""
    walk = etree.iterwalk(root, events=("start",))
    for _, element in walk:
        if element is not root and local_name(element) == name:
            walk.skip_subtree()
            yield element


def text_lines(root: etree._Element) -> list[Line]:
    """The blocks of text in order, without blank ones."""
    lines = _Lines()
    walk = etree.iterwalk(root, events=("start", "end"))
    for event, element in walk:
        name = local_name(element).lower()
        if event == "start":
            if name in UNSEEN:
                walk.skip_subtree()
                continue
            lines.open(name)
            lines.add(element.text)
            continue
        if name not in UNSEEN:
            lines.close(name)
        if element is not root:
            lines.add(element.tail)
    return lines.finished()


class _Lines:
    """Collects inline text until a block begins or ends."""

    def __init__(self) -> None:
        self._lines: list[Line] = []
        self._parts: list[str] = []
        self._heading_depth = 0
        self._verbatim_depth = 0

    def open(self, name: str) -> None:
        if name in BLOCKS:
            self._break()
        if name in CELLS:
            self._parts.append(" ")
        self._heading_depth += name in HEADINGS
        self._verbatim_depth += name == "pre"

    def close(self, name: str) -> None:
        if name in BLOCKS:
            self._break()
        self._heading_depth -= name in HEADINGS
        self._verbatim_depth -= name == "pre"

    def add(self, text: str | None) -> None:
        if not text:
            return
        if not self._verbatim_depth:
            self._parts.append(text)
            return
        *ended, last = text.split("\n")
        for line in ended:
            self._parts.append(line)
            self._break()
        self._parts.append(last)

    def finished(self) -> list[Line]:
        self._break()
        return self._lines

    def _break(self) -> None:
        text = HTML_SPACE.sub(" ", "".join(self._parts)).strip()
        if text:
            self._lines.append(Line(text, self._heading_depth > 0))
        self._parts.clear()
