"""Web addresses that word is sent to: checked by what will send them, shown without their password."""

import base64
import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import SplitResult, quote, unquote, urlsplit

WANTED = "must be an address that begins with http:// or https://, or the command of a program"
HOST = re.compile(r"[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*\.?")
USER = re.compile(r"[\w.~%!$&'()*+,;=-]*(:[\w.~%!$&'()*+,;=:-]*)?", re.ASCII)
KEPT = "/%{}:@!$&'()*+,;=~?[]"
"""Characters of a path or query that stay as they are; braces stand for what is filled in."""
PASSWORD = re.compile(r"(?<=://)[^\s/?#]*@")


@dataclass(frozen=True, slots=True)
class Address:
    """A web address as it goes into a request."""

    url: str
    """ASCII, with the braces that are still to be filled in; without user, password and fragment."""
    authorization: str | None
    """The value of that header (RFC 7617), where the address had a user."""


def is_web_address(target: str) -> bool:
    """Anything else that word is sent to is a program."""
    return "://" in target.split(" ")[0]


def without_password(text: str) -> str:
    """An address, or a command that holds some, as it may be shown: what stands before an @ becomes ***."""
    return PASSWORD.sub("***@", text)


def parse_address(target: str) -> Address:
    """A `ValueError` says what urllib, or a server, could not take; it doesn't quote the address."""
    if re.search(r"\s", target) or not target.isprintable():
        raise ValueError(f"{WANTED}, without blanks and control characters")
    try:
        parts = urlsplit(target)
        port = "" if parts.port is None else f":{parts.port}"
    except ValueError:
        raise ValueError("is no web address: look at its host, and that its port is a number up to 65535") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(WANTED)
    if parts.port == 0:
        raise ValueError("is no web address: nobody answers at port 0")
    query = f"?{quote(parts.query, safe=KEPT)}" if parts.query else ""
    host = _host(parts.netloc.rpartition("@")[2], parts.hostname)
    url = f"{parts.scheme}://{host}{port}{quote(parts.path, safe=KEPT)}{query}"
    return Address(url, _authorization(parts))


def _host(given: str, name: str) -> str:
    """As it is looked up: `given` is what stands before the path, `name` the host that was read of it."""
    if "[" in given:
        try:
            if not re.fullmatch(r"\[[^\[\]]*\](:[0-9]*)?", given):
                raise ValueError
            return f"[{ipaddress.IPv6Address(name)}]"
        except ValueError:
            raise ValueError("is no web address: its brackets hold no IPv6 address") from None
    try:
        encoded = name.encode("idna").decode()
    except UnicodeError:
        encoded = ""
    if not HOST.fullmatch(encoded) or len(encoded) > 253:
        raise ValueError("is no web address: no host has such a name")
    return encoded


def _authorization(parts: SplitResult) -> str | None:
    """What stands before the @, as Basic authentication."""
    given, at, _ = parts.netloc.rpartition("@")
    if not at:
        return None
    user, _, password = given.partition(":")
    pair = f"{unquote(user)}:{unquote(password)}"
    if not USER.fullmatch(given) or ":" in unquote(user) or not pair.isprintable():
        raise ValueError("has a user or password of characters that must be written as %XX, or that none may have")
    return "Basic " + base64.b64encode(pair.encode()).decode()
