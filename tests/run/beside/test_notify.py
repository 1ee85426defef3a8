"""Word of a run's end: real requests to a real server, real programs; nothing that goes wrong hurts the run."""

import base64
import http.server
import json
import os
import sys
import threading
from pathlib import Path

import pytest

from sframes_tui.config.config import GenerationConfig
from sframes_tui.run.beside import notify
from sframes_tui.run.describe import describe
from sframes_tui.run.events import Notice, RunCancelled, RunCompleted, RunFailed
from sframes_tui.run.frame_events import FrameFailed

DONE = RunCompleted(Path("out/lighthouse & co"), 5, 1, 2, 61.0, ("oil 0-0",))
_, SENTENCE = describe(DONE)


@pytest.fixture
def server():
    """A web server on this machine that remembers its requests; `answer` is how it answers them."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            received.append((self.path, self.headers["Content-Type"], json.loads(body)))
            listening.authorization = self.headers["Authorization"]
            listening.answer(self)

        def log_message(self, *_):
            pass

    Handler.do_GET = Handler.do_POST
    received = []
    listening = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    listening.received, listening.daemon_threads = received, True
    listening.url = f"http://127.0.0.1:{listening.server_port}"
    listening.answer = lambda request: (request.send_response(204), request.end_headers())
    thread = threading.Thread(target=listening.serve_forever, daemon=True)
    thread.start()
    yield listening
    listening.shutdown()
    listening.server_close()


def told(target, *events):
    emitted = []
    emit = notify.telling(target, "light/house", emitted.append)
    for event in events:
        emit(event)
    return emitted


def test_one_request_tells_how_a_run_ended(server):
    failed = FrameFailed(0, "oil 0-0", "black", 4)
    assert told(f"{server.url}/topic?title={{event}}&of={{story}}", failed, DONE) == [failed, DONE]
    ((path, kind, body),) = server.received
    assert path == "/topic?title=RunCompleted&of=light%2Fhouse"
    assert kind == "application/json"
    assert body["text"] == body["content"] == SENTENCE
    assert SENTENCE.startswith("5 pictures drawn in 1 min 01 s, 1 failed (oil 0-0), 2 skipped: out/lighthouse & co")
    assert (body["drawn"], body["failed"], body["skipped"], body["failures"]) == (5, 1, 2, ["oil 0-0"])


def test_a_user_and_password_are_basic_authentication_and_never_told(server):
    def refuse(request):
        request.send_response(401)
        request.end_headers()

    address = f"http://me:s3%20cret@127.0.0.1:{server.server_port}/ü?{{event}}"
    assert told(address, DONE) == [DONE]
    assert server.authorization == "Basic " + base64.b64encode(b"me:s3 cret").decode()
    assert server.received[0][0] == "/%C3%BC?RunCompleted"
    server.answer = refuse
    notice, _ = told(address, DONE)
    assert "401" in notice.text
    assert not {"me:", "s3", "cret"} & set(notice.text.replace("@", " ").split())
    assert "cret" not in notice.text


def test_a_command_that_the_user_typed_is_looked_up_where_he_is(tmp_path, monkeypatch):
    (tmp_path / "tell.sh").write_text("#!/bin/sh\npwd > told\n")
    (tmp_path / "tell.sh").chmod(0o755)
    monkeypatch.chdir(tmp_path)
    assert told("./tell.sh", DONE) == [DONE]
    assert (tmp_path / "told").read_text() == f"{tmp_path.resolve()}\n"
    monkeypatch.setenv("PATH", f":.:{os.environ['PATH']}")
    notice, _ = told("tell.sh", DONE)
    assert "no such program on PATH" in notice.text


@pytest.mark.parametrize("event", [RunFailed("no model"), RunCancelled(None, 1, 2)])
def test_failing_and_stopping_are_told_too(server, event):
    assert told(server.url, event) == [event]
    assert server.received[0][2]["event"] == type(event).__name__


def test_without_a_target_nothing_stands_between():
    emit = [].append
    assert notify.telling(None, "story", emit) is emit


def test_nothing_is_sent_to_where_an_answer_redirects(server):
    def redirect(request):
        request.send_response(302)
        request.send_header("Location", f"{server.url}/elsewhere")
        request.end_headers()

    server.answer = redirect
    notice, ending = told(server.url, DONE)
    assert len(server.received) == 1
    assert "302" in notice.text
    assert ending == DONE


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("http://127.0.0.1:9/secret", "Connection refused"),
        ("http://127.0.0.1:port/secret", "its port is a number up to 65535"),
        ("/no/such/program", "No such file"),
        (f"{sys.executable} -c 'raise SystemExit(3)'", "ended with 3"),
        ("'unclosed", "no closing quotation"),
    ],
)
def test_a_failing_message_is_one_notice_before_the_ending(target, said):
    notice, ending = told(target, DONE)
    assert isinstance(notice, Notice)
    assert notice.level == "warning"
    assert said in notice.text
    assert "secret" not in notice.text
    assert ending == DONE


def test_a_server_that_never_answers_is_left_alone_in_time(server, monkeypatch):
    monkeypatch.setattr(notify, "MAX_SECONDS", 0.2)
    leave = threading.Event()
    server.answer = lambda _: leave.wait(60)
    notice, ending = told(server.url, DONE)
    leave.set()
    assert "no answer within" in notice.text or "timed out" in notice.text
    assert ending == DONE


def test_a_program_gets_the_sentence_and_all_else_as_json(tmp_path):
    script = "import json, sys; json.dump([sys.argv[2:], json.load(sys.stdin)], open(sys.argv[1], 'w'))"
    assert told(f"{sys.executable} -c '{script.replace(chr(39), chr(34))}' {tmp_path}/told", DONE) == [DONE]
    arguments, fields = json.loads((tmp_path / "told").read_text())
    assert arguments == [SENTENCE]
    assert fields["folder"] == "out/lighthouse & co"


@pytest.mark.parametrize(
    "target", ["ftp://example.org/x", "file:///etc/passwd", "http://", "https://a b", "gopher://x"]
)
def test_only_plain_web_addresses_are_addresses(target):
    with pytest.raises(ValueError, match="must be an address that begins with http:// or https://"):
        GenerationConfig(notify=target)
