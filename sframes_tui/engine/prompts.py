"""Fits prompts into the windows of a pipeline's text encoders, before anything is drawn.

A run has a hundred thousand prompts and a few styles: what is counted once for all, and what is tried in one batch, is
what makes it seconds.
"""

import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, Self, TypeAlias

from sframes_tui.engine.pipelines import Pipeline
from sframes_tui.engine.protocol import Fitted
from sframes_tui.errors import StoryError

Tokenizer: TypeAlias = Any
"""One of transformers' tokenizers, which have no types."""

Overflow = Literal["shorten", "truncate", "error"]

_NO_LIMIT = 1_000_000
"""Tokenizers without a window of their own say 10**30."""

_SEAM = 4
"""Tokens by which a prompt and its style together may come to more than each alone."""


@dataclass(frozen=True)
class Window:
    """One text encoder's tokenizer, and how many tokens the encoder reads, the special ones included."""

    tokenizer: Tokenizer
    length: int

    def counts(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text, uncut."""
        if not texts:
            return []
        backend = getattr(self.tokenizer, "backend_tokenizer", None)
        if backend is None:
            return [len(ids) for ids in self.tokenizer(list(texts), truncation=False, verbose=False).input_ids]
        backend.no_truncation()
        backend.no_padding()
        return [len(encoding) for encoding in backend.encode_batch_fast(list(texts))]


def windows_of(pipe: Pipeline) -> tuple[Window, ...]:
    """The windows of every tokenizer that the pipeline encodes its prompt with."""
    found = []
    for suffix in ("", "_2", "_3"):
        tokenizer = getattr(pipe, f"tokenizer{suffix}", None)
        if tokenizer is not None:
            found.append(Window(tokenizer, _length(pipe, tokenizer, getattr(pipe, f"text_encoder{suffix}", None))))
    return tuple(found)


def _length(pipe: Pipeline, tokenizer: Tokenizer, encoder: object) -> int:
    """The least of what the tokenizer, the encoder's positions and the pipeline's own argument allow.

    `max_sequence_length` is an argument of pipelines for their T5 and language-model encoders, not for CLIP.
    """
    limits = [tokenizer.model_max_length, _NO_LIMIT]
    config = getattr(encoder, "config", None)
    limits.append(getattr(config, "max_position_embeddings", None) or _NO_LIMIT)
    parameter = inspect.signature(pipe.__call__).parameters.get("max_sequence_length")
    if parameter is not None and "CLIP" not in type(tokenizer).__name__ and isinstance(parameter.default, int):
        limits.append(parameter.default)
    return int(min(limits))


class PromptFitter:
    """Joins prompts with a style and fits them into all windows at once, by whole words."""

    def __init__(self, windows: Sequence[Window], on_overflow: Overflow) -> None:
        self._windows = tuple(windows)
        self._on_overflow = on_overflow
        self._prompt_counts: dict[str, tuple[int, ...]] = {}

    @classmethod
    def of(cls, pipe: Pipeline, on_overflow: Overflow) -> Self:
        return cls(windows_of(pipe), on_overflow)

    def fit(self, prompts: Sequence[str], style: str) -> list[Fitted]:
        """Each prompt as `"{prompt} {style}"`, stripped, and made to fit as `on_overflow` says.

        Raises `StoryError` that lists the prompts that are too long where they are to be refused.
        """
        fitted = [Fitted(_joined(prompt, style)) for prompt in prompts]
        near = self._near_the_limit(prompts, style)
        fits = self._fit([fitted[index].text for index in near])
        long = [index for index, fine in zip(near, fits, strict=True) if not fine]
        for index, each in zip(long, self._made_to_fit([prompts[index] for index in long], style), strict=True):
            fitted[index] = each
        return fitted

    def _made_to_fit(self, prompts: Sequence[str], style: str) -> list[Fitted]:
        """Prompts that are too long with this style."""
        if not prompts:
            return []
        texts = [_joined(prompt, style) for prompt in prompts]
        if self._on_overflow == "error":
            raise StoryError(_refusal(texts, self._smallest()))
        alone = not self._fit([style])[0]
        if self._on_overflow == "shorten" and not alone:
            return self._shortened(prompts, style)
        return self._cut(texts, alone)

    def _near_the_limit(self, prompts: Sequence[str], style: str) -> list[int]:
        """The prompts that may be too long with this style, and a few more; all others fit.

        Tokenizers split at spaces, so the tokens of a prompt, counted once for all styles, and those of a style add
        up, give or take what happens where they meet.
        """
        new = [prompt for prompt in dict.fromkeys(prompts) if prompt not in self._prompt_counts]
        counts = [window.counts(new) for window in self._windows]
        for index, prompt in enumerate(new):
            self._prompt_counts[prompt] = tuple(count[index] for count in counts)
        rooms = []
        for window in self._windows:
            alone, with_style = window.counts(["a", f"a {style}"])
            rooms.append(window.length - (with_style - alone) - _SEAM)
        return [
            index
            for index, prompt in enumerate(prompts)
            if any(count > room for count, room in zip(self._prompt_counts[prompt], rooms, strict=True))
        ]

    def _fit(self, texts: Sequence[str]) -> list[bool]:
        fits = [True] * len(texts)
        for window in self._windows:
            fits = [ok and count <= window.length for ok, count in zip(fits, window.counts(texts), strict=True)]
        return fits

    def _smallest(self) -> int:
        return min(window.length for window in self._windows)

    def _shortened(self, prompts: Sequence[str], style: str) -> list[Fitted]:
        """The longest beginning of each prompt, in words, that leaves room for the whole style."""
        words = [prompt.split() for prompt in prompts]
        kept = self._most_words(words, style)
        return [
            Fitted(_joined(" ".join(each[:count]), style), " ".join(each[count:]))
            for each, count in zip(words, kept, strict=True)
        ]

    def _cut(self, texts: Sequence[str], style_alone: bool) -> list[Fitted]:
        """Texts as they are; the pipeline cuts off what is beyond the window, and `lost` says what that is."""
        words = [text.split() for text in texts]
        warning = "the style alone is too long for this model; lost: " if style_alone else ""
        return [
            Fitted(text, warning + " ".join(each[count:]))
            for text, each, count in zip(texts, words, self._most_words(words, ""), strict=True)
        ]

    def _most_words(self, words: Sequence[list[str]], style: str) -> list[int]:
        """How many words of each list fit together with the style: bisection, all lists in one batch a round.

        A word is at least one token, so no more words than the smallest window has tokens are ever tried.
        """
        low = [0] * len(words)
        high = [min(len(each), self._smallest()) for each in words]
        while open_ := [index for index in range(len(words)) if low[index] < high[index]]:
            middle = {index: (low[index] + high[index] + 1) // 2 for index in open_}
            texts = [_joined(" ".join(words[index][: middle[index]]), style) for index in open_]
            for index, fits in zip(open_, self._fit(texts), strict=True):
                if fits:
                    low[index] = middle[index]
                else:
                    high[index] = middle[index] - 1
        return low


def _joined(prompt: str, style: str) -> str:
    return f"{prompt} {style}".strip()


def _refusal(texts: Sequence[str], window: int) -> str:
    shown = ", ".join(f'"{text[:60]}{"…" if len(text) > 60 else ""}"' for text in texts[:10])
    more = f" and {len(texts) - 10} more" if len(texts) > 10 else ""
    return (
        f"{len(texts)} prompts are longer than the {window} tokens that the model reads; shorten them, "
        f'or set on_overflow = "shorten": {shown}{more}'
    )
