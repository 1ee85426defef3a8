"""Single-file checkpoints: finds the configuration that such a file lacks, on this machine only.

A checkpoint holds weights alone. Which classes they belong to, the tokenizer and the scheduler come from a diffusers
folder of the same kind of model.
"""

from pathlib import Path
from typing import Any

import torch

from sframes_tui.config.config import GenerationConfig
from sframes_tui.engine.device.devices import HALF
from sframes_tui.engine.loading.hub import foreign
from sframes_tui.engine.loading.proportions import check_folder_proportions
from sframes_tui.engine.loading.scheduling import stand_in
from sframes_tui.engine.loading.vetting import UNUSED_PARTS, check_folder, check_header, pipeline_class, unused_parts
from sframes_tui.engine.pipelines import Pipeline
from sframes_tui.errors import ModelError
from sframes_tui.model.source import cached_snapshot


def load_checkpoint(path: Path, model: str, options: GenerationConfig, dtype: torch.dtype) -> Pipeline:
    """A `.safetensors` checkpoint -> its text-to-image pipeline, on the CPU.

    Raises `ModelError` where its configuration isn't on this machine, saying how to get it.
    """
    check_header(path, model)
    folder = configuration_for(path, model)
    scheduler = stand_in(folder, model, options)
    replaced = {} if scheduler is None else {"scheduler": scheduler}
    check_folder(folder, model, weights=False, replaced=tuple(replaced))
    check_folder_proportions(folder, model, weights=[path], left_out=(*UNUSED_PARTS, *replaced))
    loader: Pipeline = pipeline_class(folder, model)
    unused = unused_parts(folder, model)
    with foreign(f"model {model!r} can't be loaded with the configuration in {folder}"):
        pipe: Pipeline = loader.from_single_file(
            str(path),
            config=str(folder),
            torch_dtype=dtype,
            local_files_only=True,
            **unused,
            **replaced,
            **_exact_vae(path, folder, dtype),
        )
    return pipe


def _exact_vae(path: Path, folder: Path, dtype: torch.dtype) -> dict[str, Any]:
    """The VAE by itself in float32 where the rest is in half precision: `from_single_file` knows one format for all."""
    if dtype not in HALF:
        return {}
    from diffusers import AutoencoderKL

    options = {"subfolder": "vae", "torch_dtype": torch.float32, "local_files_only": True}
    return {"vae": AutoencoderKL.from_single_file(str(path), config=str(folder), **options)}


def configuration_for(path: Path, model: str) -> Path:
    """The diffusers folder that describes a checkpoint: the one beside it that bears its name, or else the cached
    hub model that diffusers takes for its kind.
    """
    beside = path.with_suffix("")
    if (beside / "model_index.json").is_file():
        return beside
    repo = reference_repo(path)
    cached = cached_snapshot(repo)
    if cached is not None:
        return cached
    raise ModelError(
        f"model {model!r}: a checkpoint holds no tokenizer and no configuration; get them once with "
        f'`hf download {repo} --include "*.json" "*.txt" "*.model"` (a few MB), or put a diffusers folder of the '
        f"same kind of model beside it as {beside.name}/"
    )


def reference_repo(path: Path) -> str:
    """The hub id whose configuration diffusers uses for a checkpoint, told by its tensors' names and shapes alone."""
    from diffusers.loaders.single_file_utils import fetch_diffusers_config
    from safetensors import safe_open

    with foreign(f"model {path.name!r} is no checkpoint that diffusers knows"):
        with safe_open(path, framework="pt") as weights:
            names = weights.keys()
            shapes = {key: torch.empty(weights.get_slice(key).get_shape(), device="meta") for key in names}
        return str(fetch_diffusers_config(shapes)["pretrained_model_name_or_path"])
