"""A new run and one that goes on take the same way from their folder to the first frame."""

import sys
from collections import Counter

from tests.run.paint import PaintEngine
from tests.run.story_run import draw, resume, write_config


def walked(monkeypatch, action):
    """How often each function of `run/` is called until the engine is handed its first frame, by module and name."""
    calls = Counter()

    def see(frame, event, _):
        module = frame.f_globals.get("__name__", "")
        if event == "call" and module.startswith("sframes_tui.run."):
            calls[module.removeprefix("sframes_tui.run."), frame.f_code.co_name] += 1

    def admit(*arguments):
        sys.setprofile(None)
        return handed(*arguments)

    handed = PaintEngine.admit
    monkeypatch.setattr(PaintEngine, "admit", admit)
    sys.setprofile(see)
    try:
        action()
    finally:
        sys.setprofile(None)
    return calls


def test_a_run_that_goes_on_passes_through_what_a_new_one_does(tmp_path, monkeypatch):
    config = write_config(tmp_path)
    folder, _ = draw(config, tmp_path / "out")
    (folder / "oil 0-2.png").unlink()
    new = walked(monkeypatch, lambda: draw(config, tmp_path / "new"))
    again = walked(monkeypatch, lambda: resume(folder))
    ways = [{module for module, _ in way} for way in (new, again)]
    assert ways[0] - ways[1] == {"beside.trust"}
    assert ways[1] - ways[0] == {"record.records", "record.stored_picture"}
    assert len([module for module in ways[1] if "." not in module]) <= 11
    looks = ("_load_draft", "replay", "lock_folder")
    assert Counter({name: count for (_, name), count in again.items() if name in looks}) == Counter(looks)
