"""What holds of every reader, whatever it is given."""

import contextlib
import os
import re
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from hypothesis import HealthCheck, settings

from sframes_tui.errors import LONGEST, ConfigError, InternalError, SFramesError
from sframes_tui.printable import printable

TIMES = int(os.environ.get("SFRAMES_FUZZ", "0"))
"""How many times the usual number of examples are tried, other ones each time; 0: the usual number, always the same."""

_DEEDS = ("os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.link", "os.symlink", "os.truncate", "os.chmod")
_DEEDS += ("os.chown", "os.system", "os.exec", "os.posix_spawn", "os.fork", "subprocess.Popen", "socket.connect")
_DEEDS += ("socket.getaddrinfo", "pickle.find_class")
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
_seen: list[str] | None = None
_by = 0
"""The thread that is watched: others of this process may be at work beside it."""
HARMLESS = re.compile(r"^(open|os.mkdir) \('([^']*/)?(lock|\.sframes|null)'|^socket.connect .*'/proc/self/fd/")
"""Who looks whether a run is being drawn tries its lock, which holds nothing, and asks at its socket."""


def fuzzed(examples: int) -> settings:
    """How a test of this folder is run; `examples` take it about two seconds."""
    return settings(
        max_examples=examples * max(TIMES, 1),
        derandomize=not TIMES,
        deadline=None,
        print_blob=True,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
    )


def held(read: Callable[[], Any], *refusals: type[Exception]) -> Any:
    """What `read` gives; None where it refuses, by an `SFramesError` or one of the `refusals` that it documents."""
    with watched() as deeds:
        try:
            value, told = read(), []
        except InternalError:
            raise  # a fault of the program itself
        except SFramesError as error:
            value, told = None, list(error.problems) if isinstance(error, ConfigError) else [str(error)]
        except refusals as error:
            value, told = None, [str(error)]
    assert not (done := [deed for deed in deeds if not HARMLESS.search(deed)]), done
    for sentence in told:
        assert_tellable(sentence)
    return value


def assert_tellable(sentence: str) -> None:
    """A sentence of one line, of bounded length; its control characters are made harmless where it is printed."""
    assert sentence.strip()
    assert len(sentence) <= LONGEST, sentence[:500]
    assert len(printable(sentence).splitlines()) == 1, repr(sentence)


@contextmanager
def watched() -> Iterator[list[str]]:
    """What is run, asked of the network, made, changed or deleted by this thread while the block runs."""
    global _seen, _by
    deeds: list[str] = []
    _seen, _by = deeds, threading.get_ident()
    try:
        yield deeds
    finally:
        _seen = None


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if _seen is None or threading.get_ident() != _by:
        return
    if event in _DEEDS or (event == "open" and _is_a_write(*arguments)):
        _seen.append(f"{event} {arguments!r}")


def _is_a_write(path: object, _mode: object, flags: int) -> bool:
    return bool(flags & _WRITES) and "__pycache__" not in str(path)


sys.addaudithook(_hook)
"""Python keeps it until the process ends; outside of `watched` it does nothing."""


def growth(read: Callable[[], Any]) -> int:
    """By how many bytes this process was larger, at the most, while `read` ran; 0 where the system doesn't tell."""
    with contextlib.suppress(OSError), open("/proc/self/clear_refs", "w") as refs:  # noqa: PTH123
        refs.write("5")
    before = _peak()
    read()
    return _peak() - before


def _peak() -> int:
    with contextlib.suppress(OSError), open("/proc/self/status") as status:  # noqa: PTH123
        for line in status:
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return 0
