"""A run folder that can be steered, with nothing that draws."""

import contextlib

from sframes_tui.run.beside import steering
from sframes_tui.run.record.tree import Tree


@contextlib.contextmanager
def steered(folder, control, emit):
    with contextlib.closing(Tree(folder)) as tree, steering.steered(tree, control, emit) as told:
        yield told
