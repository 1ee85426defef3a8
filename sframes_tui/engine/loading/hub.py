"""Hub models: the local cache first, the network only for what the cache lacks. Loads nothing.

It is asked where the user named a model, never where a model's own files do: `foreign` keeps the client offline.
"""

import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from sframes_tui.config.config import GenerationConfig
from sframes_tui.engine.loading.download import Meter, metered
from sframes_tui.engine.loading.vetting import has_weights, is_combined, pipeline_class, read_parts, weight_files
from sframes_tui.errors import ModelError, SFramesError, message_of
from sframes_tui.model.source import PICKLES, ModelSource, cached_snapshot

INSTEAD = 'model = "builtin:picturebook" needs no download'


def hub_folder(source: ModelSource, config: GenerationConfig, half: bool) -> Path:
    """The folder of a hub model, downloaded if the cache doesn't have all of it.

    `half` says that its weights are wanted in half precision: files of that are half as large. Raises `ModelError` if
    it can't be had, saying what to do.
    """
    if source.path is not None and is_complete(source.path, source.name, config.variant):
        return source.path
    folder = _download(source.name, config, half)
    if not is_complete(folder, source.name, config.variant):  # a cached part is enough for the hub's client offline
        raise ModelError(
            f"model {source.name!r}: the local cache has only a part of it and the rest can't be had; connect once, "
            f"or {INSTEAD}"
        )
    return folder


def is_complete(folder: Path, model: str, variant: str | None) -> bool:
    """Every part of a cached model is there, with its weights, and some of them are of the variant."""
    import diffusers
    import transformers

    try:
        for part in read_parts(folder, model):
            library = transformers if part.package == "transformers" else diffusers
            part_class = getattr(library, part.class_name, None)
            if not (folder / part.name).is_dir():
                return False
            weighty = isinstance(part_class, type) and has_weights(part_class)
            if weighty and not weight_files(folder / part.name, model):
                return False
    except ModelError:
        return False
    return variant is None or any(folder.glob(f"*/*.{variant}*.safetensors"))


def _download(name: str, config: GenerationConfig, half: bool) -> Path:
    from huggingface_hub import HfApi, hf_hub_download, snapshot_download

    try:
        index = Path(hf_hub_download(name, "model_index.json", revision=config.revision))
        info = HfApi().model_info(name, revision=config.revision, files_metadata=True)
        sizes = {each.rfilename: each.size or 0 for each in info.siblings or ()}
        files = wanted_files(index.parent, name, sizes, config.variant, half)
        fetch = partial(snapshot_download, name, revision=config.revision, allow_patterns=files)
        folder = Path(metered(Meter(sum(sizes[file] for file in files)), lambda bar: fetch(tqdm_class=bar)))
        if is_combined(pipeline_class(folder, name)):
            _download_connected(name, config)
    except ModelError:
        raise
    except Exception as error:
        cached = cached_snapshot(name, config.revision)
        if cached is not None and _offline(_causes(error)):
            return cached
        raise ModelError(_why_not(name, config, error)) from error
    return folder


def wanted_files(folder: Path, model: str, names: Collection[str], variant: str | None, half: bool) -> list[str]:
    """Which of a hub model's files to download: its parts' settings, and of its weights one variant alone.

    `folder` holds its `model_index.json`; `names` are paths of all its files. Unasked, the "fp16" ones if `half`, where
    there are some. Raises `ModelError` where a part has its weights only as pickles, or none of the variant asked for.
    """
    wanted = ["model_index.json"]
    preferred = variant or ("fp16" if half else None)
    for part in read_parts(folder, model):
        inside = [name for name in names if name.rpartition("/")[0] == part.name]
        weights = [name for name in inside if ".safetensors" in name]
        if not weights and any(name.endswith(PICKLES) for name in inside):
            raise ModelError(f"model {model!r}: its {part.name} has its weights only as pickles, which can run code")
        wanted += _of_one_variant(weights, preferred)
        wanted += [name for name in inside if name.endswith((".json", ".txt", ".model")) and name not in weights]
    if variant and not any(f".{variant}" in name for name in wanted):
        raise ModelError(f"model {model!r}: it has no safetensors of the variant {variant!r}; leave variant out")
    return wanted


