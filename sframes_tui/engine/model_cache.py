"""The last loaded model, kept for the next engine that wants the same.

Imports nothing at its top: it is there before the screen is painted, and torch only once a model is wanted.
"""

import threading
from typing import TYPE_CHECKING, NamedTuple, Self

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sframes_tui.engine.models import Model
    from sframes_tui.engine.protocol import Engine, Facts
    from sframes_tui.model.source import ModelSource
    from sframes_tui.plan.draft import Draft


class Wanted(NamedTuple):
    """What makes one loaded model another: all else of a configuration is set for each engine anew."""

    source: "ModelSource"
    fingerprint: str
    """Of its files, which may be replaced while the program runs."""
    loads: tuple[object, ...]
    """The options that say which model it is."""
    dtype: str
    device: str
    offload: str

    @classmethod
    def by(cls, draft: "Draft") -> Self:
        from sframes_tui.config.option_types import Effect, options_that
        from sframes_tui.plan.identity import model_fingerprint

        options, source = draft.config.generation_config, draft.model_now
        loads = tuple(getattr(options, key) for key in options_that(type(options), Effect.LOADS))
        return cls(source, model_fingerprint(source), loads, options.dtype, options.device, options.offload)


class ModelCache:
    """Makes engines; the model of the last one is a `protocol.KeptModel`."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._model: Model | None = None
        self._wanted: Wanted | None = None
        self._facts: Facts | None = None

    def engine_for(self, draft: "Draft") -> "Engine":
        """An engine for a draft, over the kept model if that is the one. Raises `ModelError`."""
        from sframes_tui.process.knobs import end_quickly, uncollected

        end_quickly()
        options = draft.config.generation_config
        with self._lock, uncollected():
            from sframes_tui.engine.models import Model

            kept = self._model is not None and self._wanted == Wanted.by(draft)
            if not kept:
                self._drop()
                self._model = Model(draft.model, options)
                # Only now, when it is surely on this machine, do its files tell what it is.
                self._wanted = Wanted.by(draft)
            assert self._model is not None
            engine = self._model.engine(options, draft.model.label, kept)
            self._facts = engine.facts
            return engine

    @property
    def facts(self) -> "Facts | None":
        return self._facts

    def prepare(self, source: "ModelSource") -> "Iterator[str]":
        from sframes_tui.engine.loading.families import import_for

        yield from import_for(source)

    def let_go(self) -> None:
        with self._lock:
            self._drop()

    def _drop(self) -> None:
        if self._model is None:
            return
        from sframes_tui.engine.device.memory import free_memory

        self._model = self._wanted = self._facts = None
        free_memory()
