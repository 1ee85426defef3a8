"""Splitting, held against the original's `re.split`, and the notes and errors that tell of it."""

import re
import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sframes_tui.config.config import PromptConfig
from sframes_tui.config.timed_regex import SearchTime
from sframes_tui.errors import StoryError
from sframes_tui.text.patterns import CHAPTER_PATTERNS, PROMPT_PATTERNS, offers
from sframes_tui.text.source import SourceText
from sframes_tui.text.split import pieces, split_story

SEASONS = (
    "An episode list\n\nSeason1: the first\nChildren of the Gods\n\nThe Enemy Within\nSeason2\nThe Serpent's Lair\n"
)


def split(text, chapters=None, **options):
    config = PromptConfig.model_validate({"source": "a.txt", "chapter_split_regex": chapters, **options})
    return split_story(SourceText(text) if isinstance(text, str) else text, config, "stem")


def drawn(story):
    return [(chapter.title, *chapter.prompts) for chapter in story.chapters]


def notes(story):
    return [note.text for note in story.notes]


def test_front_matter_headings_and_blank_lines():
    story = split(SEASONS, r"Season\d+")
    assert drawn(story) == [
        ("Season1: the first", "Children of the Gods", "The Enemy Within"),
        ("Season2", "The Serpent's Lair"),
    ]
    assert notes(story) == [
        '15 characters before the first heading left out: "An episode list".',
        "3 blank pieces are skipped.",
    ]


@given(
    text=st.lists(st.sampled_from(["Gen.1", "Gen.22", " the rest", "\n", "light", "a day ", "\t"])).map("".join),
    max_chapters=st.integers(1, 3),
    max_entries=st.integers(1, 3),
    prompt_regex=st.sampled_from(["\n", r"\n+", r"(\n)|(;)", r"\s", "(?=l)", "x*"]),
)
def test_what_is_drawn_is_what_the_original_drew_but_for_blanks(text, max_chapters, max_entries, prompt_regex):
    plain = re.compile(prompt_regex.replace("(", "(?:") if prompt_regex.startswith("(\\") else prompt_regex)
    original = [plain.split(chapter)[1:] for chapter in re.split(r"Gen.\d+", text)[1:]]
    expected = [[piece.strip() for piece in chapter if piece.strip()][:max_entries] for chapter in original]
    expected = [prompts for prompts in expected if prompts][:max_chapters]
    options = {"max_chapters": max_chapters, "max_entries_per_chapter": max_entries, "prompt_split_regex": prompt_regex}
    if expected:
        story = split(text, r"Gen.\d+", **options)
        assert [list(chapter.prompts) for chapter in story.chapters] == expected
    else:
        with pytest.raises(StoryError):
            split(text, r"Gen.\d+", **options)


@given(text=st.text("ab \n1."), pattern=st.sampled_from(["\n", r"\s*", r"(?=a)", r"(a)(b)?", r"(?<=\.)", r"(?r)b|\n"]))
def test_pieces_and_separators_make_up_the_text(text, pattern):
    spans = list(SearchTime(len(text)).spans("key", pattern, text))
    separators = [text[slice(*span)] for span in spans] + [""]
    parts = list(pieces(text, pattern, SearchTime(len(text))))
    assert "".join(part + separator for part, separator in zip(parts, separators, strict=True)) == text


def test_capture_groups_are_no_pieces():
    story = split("Chapter 1\none; two\nthree", r"(Chapter) (\d+)", prompt_split_regex=r"(\n)|(;)")
    assert drawn(story) == [("Chapter 1", "one", "two", "three")]


def test_without_a_chapter_regex_nothing_is_a_heading():
    assert drawn(split("first\nsecond\n")) == [("stem", "first", "second")]
    assert drawn(split("first\nsecond\n", key="tale")) == [("tale", "first", "second")]


def test_a_lookahead_keeps_the_heading_as_the_title():
    assert drawn(split("Chapter 1: Rock\na\nChapter 2\nb", r"(?=Chapter \d+)")) == [
        ("Chapter 1: Rock", "a"),
        ("Chapter 2", "b"),
    ]


def test_caps_say_what_they_leave_out():
    story = split("C1\na\nb\nc\nC2\nd\nC3\ne\nf\ng", r"C\d", max_chapters=2, max_entries_per_chapter=2)
    assert drawn(story) == [("C1", "a", "b"), ("C2", "d")]
    assert notes(story)[-2:] == [
        "max_chapters: 2 of 3 chapters are drawn.",
        "max_entries_per_chapter: 1 prompt is left out in 1 chapter.",
    ]


