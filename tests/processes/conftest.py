import json

import pytest

from sframes_tui.run.record.journal import Reader
from tests.processes.started import CONFIG, STEPS, STORY, Gate, Program, Terminal, until


class Stage:
    """A story, its configuration, and the processes that a test starts with it."""

    def __init__(self, folder):
        self.folder, self.config = folder, folder / "my.toml"
        (folder / "story.txt").write_text(STORY)
        self.config.write_text(CONFIG)
        self.output = folder / "out"
        self.gate = Gate(folder / "gate")
        self._programs, self._terminals = [], []

    def terminal(self):
        self._terminals.append(Terminal())
        return self._terminals[-1]

    def program(self, *arguments, **streams):
        self._programs.append(Program(arguments, self.gate, **streams))
        return self._programs[-1]

    def batch(self, *more, **streams):
        return self.program(self.config, "--batch", "--output", self.output, *more, **streams)

    def watched(self):
        """A process that watches the run, and what it told so far."""
        told = self.folder / "told"
        with told.open("wb") as file:
            program = self.program("attach", self.run_folder(), "--json", stdout=file)
        return program, lambda: [json.loads(line) for line in told.read_text().splitlines()]

    def run_folder(self):
        """Where the one run draws, once it does."""
        return next((path.parent for path in self.output.rglob("run.toml")), None)

    def journal(self):
        """The kinds of its records."""
        return [record["kind"] for record in Reader(self.run_folder() / "journal.jsonl")]

    def pictures(self):
        folder = self.run_folder()
        return sorted(path.name for path in folder.glob("*.png") if "grid" not in path.name) if folder else []

    def drain(self, program, terminal=None):
        """Lets frame after frame be drawn until the program ends, and reads its terminal; returns its exit code."""

        def moved_on():
            if terminal:
                terminal.read()
            return len(self.pictures()) > drawn or not program.alive

        while program.alive:
            drawn = len(self.pictures())
            self.gate.steps(STEPS)
            until(moved_on, "a picture, or the end")
        return program.wait()

    def end(self):
        for each in (*self._programs, *self._terminals):
            each.end() if isinstance(each, Program) else each.close()
        self.gate.close()


@pytest.fixture
def stage(tmp_path):
    made = Stage(tmp_path)
    yield made
    made.end()
