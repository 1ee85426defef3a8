"""Is what a model's configuration asks for in proportion to its weights? Nothing is allocated to find out.

A configuration of a few lines can ask for hundreds of gigabytes: the loaders allocate first and compare later.
"""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import torch

from sframes_tui.engine.loading.vetting import UNUSED_PARTS, Part, check_part, has_weights, read_parts, weight_files
from sframes_tui.errors import ModelError
from sframes_tui.model.files import read_json

ELEMENTS_PER_BYTE = 4
"""Weights may be packed two to a byte, and a tensor that two places share is counted twice; more is no model."""


def check_folder_proportions(
    folder: Path, model: str, weights: Sequence[Path] | None = None, left_out: Collection[str] = UNUSED_PARTS
) -> None:
    """Raises `ModelError` where a part would hold far more numbers than its weight files.

    `weights` are the files to measure against, for a folder that only describes a single-file checkpoint; otherwise
    every part is measured against its own. Parts that are `left_out` are not loaded.
    """
    for part in read_parts(folder, model, left_out):
        part_class = check_part(part, folder, model)
        if has_weights(part_class):
            files = weight_files(folder / part.name, model) if weights is None else weights
            _check_part_proportions(part, part_class, folder / part.name, files, model)


def _check_part_proportions(part: Part, part_class: type, folder: Path, files: Sequence[Path], model: str) -> None:
    config = read_json(folder / "config.json", model)
    asked = count_elements(part_class, config)
    there = sum(path.stat().st_size for path in files)
    if asked > ELEMENTS_PER_BYTE * there:
        raise ModelError(
            f"model {model!r}: {part.name}/config.json asks for {asked:,} numbers, but its weights are only "
            f"{there:,} bytes; the model is damaged or made to use up memory"
        )


def count_elements(part_class: type, config: Mapping[str, object]) -> int:
    """Parameters and buffers that a class makes of a configuration, counted on torch's memoryless "meta" device.

    0 where the class can't be made there: then the loader's own checks have to do.
    """
    from diffusers import ModelMixin

    try:
        with torch.device("meta"):
            if issubclass(part_class, ModelMixin):
                module = part_class.from_config(dict(config))  # type: ignore[attr-defined]
            else:
                module = part_class(part_class.config_class.from_dict(dict(config)))  # type: ignore[attr-defined]
    except Exception:
        return 0
    return sum(tensor.numel() for tensors in (module.parameters(), module.buffers()) for tensor in tensors)
