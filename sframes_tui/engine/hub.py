"""Hub models: the local cache first, the network only for what the cache lacks. Loads nothing."""

from pathlib import Path

from sframes_tui.engine.safety import has_weights, read_parts, weight_files
from sframes_tui.errors import ModelError, message_of
from sframes_tui.story.config import GenerationConfig
from sframes_tui.story.model_source import ModelSource

INSTEAD = 'model = "builtin:picturebook" needs no download'


def hub_folder(source: ModelSource, config: GenerationConfig) -> Path:
    """The folder of a hub model, downloaded if the cache doesn't have all of it.

    Raises `ModelError` if it can't be had, saying what to do.
    """
    if source.path is not None and is_complete(source.path, source.name, config.variant):
        return source.path
    folder = _download(source.name, config)
    if not is_complete(folder, source.name, config.variant):  # diffusers is content with a cached part when offline
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


def _download(name: str, config: GenerationConfig) -> Path:
    from diffusers import DiffusionPipeline

    try:
        folder = DiffusionPipeline.download(
            name,
            revision=config.revision,
            variant=config.variant,
            use_safetensors=True,
            trust_remote_code=False,
            safety_checker=None,
            feature_extractor=None,
            image_encoder=None,
        )
    except Exception as error:
        raise ModelError(_why_not(name, config, error)) from error
    return Path(folder)


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
