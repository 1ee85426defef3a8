"""What torch is asked for where a picture's bytes shall be the same each time it is drawn on a GPU.

Drawing uses no operation that torch lists as not deterministic; what is left to chance are the kernels that cuDNN and
cuBLAS choose (docs.pytorch.org/docs/stable/notes/randomness.html). A compiled model is asked for the same where it is
compiled.
"""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import torch

from sframes_tui.config.config import GenerationConfig

CUBLAS = ("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
"""Memory of its own for each of cuBLAS' streams; torch sees to that itself since 2.10."""


@contextmanager
def exact_kernels(config: GenerationConfig, device: torch.device) -> Iterator[None]:
    """Sets torch's switches as `deterministic` wants them on a GPU, and puts them back."""
    with ExitStack() as undo:
        if device.type == "cuda" and config.deterministic:
            _switch(undo, "benchmark", value=False)
            _switch(undo, "deterministic", value=True)
            if config.dtype == "float32":  # who asks for it shall get no rounder numbers in convolutions
                _switch(undo, "allow_tf32", value=False)
            if torch.__version__ < "2.10" and CUBLAS[0] not in os.environ:  # versions, which torch compares as such
                os.environ[CUBLAS[0]] = CUBLAS[1]
                undo.callback(os.environ.pop, CUBLAS[0], None)
        yield


def _switch(undo: ExitStack, name: str, value: bool) -> None:
    cudnn = torch.backends.cudnn
    undo.callback(setattr, cudnn, name, getattr(cudnn, name))
    setattr(cudnn, name, value)
