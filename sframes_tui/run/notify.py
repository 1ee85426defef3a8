"""Tells somebody elsewhere how a run ended: one web request, or one program. Must not import torch or textual.

Whoever gives a target has made sure that it is trusted. Whatever goes wrong costs the run one notice and at most
`MAX_SECONDS`.
"""

import dataclasses
import http.client
import json
import os
import shlex
import signal
import subprocess
import threading
import urllib.request
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, urlsplit

from sframes_tui import __version__
from sframes_tui.errors import message_of
from sframes_tui.run.describe import describe
from sframes_tui.run.events import Event, Notice, RunCancelled, RunCompleted, RunFailed
from sframes_tui.story.config import is_web_address

MAX_SECONDS = 10.0
PROGRAM_SECONDS = 8.0
"""Less, so that there is time to end it."""
ENDINGS = (RunCompleted, RunCancelled, RunFailed)

Emit = Callable[[Event], None]
Fields = dict[str, Any]


def telling(target: str | None, story: str, emit: Emit) -> Emit:
    """`emit`, but that word of the run's ending is sent to `target` before the ending is emitted."""
    if target is None:
        return emit

    def tell(event: Event) -> None:
        if isinstance(event, ENDINGS) and (problem := send(target, message(event, story))):
            emit(Notice("warning", f"how the run ended could not be told to {_named(target)}: {problem}"))
        emit(event)

    return tell


def message(event: Event, story: str) -> Fields:
    """What is told: the event's fields, and its sentence, of which Slack shows `text` and Discord `content`."""
    _, sentence = describe(event)
    own = {"event": type(event).__name__, "story": story, "text": sentence, "content": sentence}
    return {**dataclasses.asdict(event), **own}


def send(target: str, fields: Fields) -> str | None:
    """Delivers a message; what went wrong, or None."""
    problems: list[str | None] = []
    deliver = _request if is_web_address(target) else _run
    # In a thread of its own: a server may answer a byte at a time, and time-outs count from byte to byte.
    thread = threading.Thread(target=lambda: problems.append(_attempted(deliver, target, fields)), daemon=True)
    thread.start()
    thread.join(MAX_SECONDS)
    return problems[0] if problems else f"no answer within {MAX_SECONDS:.0f} s"


def _attempted(deliver: Callable[[str, Fields], None], target: str, fields: Fields) -> str | None:
    try:
        deliver(target, fields)
    except (OSError, ValueError, http.client.HTTPException, subprocess.SubprocessError) as error:
        return message_of(error)
    return None


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Word goes to the address that was allowed, and to no other."""

    def redirect_request(self, *_: Any) -> None:
        return None


def _request(target: str, fields: Fields) -> None:
    """POSTs the fields as JSON; `{text}` and the like in the address stand for the fields."""
    for key, value in fields.items():
        target = target.replace("{" + key + "}", quote(str(value), safe=""))
    headers = {"Content-Type": "application/json", "User-Agent": f"S-Frames/{__version__}"}
    request = urllib.request.Request(target, _as_json(fields), headers, method="POST")
    with urllib.request.build_opener(_NoRedirect).open(request, timeout=MAX_SECONDS):
        pass


def _run(target: str, fields: Fields) -> None:
    """Runs a program, by no shell, with the sentence as its last argument and the fields as JSON on stdin."""
    arguments, null = [*shlex.split(target), fields["text"]], subprocess.DEVNULL
    with subprocess.Popen(
        arguments, stdin=subprocess.PIPE, stdout=null, stderr=null, start_new_session=True
    ) as process:
        try:
            process.communicate(_as_json(fields), PROGRAM_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            raise
    if process.returncode:
        raise ValueError(f"it ended with {process.returncode}")


def _as_json(fields: Fields) -> bytes:
    return json.dumps(fields, default=str).encode()


def _named(target: str) -> str:
    """Without what may be secret in an address: its path."""
    return urlsplit(target).hostname or "the web" if is_web_address(target) else repr(target)
