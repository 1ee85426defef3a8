"""A configuration file made into a plan: story read, model looked up, frames laid out.

What a configuration leaves open and can be known without loading a model is settled here and nowhere else: which file,
under what name, from which seed, with whose step rules. The rest is `engine/resolved.py`'s.
"""

import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sframes_tui.config.address import is_web_address, parse_address
from sframes_tui.config.config import Config, PromptConfig
from sframes_tui.config.file import LoadedConfig
from sframes_tui.config.program import find_program
from sframes_tui.model.sampling import Sampling, read_sampling
from sframes_tui.model.source import ModelSource, found_now, locate_model
from sframes_tui.plan.plan import Plan, make_plan
from sframes_tui.text.source import find_source, read_source
from sframes_tui.text.split import Story, split_story


@dataclass(frozen=True, slots=True)
class Draft:
    """A plan, with what it was made from."""

    loaded: LoadedConfig
    text_file: Path
    model: ModelSource
    plan: Plan

    @property
    def config(self) -> Config:
        return self.loaded.config

    @property
    def model_now(self) -> ModelSource:
        """The model, which may have been downloaded since the draft was made."""
        return found_now(self.model, self.config.generation_config.revision, self.loaded.folder)

    def planned_for(self, sampling: Sampling) -> Plan:
        """The plan for a model that turned out to sample like this."""
        if sampling == self.plan.sampling:
            return self.plan
        return make_plan(self.config, self.plan.story, sampling, self.plan.seed)

    def run_config(self, rows: int) -> dict[str, Any]:
        """The configuration as TOML data, with what would be picked anew filled in: what draws this run again.

        Programs mean the same as in the configuration's own folder. An address with a password stays out: run folders
        are given to others.
        """
        values = self.config.model_dump(exclude_none=True)
        values["prompt_config"] |= {"source": str(self.text_file), "key": self.plan.story.key}
        values["generation_config"] |= {"seed": self.plan.seed, "rows": rows}
        if self.model.kind != "hub" and self.model.path and not self.model.name.startswith("builtin:"):
            values["generation_config"] |= {"model": str(self.model.path.absolute())}
        options = values["generation_config"]
        for key in ("preview", "preview_stop", "notify"):
            if isinstance(command := options.get(key), str) and command and not is_web_address(command):
                options[key] = find_program(command, self.loaded.folder).from_anywhere
        if is_web_address(options.get("notify", "")) and parse_address(options["notify"]).authorization:
            del options["notify"]
        told: dict[str, Any] = _told(values)
        return told


def _told(value: Any) -> Any:
    """TOML data with `?` for what is no text in it, as parts of paths may be: TOML can't tell that."""
    if isinstance(value, dict):
        return {key: _told(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_told(each) for each in value]
    return value.encode(errors="replace").decode() if isinstance(value, str) else value


def make_draft(loaded: LoadedConfig, story: Story | None = None) -> Draft:
    """Reads what the configuration names and plans it; raises `StoryError` or `ModelError`.

    `story` is what `read_story` gave for this configuration, where it was read before.
    """
    config = loaded.config
    options = config.generation_config
    text_file = find_source(config.prompt_config.source, loaded.folder)
    story = story or read_story(config.prompt_config, text_file)
    model = locate_model(options.model, options.revision, loaded.folder)
    seed = secrets.randbits(32) if options.seed is None else options.seed
    plan = make_plan(config, story, read_sampling(model, options.scheduler, options.sigmas), seed)
    return Draft(loaded, text_file, model, plan)


def read_story(config: PromptConfig, text_file: Path, follow: bool = True) -> Story:
    """Reads and splits a text, through a link only if those are to be followed; raises `StoryError`."""
    return split_story(read_source(text_file, config.encoding, follow), config, config.key or text_file.stem)