def test_caps_that_leave_nothing_out_say_nothing():
    assert notes(split("C1\naC2\nb", r"C\d", max_chapters=2, max_entries_per_chapter=1)) == []


def test_a_chapter_without_prompts_is_passed_over_and_does_not_use_up_the_cap():
    story = split("Chapter 1\nChapter 2\nChapter 1\na\nChapter 2\nb", r"Chapter \d", max_chapters=2)
    assert drawn(story) == [("Chapter 1", "a"), ("Chapter 2", "b")]
    assert '2 chapters without prompts are passed over: "Chapter 1", "Chapter 2".' in notes(story)


def test_prompt_override_keeps_the_number():
    assert drawn(split("a\n\nb\nc", prompt_override="a dog")) == [("stem", "a dog", "a dog", "a dog")]
    assert drawn(split("a\nb", prompt_override="")) == [("stem", "a", "b")]


def test_epub_chapters_are_kept_unless_a_regex_is_given():
    book = SourceText("One\na\nb\nTwo\nc", chapters=(("One", "a\nb"), ("Two", "c")))
    assert drawn(split(book)) == [("One", "a", "b"), ("Two", "c")]
    assert drawn(split(book, "b")) == [("b", "Two", "c")]


def test_control_characters_are_text():
    assert drawn(split("a\x1b[31m\x0b\u2028b\nc")) == [("stem", "a\x1b[31m\x0b\u2028b", "c")]


@pytest.mark.parametrize(
    ("text", "offered"),
    [
        ("Chapter 1\na\nChapter 2\nb", r"'(?im)^[ \t]*chapter[ \t]*\d+' (Chapter 1, 2 matches)"),
        ("CHAPTER IV.\na", "(Chapter IV, 1 match)"),
        ("Gen.1\nIn the beginning\nGen.2\nThus", "(Gen.1, 2 matches)"),
        ("Season1\nPilot", "(Season1, 1 match)"),
        ("PART ONE\nx\nPART TWO\ny", "(PART ONE, 2 matches)"),
        ("Scene IV\nx", "(Part 1, Scene IV, 1 match)"),
        ("# One\nx\n## Two\ny", "(# Markdown, 2 matches)"),
        ("I\nx\nII.\ny", "(IV, 2 matches)"),
        ("a\n* * *\nb", "(* * *, 1 match)"),
        ("a\n\nb", "(blank line, 1 match)"),
        ("one line", "leave it out to draw it as one chapter"),
    ],
)
def test_a_chapter_regex_that_matches_nothing_offers_what_would(text, offered):
    with pytest.raises(StoryError) as raised:
        split(text, r"Kapitel \d+")
    assert str(raised.value).startswith(r"chapter_split_regex 'Kapitel \d+' matches nothing in the text; ")
    assert offered in str(raised.value)


def test_offered_patterns_make_the_headings_that_they_promise():
    for offer in offers(CHAPTER_PATTERNS, "Chapter 1: Rock\na. B c.\n\nChapter 2\nd"):
        assert split("Chapter 1: Rock\na. B c.\n\nChapter 2\nd", offer.ready.pattern).chapters
    assert [offer.ready.name for offer in offers(PROMPT_PATTERNS, "a. B c.\n\nd")] == ["line", "paragraph", "sentence"]


def test_a_prompt_regex_that_leaves_no_prompt_is_an_error():
    with pytest.raises(StoryError, match=r"none of the 2 chapters has a prompt: prompt_split_regex ';' leaves nothing"):
        split("C1\na\nC2\nb", r"C\d", prompt_split_regex=";")


def test_a_prompt_regex_that_divides_nothing_is_told():
    assert notes(split("a\nb", prompt_split_regex=";")) == [
        "prompt_split_regex divides nothing in 1 chapter, which is drawn as one prompt."
    ]


def test_text_that_is_all_separators_has_no_prompts():
    with pytest.raises(StoryError, match="the text has no prompts"):
        split("aaa", prompt_split_regex="a")


TRAPS = [
    (r"(a|a)*$", "a" * 40 + "b"),
    (r"(?:x+x+)+y", "x" * 5000),
    (r"(?R)", "a" * 1000),
    (r"(?:.*?,){30}P", "1," * 120),
]


