"""Outside of the fence nothing of the screen touches what its libraries keep for themselves."""

import ast
import importlib
import inspect
import pkgutil
import textwrap
from functools import cache

import sframes_tui.ui

LIBRARIES = ("textual", "textual_image", "textual_fspicker", "rich")
FENCE = "sframes_tui.ui.fenced"
FENCED_LIBRARIES = ("textual_image", "textual_fspicker")


def modules():
    found = [each.name for each in pkgutil.walk_packages(sframes_tui.ui.__path__, "sframes_tui.ui.")]
    return [importlib.import_module(name) for name in found if not name.startswith(FENCE)]


def tree_of(thing):
    return ast.parse(textwrap.dedent(inspect.getsource(thing)))


def is_private(name):
    return name.startswith("_") and not name.startswith("__")


def is_library(name):
    return name.partition(".")[0] in LIBRARIES


@cache
def kept(cls):
    """What a class keeps for itself: private names that it defines, and those that it sets on its objects."""
    names = set()
    for node in ast.walk(tree_of(cls)):
        match node:
            case ast.ClassDef(body=body):
                names |= {name for each in body for name in defined(each)}
            case ast.Attribute(value=ast.Name(id="self"), attr=name, ctx=ast.Store()):
                names.add(name)
    return {name for name in names if is_private(name)}


def defined(statement):
    match statement:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.AnnAssign(target=ast.Name(id=name)):
            return [name]
        case ast.Assign(targets=targets):
            return [each.id for each in targets if isinstance(each, ast.Name)]
    return []


def touched(cls):
    """Private names of a library's classes that one of ours uses, overrides or happens to have as well."""
    bases = [each for each in cls.__mro__ if is_library(each.__module__)]
    used = {node.attr for node in ast.walk(tree_of(cls)) if isinstance(node, ast.Attribute)} | kept(cls)
    return used & set().union(*map(kept, bases))


def own_classes(module):
    return [each for each in vars(module).values() if inspect.isclass(each) and each.__module__ == module.__name__]


def test_no_widget_uses_or_overrides_what_its_library_keeps_for_itself():
    found = {
        f"{each.__module__}.{each.__name__}": touched(each) for module in modules() for each in own_classes(module)
    }
    assert len(found) > 80
    assert not {name: names for name, names in found.items() if names}


def test_the_fence_is_seen_by_what_looks_for_it():
    from sframes_tui.ui.fenced.driver import SteadyDriver
    from sframes_tui.ui.fenced.own_keys import OwnKeys

    assert touched(SteadyDriver) >= {"_file", "_must_signal_resume", "_sigcont_application"}
    assert touched(OwnKeys) == {"_bindings"}


def imported(tree):
    """(module, name) of each import."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((each.name, "") for each in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from ((node.module, each.name) for each in node.names)


def test_no_private_module_is_imported_and_two_libraries_only_within_the_fence():
    for module in modules():
        for source, name in imported(tree_of(module)):
            assert source.partition(".")[0] not in FENCED_LIBRARIES, module.__name__
            private = any(is_private(each) for each in (*source.split("."), name))
            assert not (is_library(source) and private), (module.__name__, source, name)
