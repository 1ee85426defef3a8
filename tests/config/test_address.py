"""Addresses: what urllib can't send, or a server take, is known when they are given; passwords are never shown."""

import base64
import http.client
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sframes_tui.config.address import is_web_address, parse_address, without_password
from sframes_tui.config.config import GenerationConfig


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ("https://ntfy.sh/my-topic", "https://ntfy.sh/my-topic"),
        ("http://127.0.0.1:8080/a?b=c&d={text}#top", "http://127.0.0.1:8080/a?b=c&d={text}"),
        ("http://localhost", "http://localhost"),
        ("http://[::1]:80/x", "http://[::1]:80/x"),
        ("http://127.0.0.1:1/ü?q=é", "http://127.0.0.1:1/%C3%BC?q=%C3%A9"),
        ("http://bücher.example/x", "http://xn--bcher-kva.example/x"),
        ("http://a_b.example./%41", "http://a_b.example./%41"),
    ],
)
def test_good_addresses_are_sent_as_ascii(given, sent):
    assert parse_address(given).url == sent
    assert parse_address(given).authorization is None


def test_a_user_and_password_are_a_header_and_no_part_of_the_address():
    address = parse_address("https://us%65r:s%3a3%C3%A9cret@example.org:8443/x")
    assert address.url == "https://example.org:8443/x"
    assert address.authorization == "Basic " + base64.b64encode("user:s:3écret".encode()).decode()
    assert without_password("curl -d x https://user:s3cret@example.org/a@b") == "curl -d x https://***@example.org/a@b"


@pytest.mark.parametrize(
    "target",
    [
        *(
            "http://",
            "http:///x",
            "https://a b",
            "http://\x1b[31m/",
            "http://a\u202eb/",
            "http://a/\x85",
            "http://a/\xa0",
        ),
        *("http://[::1", "http://[::1]x:80/", "http://[v1.x]/", "http://[1.2.3.4]/", "http://a:b/", "http://a:65536/"),
        *("http://a:0/", "http://a:-1/", "http://a..b/", "http://{text}.example/", "http://a\\@b/", "http://a:b\\@c/"),
        *(
            "http://" + "a" * 64 + "/",
            "http://" + "a." * 130 + "b/",
            "http://u:%0a@h/",
            "http://u%3a:p@h/",
            "http://é@h/",
        ),
        *("http://a%00b/", "http://a,b/", "http://℀.example/", "file:///etc/passwd", "http://*/"),
    ],
)
def test_what_cannot_be_sent_is_refused_when_it_is_given(target):
    with pytest.raises(ValueError, match=r"must be an address|is no web address|has a user or password") as raised:
        GenerationConfig(notify=target)
    assert "@" not in str(raised.value.errors()[0]["ctx"]["error"])


class Nowhere:
    """Takes what a connection sends."""

    def sendall(self, _data):
        pass


@given(st.text(max_size=40), st.text(max_size=30))
def test_whatever_is_accepted_http_client_can_send(host, path):
    target = f"http://{host}/{path}"
    try:
        address = parse_address(target)
    except ValueError:
        return
    parts = urlsplit(address.url)
    connection = http.client.HTTPConnection(parts.netloc)
    connection.sock = Nowhere()
    connection.request("POST", f"{parts.path}?{parts.query}", b"", {"Authorization": address.authorization or ""})


@pytest.mark.parametrize("command", ["'unclosed", "", " ", "''", "a\0b"])
def test_what_is_no_command_is_refused_when_it_is_given(command):
    assert not is_web_address(command)
    for key in ("notify", "preview", *(["preview_stop"] if command else [])):
        with pytest.raises(ValueError, match=r"is no command|at least 1 character"):
            GenerationConfig(**{key: command})