@pytest.mark.parametrize(("trap", "text"), TRAPS)
@pytest.mark.parametrize("key", ["chapter_split_regex", "prompt_split_regex"])
def test_a_catastrophic_regex_is_an_error_within_a_second(key, trap, text):
    begun = time.thread_time()
    with pytest.raises(
        StoryError, match=rf"^{key} '.* was given up after 0\.5 s in a text of [\d,]+ characters: it tries"
    ):
        split(text, **{"prompt_split_regex": trap} if key == "prompt_split_regex" else {"chapters": trap})
    assert time.thread_time() - begun < 10


def test_all_chapters_share_one_time_limit():
    text = ("Chapter 1\n" + "a" * 22 + "b\n") * 2000
    begun = time.thread_time()
    with pytest.raises(StoryError, match=r"prompt_split_regex .* was given up after 0\.6 s"):
        split(text, r"Chapter \d", prompt_split_regex=r"(?:a|a)*$")
    assert time.thread_time() - begun < 10


def test_a_busy_machine_makes_no_sane_regex_endless():
    """What other threads and processes take counts for nothing."""
    searching = SearchTime(0)

    def burn():
        begun = time.thread_time()
        while time.thread_time() - begun < searching.seconds:
            pass

    other = threading.Thread(target=burn)
    other.start()
    other.join()
    assert list(searching.spans("key", "b", "abab")) == [(1, 2), (3, 4)]


@pytest.mark.parametrize("pattern", [r"\n", r"(?=\w+\n)|b", r"(?r)\w+", r"\s*", r"(?<=a)x?"])
def test_a_search_that_other_threads_cut_short_goes_on_where_it_was(pattern):
    class OftenInterrupted(SearchTime):
        calls = 0

        def _left(self, *_):
            self.calls += 1
            return 0.0005 if self.calls < 10 else 100

    text = "a line of text b\n\n" * 20_000
    searching = OftenInterrupted(0)
    found = list(searching.spans("key", pattern, text))
    assert searching.calls > 1
    assert found == list(SearchTime(10_000_000).spans("key", pattern, text))


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("(?:abc){4000000000}", "repeat counts multiply to too large"),
        ("(?:(?:a{1000}){1000}){1000}", "repeat counts multiply to too large"),
        ("(?x)(?:abc){40 000 # }\n 00 }", "repeat counts multiply to too large"),
        ("(" * 3000 + ")" * 3000, "nested too deeply"),
        ("a(b", r"not a regular expression: missing \) at position 3: a\(b▸"),
    ],
)
def test_a_regex_that_can_not_be_compiled_is_refused(pattern, message):
    with pytest.raises(ValueError, match=message):
        PromptConfig.model_validate({"source": "a.txt", "chapter_split_regex": pattern})


def test_sane_repeat_counts_are_allowed():
    assert drawn(split("2024-01-31 10:20:30\na", r"\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}")) == [
        ("2024-01-31 10:20:30", "a")
    ]


def test_a_whole_bible_is_split_fast():
    text = "".join(f"Gen.{chapter}\n" + "And the evening and the morning.\n" * 26 for chapter in range(1, 1197))
    begun = time.thread_time()
    assert split(text, r"Gen.\d+").prompt_count == 1196 * 26
    assert time.thread_time() - begun < 5


def test_endless_pieces_are_refused(monkeypatch):
    monkeypatch.setattr("sframes_tui.text.split.MAX_PIECES", 1000)
    with pytest.raises(StoryError, match="the text falls into more than 1,000 pieces; set max_chapters"):
        split("a\n" * 1001)
    with pytest.raises(StoryError, match="more than 1,000 pieces"):
        split("a" * 1002, "(?=.)")


def test_pieces_that_are_only_looked_at_have_an_end_too(monkeypatch):
    monkeypatch.setattr("sframes_tui.text.split.MAX_LOOKED_AT", 1000)
    with pytest.raises(StoryError, match="more than 1,000 pieces; use regexes that match less often"):
        split("a\n" * 1001, max_entries_per_chapter=1)


def test_a_regex_that_searches_backwards_is_bounded_too(monkeypatch):
    monkeypatch.setattr("sframes_tui.config.timed_regex.MAX_MATCHES", 1000)
    assert split("a" * 999, prompt_split_regex="(?r)(?=a)").prompt_count == 999
    with pytest.raises(StoryError, match="matches more than 1,000 times"):
        split("a" * 1001, prompt_split_regex="(?r)(?=a)")
