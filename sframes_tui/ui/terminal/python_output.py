"""Python's warnings and log records on their way to the log pane. Must not import torch."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Literal

Tell = Callable[[Literal["warning", "error"], str], object]
FORMAT = "%(name)s: %(message)s"


class _Handler(logging.Handler):
    def __init__(self, tell: Tell) -> None:
        super().__init__(logging.WARNING)
        self._tell = tell
        self.setFormatter(logging.Formatter(FORMAT))

    def emit(self, record: logging.LogRecord) -> None:
        self._tell("error" if record.levelno >= logging.ERROR else "warning", self.format(record))


@contextmanager
def python_output(tell: Tell) -> Iterator[None]:
    """Hands warnings and log records to `tell`, from whatever thread they come, in place of stderr."""
    handler, root = _Handler(tell), logging.getLogger()
    root.addHandler(handler)
    logging.captureWarnings(True)
    try:
        yield
    finally:
        logging.captureWarnings(False)
        root.removeHandler(handler)
