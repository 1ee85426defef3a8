"""A stranger's files in the libraries' hands: what those raise is one sentence, and they fetch nothing."""

from collections.abc import Iterator
from contextlib import contextmanager

from sframes_tui.errors import ModelError, SFramesError, message_of


@contextmanager
def foreign(what: str) -> Iterator[None]:
    """Raises `ModelError`, "`what`: why", for anything that goes wrong inside, where the hub's client stays offline.

    So a model's files that make a library ask for others get them from this machine's cache or not at all.
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
