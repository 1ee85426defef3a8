"""One run of one picture in this process, with the time of each phase: for `bench start`."""

import time

_ENTERED = (time.time(), time.process_time())

import json  # noqa: E402
import sys  # noqa: E402
from pathlib import Path  # noqa: E402

import psutil  # noqa: E402

from sframes_tui.config.file import load_config  # noqa: E402
from sframes_tui.engine.protocol import Engine  # noqa: E402
from sframes_tui.plan.draft import Draft, make_draft  # noqa: E402
from sframes_tui.run.events import Control, Event, ModelLoadCompleted, RunStarted  # noqa: E402
from sframes_tui.run.execute import execute  # noqa: E402
from sframes_tui.run.frame_events import FrameCompleted  # noqa: E402

ENDS = {ModelLoadCompleted: "load", RunStarted: "checks", FrameCompleted: "first frame"}
"""The event that ends a phase."""


def main() -> None:
    config, output = map(Path, sys.argv[1:])
    phases: dict[str, list[float]] = {}
    began = [psutil.Process().create_time(), 0.0]

    def end(phase: str, at: tuple[float, float] | None = None) -> None:
        now = at or (time.time(), time.process_time())
        phases[phase] = [now[0] - began[0], now[1] - began[1]]
        began[:] = now

    end("python", _ENTERED)
    draft = make_draft(load_config(config))

    def make_engine(draft: Draft) -> Engine:
        from sframes_tui.engine.loading.families import import_for

        for _ in import_for(draft.model):
            pass
        end("imports")
        from sframes_tui.engine.models import load_engine

        return load_engine(draft.config.generation_config, draft.model)

    def emit(event: Event) -> None:
        if phase := ENDS.get(type(event)):
            end(phase)

    execute(draft, make_engine, output, emit, Control())
    end("end")
    print(json.dumps(phases))


if __name__ == "__main__":
    main()
