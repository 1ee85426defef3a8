"""Every bench by its name: `python -m bench NAME`. Without a name the engines are compared, side by side."""

import runpy
import sys
from collections.abc import Mapping
from importlib.util import find_spec

BENCHES = {
    "engines": "the reference loop and the batched engine side by side (what runs without a name)",
    "gpu": "correctness and rates of Stable Diffusion's real shapes on a GPU, within 8 minutes",
    "start": "the time to the first picture, phase by phase, beside a bare diffusers script",
    "precision": "a long chain in float32, float16 and bfloat16",
    "steps": "Python's own time in a denoising step",
    "screen": "the screen's start, and its keys while a run draws",
    "link": "keys and pictures over a slow line",
    "tree": "the story's tree beside Textual's own",
}
"""Name of a module here -> what it measures."""


def main() -> None:
    there = {name: said for name, said in BENCHES.items() if find_spec(f"bench.{name}")}
    words = sys.argv[1:]
    if words[:1] in (["-h"], ["--help"]):
        print(_usage(there))
        return
    name = words.pop(0) if words and not words[0].startswith("-") else "engines"
    if name not in there:
        sys.exit(f"there is no bench {name!r}\n\n{_usage(there)}")
    sys.argv[1:] = words
    runpy.run_module(f"bench.{name}", run_name="__main__", alter_sys=True)


def _usage(there: Mapping[str, str]) -> str:
    lines = "\n".join(f"  {name:<10} {said}" for name, said in there.items())
    return f"usage: python -m bench [NAME] [options of that bench, such as --help]\n\n{lines}"


if __name__ == "__main__":
    main()
