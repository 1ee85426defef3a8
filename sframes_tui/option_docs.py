"""Writes what is declared into the README and the comments of `configs/`: `python -m sframes_tui.option_docs`."""

import re
import textwrap
from collections.abc import Iterator
from pathlib import Path

from sframes_tui.config.options import Option, flat, options, readme_tables
from sframes_tui.ui.commands import key_table

ROOT = Path(__file__).resolve().parent.parent
WIDTH = 110


def with_tables(readme: str) -> str:
    """The README with its tables of keys and options as they are declared now."""
    return _between(_between(readme, "keys", key_table()), "options", readme_tables())


def _between(text: str, name: str, table: str) -> str:
    begin, end = f"<!-- {name}: written by make docs -->", f"<!-- end of {name} -->"
    before, _, rest = text.partition(begin)
    return f"{before}{begin}\n\n{table}\n{end}{rest.partition(end)[2]}"


def with_comments(config: str) -> str:
    """A configuration file with each option's help above it.

    Comments above a key belong to this function; those above a table's header, or before the first, are kept.
    """
    known = {option.path: option for option in options()}
    lines: list[str] = []
    section = ""
    for line in config.split("\n"):
        if header := re.match(r"\[+(\w+)\]+", line):
            section = header[1]
        key = re.match(r"(\w+)\s*=", line)
        if section and key:
            while lines and lines[-1].startswith("#"):
                lines.pop()
            lines += _comment(known[f"{section}.{key[1]}"])
        lines.append(line)
    return "\n".join(lines)


def _comment(option: Option) -> Iterator[str]:
    for line in textwrap.wrap(f"{flat(option.help)} ({option.kind})", WIDTH):
        yield f"# {line}"


def documented_files() -> Iterator[tuple[Path, str]]:
    """Each generated file and what it should hold."""
    readme = ROOT / "README.md"
    yield readme, with_tables(readme.read_text())
    for config in sorted((ROOT / "configs").glob("*.toml")):
        yield config, with_comments(config.read_text())


if __name__ == "__main__":
    for path, text in documented_files():
        path.write_text(text)