def _of_one_variant(weights: Collection[str], preferred: str | None) -> list[str]:
    """Of a part's weight files those of the variant that is preferred, else the plain ones, else those in float16."""
    plain = [name for name in weights if re.fullmatch(r"[^.]+\.safetensors(\.index\.json)?", Path(name).name)]
    of_variant = [name for name in weights if preferred and re.search(rf"\.{re.escape(preferred)}[.-]", name)]
    fp16 = [name for name in weights if ".fp16" in name]
    return of_variant or plain or fp16


def _download_connected(name: str, config: GenerationConfig) -> None:
    """The other models that some pipelines are made of."""
    from diffusers import DiffusionPipeline

    DiffusionPipeline.download(
        name, revision=config.revision, variant=config.variant, use_safetensors=True, trust_remote_code=False
    )


def _why_not(name: str, config: GenerationConfig, error: Exception) -> str:
    """Why a model could not be had, in one sentence that says what to do."""
    from huggingface_hub import errors

    causes = list(_causes(error))
    model = f"model {name!r}"
    if any(isinstance(cause, errors.GatedRepoError) for cause in causes):
        page = f"https://huggingface.co/{name}"
        return f"{model}: its owner must let you in: accept the terms at {page} and run `hf auth login`; {INSTEAD}"
    if any(isinstance(cause, errors.RevisionNotFoundError) for cause in causes):
        return f"{model}: it has no revision {config.revision!r}; see its branches and tags on the hub"
    if any(isinstance(cause, errors.RepositoryNotFoundError) for cause in causes):
        return f"{model}: the hub has no such model, or it is private (`hf auth login`); check the name; {INSTEAD}"
    if any(isinstance(cause, errors.EntryNotFoundError) for cause in causes) and not _offline(causes):
        return f"{model}: it is not in the diffusers format (no model_index.json); use its .safetensors file instead"
    if _offline(causes):
        return f"{model}: it is not in the local cache and the hub can't be reached; connect once, or {INSTEAD}"
    return f"{model}: it can't be downloaded: {message_of(error)}; {INSTEAD}"


_UNREACHABLE = {"LocalEntryNotFoundError", "OfflineModeIsEnabled", "TransportError", "ConnectionError", "TimeoutError"}
"""By name, since which HTTP library the hub's client raises from depends on its version."""


def _offline(causes: list[BaseException]) -> bool:
    return any(kind.__name__ in _UNREACHABLE for cause in causes for kind in type(cause).__mro__)


def _causes(error: BaseException | None) -> list[BaseException]:
    """An exception and everything that led to it."""
    chain: list[BaseException] = []
    while error is not None and error not in chain:
        chain.append(error)
        error = error.__cause__ or error.__context__
    return chain


@contextmanager
def foreign(what: str) -> Iterator[None]:
    """Raises `ModelError`, "`what`: why", for anything that goes wrong inside, where the hub's client stays offline.

    For a stranger's files in the libraries' hands: those that make a library ask for others get them from this
    machine's cache or not at all.
    """
    from huggingface_hub import constants

    before, constants.HF_HUB_OFFLINE = constants.HF_HUB_OFFLINE, True
    try:
        yield
    except SFramesError:
        raise
    except Exception as error:
        raise ModelError(f"{what}: {message_of(error)}") from error
    except BaseException as error:  # tokenizers are written in Rust, whose panics are no exceptions to Python
        if type(error).__name__ != "PanicException":
            raise
        raise ModelError(f"{what}: {message_of(error)}") from error
    finally:
        constants.HF_HUB_OFFLINE = before
