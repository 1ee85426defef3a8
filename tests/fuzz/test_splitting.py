"""Regexes of strangers over any text: an answer or a sentence, within the time that they have."""

import time

from hypothesis import given
from hypothesis import strategies as st

from sframes_tui.config.config import PromptConfig
from sframes_tui.config.timed_regex import BASE_SECONDS, compile_pattern
from sframes_tui.text.source import SourceText
from sframes_tui.text.split import split_story
from tests.fuzz.held import fuzzed, held

# fmt: off
ATOMS = st.sampled_from([
    "a", ".", r"\w", r"\d+", r"\n", "(?:a|a)*", "(a+)+", "(?=a)", "(?<=a)", "(?>a)", "(?R)", "(?1)", "[a-z]", "[^a]",
    "(?i)", "(?r)", "(?b)", "(?e)", "(a){e<=2}", r"\K", r"\1", "^", "$", r"\b", r"\X", r"\p{L}", "{2,}", "{9999}", "|",
    "(", ")", "[", "\\", "(?P<x>a)", "(?(1)a|b)", "*", "+?", "*+", "(?<x>", "\\N{", "(?x: # )",
])
# fmt: on
PATTERNS = st.lists(ATOMS, max_size=8).map("".join) | st.text(max_size=30)
TEXTS = st.text(alphabet="aab \n\tAé1\u0130ß", max_size=300) | st.sampled_from(["a" * 3000, "\n" * 3000, "ab" * 2000])


@fuzzed(60)
@given(TEXTS.filter(str.strip), PATTERNS, PATTERNS.filter(bool))
def test_patterns(text, chapters, prompts):
    begun = time.thread_time()
    options = {"source": "x", "prompt_split_regex": prompts, "chapter_split_regex": chapters or None}
    try:
        config = PromptConfig.model_validate(options)
    except ValueError:
        held(lambda: compile_pattern(prompts), ValueError)
        held(lambda: compile_pattern(chapters), ValueError)
    else:
        story = held(lambda: split_story(SourceText(text), config, "x"))
        assert story is None or story.prompt_count > 0
    # Of this thread alone, so that busy neighbours don't count.
    assert time.thread_time() - begun < 10 * BASE_SECONDS
