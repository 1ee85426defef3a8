"""Tells somebody elsewhere how a run ended: one web request, or one program.

Whoever gives a target has made sure that it is allowed. Whatever goes wrong costs the run one notice and at most
`MAX_SECONDS`.
"""

import dataclasses
import http.client
import json
import os
import signal
import subprocess
import threading
import urllib.request
from typing import Any
from urllib.parse import quote, urlsplit

from sframes_tui import __version__
from sframes_tui.config.address import is_web_address, parse_address, without_password
from sframes_tui.config.program import Program, program_file, split_command
from sframes_tui.errors import message_of
from sframes_tui.plan.draft import Draft
from sframes_tui.run.beside.trust import Wishes, asked_for, standing, start
from sframes_tui.run.describe import describe
from sframes_tui.run.events import Emit, Event, Notice, RunCancelled, RunCompleted, RunFailed

MAX_SECONDS = 10.0
PROGRAM_SECONDS = 8.0
"""Less, so that there is time to end it."""
ENDINGS = (RunCompleted, RunCancelled, RunFailed)

Fields = dict[str, Any]
Target = str | Program
"""What the user himself gave, an address or a command; or an allowed program of a configuration's."""


def allowed_target(draft: Draft, emit: Emit) -> Target | None:
    """Who is told of the end by the configuration's wish, if that was allowed: whoever opened it may not have asked."""
    target = draft.config.generation_config.notify
    if target is None:
        return None
    wishes = Wishes.of(draft.loaded.path, draft.config)
    if standing(wishes) == "allowed":
        return wishes.programs.get(target, target)
    wanted = f"{draft.loaded.path} wants to {asked_for(wishes)}"
    emit(Notice("warning", f"{wanted}: nobody allowed that, so it isn't done"))
    return None


def telling(target: Target | None, story: str, emit: Emit) -> Emit:
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


def send(target: Target, fields: Fields) -> str | None:
    """Delivers a message; what went wrong, or None."""
    problems: list[str | None] = []
    # In a thread of its own: a server may answer a byte at a time, and time-outs count from byte to byte.
    thread = threading.Thread(target=lambda: problems.append(_attempted(target, fields)), daemon=True)
    thread.start()
    thread.join(MAX_SECONDS)
    return problems[0] if problems else f"no answer within {MAX_SECONDS:.0f} s"


def _attempted(target: Target, fields: Fields) -> str | None:
    try:
        if isinstance(target, str) and is_web_address(target):
            _request(target, fields)
        else:
            _run(target, fields)
    except (OSError, ValueError, http.client.HTTPException, subprocess.SubprocessError) as error:
        return message_of(error)
    return None


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Word goes to the address that was allowed, and to no other."""

    def redirect_request(self, *_: Any) -> None:
        return None


def _request(target: str, fields: Fields) -> None:
    """POSTs the fields as JSON; `{text}` and the like in the address stand for the fields."""
    address = parse_address(target)
    url = address.url
    for key, value in fields.items():
        url = url.replace("{" + key + "}", quote(str(value), safe=""))
    headers = {"Content-Type": "application/json", "User-Agent": f"S-Frames/{__version__}"}
    if address.authorization:
        headers["Authorization"] = address.authorization
    request = urllib.request.Request(url, _as_json(fields), headers, method="POST")
    with urllib.request.build_opener(_NoRedirect).open(request, timeout=MAX_SECONDS):
        pass


def _run(target: Target, fields: Fields) -> None:
    """Runs a program, by no shell, with the sentence as its last argument and the fields as JSON on stdin."""
    with _started(target, fields["text"]) as process:
        try:
            process.communicate(_as_json(fields), PROGRAM_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            raise
    if process.returncode:
        raise ValueError(f"it ended with {process.returncode}")


def _started(target: Target, sentence: str) -> "subprocess.Popen[bytes]":
    if isinstance(target, Program):
        return start(target, sentence, stdin=subprocess.PIPE)
    program, *more = split_command(target)
    null = subprocess.DEVNULL
    # As the user's shell would understand it: in the working directory.
    words = [program_file(program), *more, sentence]
    return subprocess.Popen(words, stdin=subprocess.PIPE, stdout=null, stderr=null, start_new_session=True)


def _as_json(fields: Fields) -> bytes:
    return json.dumps(fields, default=str).encode()


def _named(target: Target) -> str:
    """Without what may be secret in an address: its path, and its password."""
    command = target.shown if isinstance(target, Program) else target
    return urlsplit(command).hostname or "the web" if is_web_address(command) else repr(without_password(command))
