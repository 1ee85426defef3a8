"""What a model's tokenizer may do to a prompt: split it by expressions that are known to end, and never let it grow.

The `tokenizers` library runs a `tokenizer.json` as it stands: a regular expression in it may take for ever, or end the
program, and a replacement may double the text as often as the file says.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

from sframes_tui.engine.loading.model_settings import check_numbers
from sframes_tui.errors import ModelError
from sframes_tui.model.files import TEXT_LIMIT, parsed

MAX_STEPS = 256
"""Objects in a normalizer, a pre-tokenizer, a post-processor, which may be sequences of others."""
MAX_CHARSMAP = 2_000_000
"""Characters of SentencePiece's table of normal forms; T5's has about 320,000."""

MOST = {"ByteLevel": 2, "Precompiled": 1, "Prepend": 2, "TemplateProcessing": 1}
"""How often a step that lets a text grow may come; each makes more of what the one before it made."""

MISTRAL = (
    r"[^\r\n\p{L}\p{N}]?((?=[\p{L}])([^a-z]))*((?=[\p{L}])([^A-Z]))+"
    r"|[^\r\n\p{L}\p{N}]?((?=[\p{L}])([^a-z]))+((?=[\p{L}])([^A-Z]))*"
    r"|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
"""The one expression of a known model (Mistral Small 3) that repeats groups; it ends all the same."""


def check_tokenizer(path: Path, where: str, model: str) -> None:
    """Raises `ModelError` for a `tokenizer.json` that could hang the program or use up its memory."""
    content = parsed(path, model, TEXT_LIMIT)
    if not isinstance(content, dict):
        raise ModelError(f"model {model!r}: {where} holds no JSON object")
    vocabulary = content.get("model")
    rest = {key: value for key, value in content.items() if key != "model"}
    if isinstance(vocabulary, dict):
        rest["model"] = {key: value for key, value in vocabulary.items() if key not in ("vocab", "merges")}
    check_numbers(rest, where, model)
    for part in ("normalizer", "pre_tokenizer", "post_processor"):
        steps = list(_objects(rest.get(part)))
        counts = Counter(step["type"] for step in steps if isinstance(step.get("type"), str))
        whys = [f"has {len(steps):,} steps"] if len(steps) > MAX_STEPS else []
        whys += [f"repeats {kind}" for kind, most in MOST.items() if counts[kind] > most]
        whys += filter(None, map(_why_not, steps))
        if whys:
            raise ModelError(f"model {model!r}: {where} has a {part} that {whys[0]}, which could take for ever")


def _objects(value: object) -> Iterator[dict[str, object]]:
    """Every object in a part, at any depth."""
    if isinstance(value, dict):
        yield value
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for each in inner:
        yield from _objects(each)


def _why_not(step: Mapping[str, object]) -> str | None:
    """What a step of a tokenizer does that is refused."""
    pattern = step.get("pattern")
    text, regex = (pattern.get("String"), pattern.get("Regex")) if isinstance(pattern, dict) else (None, None)
    if regex is not None and not (isinstance(regex, str) and ends(regex)):
        return f"searches for {regex!r:.60}"
    longest = len(text) if isinstance(text, str) else 2 if str(regex).startswith(r"\A") else 1
    if any(len(str(step.get(key, ""))) > longest for key in ("content", "prepend")):
        return "lets the text grow"
    charsmap = step.get("precompiled_charsmap")
    if isinstance(charsmap, str) and len(charsmap) > MAX_CHARSMAP:
        return f"has a table of {len(charsmap):,} characters"
    return None


def ends(regex: str) -> bool:
    """Whether a search of Oniguruma's ends in a time that grows with the text's square at most.

    So where no group is repeated, nothing refers back, and each alternative has two open repetitions or fewer.
    """
    if regex == MISTRAL:
        return True
    if len(regex) > 1000 or re.search(r"\\[1-9kgKRX]|&&|\(\?(?!:|i:|=|!|<=|<!)", regex):
        return False
    flat = re.sub(r"\\p\{\^?\w+\}|\\.", "x", regex, flags=re.DOTALL)
    flat = re.sub(r"x\{\d(,\d)?\}", "x", re.sub(r"\[[^\[\]]*\]", "x", flat))
    if "[" in flat or re.search(r"\)\??[*+{]|[*+}?][*+{]", flat):
        return False
    return all(len(re.findall(r"[*+{]", alternative)) <= 2 for alternative in _alternatives(flat))


def _alternatives(flat: str) -> Iterator[str]:
    """What stands between the bars that are in no group."""
    depth, start = 0, 0
    for place, character in enumerate(flat):
        depth += {"(": 1, ")": -1}.get(character, 0)
        if character == "|" and depth == 0:
            yield flat[start:place]
            start = place + 1
    yield flat[start:]
