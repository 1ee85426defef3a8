"""The run that the screen shows, its state and what draws it. Must not import torch or a widget."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from sframes_tui.engine.protocol import KeptModel
from sframes_tui.run.events import Event, ModelLoadCompleted
from sframes_tui.run.state import RunState, fold
from sframes_tui.ui.gpu import GpuLoad, GpuWatch
from sframes_tui.ui.run_control import Draw, RunControl


@dataclass(frozen=True, slots=True)
class SessionFacts:
    """What draws; empty where nothing is loaded."""

    model: str = ""
    device: str = ""
    dtype: str = ""
    gpu: str = ""
    """Load, memory, temperature and power in words."""
    asked: str = ""
    """What the run was asked to do and hasn't done yet, such as "stopping"."""


class Session:
    """One run after the other, each begun by `start`."""

    def __init__(
        self, wake: Callable[[], object], tell_gpu: Callable[[GpuLoad], object], kept: KeptModel | None = None
    ) -> None:
        """`wake`: there are events to `take`; `tell_gpu` gets a reading. Both are called from other threads.

        `kept` is the model that stays loaded from one run to the next, if any does.
        """
        self.control = RunControl(wake)
        self.kept = kept
        self.state, self._facts = RunState(), SessionFacts()
        self._asked = ""
        self._tell_gpu = tell_gpu
        self._gpu: GpuWatch | None = None

    @property
    def running(self) -> bool:
        return self.control.running

    @property
    def facts(self) -> SessionFacts:
        if not self.running and self.kept is not None and (kept := self.kept.facts):
            return replace(self._facts, model=f"{kept.model} loaded", device=kept.device, dtype=kept.dtype)
        asked = self._asked if self.running else ""
        if not asked and self.control.pausing and self.state.phase == "drawing":
            asked = "pausing"
        return replace(self._facts, asked=asked)

    @property
    def conditions(self) -> frozenset[str]:
        """What the footer goes by: values of `commands.When`."""
        loaded = {"loaded"} if self.holds_memory else set()
        if not self.running:
            return frozenset({"idle"} | loaded)
        return frozenset({"running", "paused"} | loaded if self.control.pausing else {"running"})

    @property
    def holds_memory(self) -> bool:
        """Whether there is a model whose memory `let_go` gives back."""
        if self.running:
            on_gpu = self._facts.device not in ("", "cpu")
            return self.state.phase == "paused" and on_gpu and not self.control.attached and not self.control.resting
        return self.kept is not None and self.kept.facts is not None

    def let_go(self) -> None:
        """Gives back the memory of the kept model, or until it goes on that of the paused run; may take a second."""
        if self.running:
            self.control.rest()
        elif self.kept is not None:
            self.kept.let_go()

    def start(self, draw: Draw) -> None:
        """Draws a run in a thread of its own; `RuntimeError` while one is under way."""
        self.control.start(draw)
        self.state, self._facts, self._asked = RunState(), SessionFacts(), ""

    def attach(self, folder: Path) -> None:
        """Watches the run that another process draws; `RuntimeError` while one is under way."""
        self.control.attach(folder)
        self.state, self._facts, self._asked = RunState(), SessionFacts(), ""

    @property
    def drawing(self) -> bool:
        """Whether this process draws a run, which would end with it."""
        return self.running and not self.control.attached

    def show(self, state: RunState) -> None:
        """Shows the state of a run that nobody draws."""
        self.state, self._facts, self._asked = state, SessionFacts(), ""

    def pause_or_resume(self) -> None:
        if self.control.pausing:
            self.control.resume()
        else:
            self.control.pause()

    def finish(self) -> None:
        self.control.finish()
        self._asked = "stopping after this"

    def stop(self) -> None:
        self.control.stop()
        self._asked = "stopping"

    def take(self) -> list[Event]:
        """What has happened since the last call, taken into `state`."""
        taken = self.control.mailbox.take()
        for when, event in taken:
            self.state = fold(self.state, event, when)
            if isinstance(event, ModelLoadCompleted):
                self._facts = SessionFacts(event.model, event.device, event.dtype)
                self._watch(event.card)
        return [event for _, event in taken]

    def take_gpu(self, load: GpuLoad) -> None:
        self._facts = replace(self._facts, gpu=str(load))

    def _watch(self, card: str) -> None:
        self.close()
        if card:
            self._gpu = GpuWatch(card, self._tell_gpu)

    def close(self) -> None:
        """Ends the watch over the GPU."""
        if self._gpu is not None:
            self._gpu.close()
            self._gpu = None
