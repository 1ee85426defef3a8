"""Where a model's name points to, found without torch and without the network."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from sframes_tui.errors import ModelError
from sframes_tui.model.weight_kind import why_not_a_model

BUILTIN_PREFIX = "builtin:"
PACKAGE = Path(__file__).resolve().parent.parent
BUILTINS = {"picturebook": PACKAGE / "picturebook"}
NOTICE = "notice.txt"
"""In a model's folder: what it wants to have said at every start."""


@dataclass(frozen=True, slots=True)
class ModelSource:
    """A model's name, resolved."""

    name: str
    """As the user wrote it."""
    kind: Literal["folder", "checkpoint", "hub"]
    path: Path | None
    """The diffusers folder or the single file; for a hub id its snapshot in the local cache, None if there is none."""

    @property
    def label(self) -> str:
        """The model's name without the place where it lies."""
        local = self.path is not None and self.kind != "hub" and not self.name.startswith(BUILTIN_PREFIX)
        return self.path.name if local and self.path else self.name


def locate_model(name: str, revision: str | None = None, near: Path | None = None) -> ModelSource:
    """Decides what `name` means: `builtin:NAME`, a folder, a `.safetensors` file, or a hub id.

    A relative path is looked up in `near` (the configuration file's folder), then in the working directory.
    Raises `ModelError` for an unknown built-in, a pickle checkpoint, or a path that doesn't exist.
    """
    if name.startswith(BUILTIN_PREFIX):
        return ModelSource(name, "folder", _builtin(name))
    for root in (near, Path.cwd()):
        if root is not None and (found := _existing(root, name)):
            return _local(name, found)
    if name.startswith((".", "/", "~")) or name.endswith((".safetensors", *PICKLES)) or name.count("/") != 1:
        raise ModelError(f"model {name!r}: no such folder or file, and not a hub id of the form OWNER/NAME")
    return ModelSource(name, "hub", cached_snapshot(name, revision))


def found_now(source: ModelSource, revision: str | None = None, near: Path | None = None) -> ModelSource:
    """The same model as it lies here by now: it may have been downloaded since it was looked for."""
    return source if source.path is not None else locate_model(source.name, revision, near)


PICKLES = (".ckpt", ".pt", ".pth", ".bin", ".pkl")


def _builtin(name: str) -> Path:
    short = name.removeprefix(BUILTIN_PREFIX)
    if short not in BUILTINS:
        known = ", ".join(BUILTIN_PREFIX + each for each in BUILTINS)
        raise ModelError(f"model {name!r}: there is no such built-in model; there is {known}")
    return BUILTINS[short]


def _existing(root: Path, name: str) -> Path | None:
    try:
        path = root / Path(name).expanduser()
        return path if path.exists() else None
    except (OSError, ValueError, RuntimeError) as error:  # too long, a NUL, or ~nobody
        raise ModelError(f"model {name!r}: not a path that can be looked at: {error}") from None


def _local(name: str, path: Path) -> ModelSource:
    if path.is_dir():
        if not (path / "model_index.json").is_file():
            raise ModelError(
                f"model {name!r}: the folder has no model_index.json, so it is no diffusers model{_what(path)}"
            )
        return ModelSource(name, "folder", path)
    if path.suffix.lower() == ".safetensors" and path.is_file():
        if why := why_not_a_model(path):
            raise ModelError(f"model {name!r}: {why}")
        return ModelSource(name, "checkpoint", path)
    raise ModelError(
        f"model {name!r}: only diffusers folders and .safetensors files are loaded, "
        "since other checkpoint formats can run code"
    )


def _what(folder: Path) -> str:
    """What a folder that is no model holds instead, as the end of a sentence."""
    for file in sorted(folder.glob("*.safetensors"))[:1]:
        if why := why_not_a_model(file):
            return f"; of its {file.name}: {why}"
    return ""


def cached_snapshot(repo: str, revision: str | None = None) -> Path | None:
    """The folder of a hub model in the local cache, complete or not; None if there is none.

    Raises `ModelError` if `repo` can't be a hub id, or `revision` a branch, tag or commit: it becomes part of a path.
    """
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    if revision is not None and not re.fullmatch(r"\w[\w.+@-]*(/\w[\w.+@-]*)*", revision):
        raise ModelError(f"model {repo!r}: revision {revision!r} can't be a branch, tag or commit of the hub")
    try:
        index = try_to_load_from_cache(repo, "model_index.json", revision=revision)
    except HFValidationError:
        raise ModelError(f"model {repo!r}: neither a folder, a file nor a hub id") from None
    return Path(index).parent if isinstance(index, str) else None


def pick_variant(folder: Path, wanted: str | None, half: bool) -> str | None:
    """Which of a model's weight files to load; None means the plain ones.

    Unasked, "fp16" ones where there are no others, or where `half` says that a format of 16 bits is wanted: to make
    one of 32 costs time. bfloat16 holds all that float16 does but for its last bits, which it drops of any number.
    """
    if wanted is not None:
        return wanted
    files = [file.name for file in folder.glob("*/*.safetensors")]
    fitting = [name for name in files if ".fp16" in name]
    return "fp16" if fitting and (half or len(fitting) == len(files)) else None
