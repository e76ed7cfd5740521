"""Comparisons are the same by what they say, whatever a spreadsheet made of them."""

from cai.feedback.content import content_of, normalised, well_formed
from cai.records import Message

PROMPT = (Message("user", "Where is the café?"),)


def test_spaces_line_ends_and_composition_do_not_matter() -> None:
    one = content_of(PROMPT, "A\n\nlong answer", "b")
    other = content_of((Message("user", " Where is the cafe\u0301? "),), "A\r\nlong answer\n", " b")
    assert one == other


def test_the_order_of_the_answers_shows_in_the_hashes_and_not_in_the_key() -> None:
    one, other = content_of(PROMPT, "a", "b"), content_of(PROMPT, "b", "a")
    assert (
        one.key == other.key and (one.a_hash, one.b_hash) == (other.b_hash, other.a_hash) and one.a_hash != one.b_hash
    )


def test_words_case_roles_and_turns_do_matter() -> None:
    keys = {
        content_of(prompt, a, "b").key
        for prompt, a in [
            (PROMPT, "a"),
            (PROMPT, "A"),
            ((Message("system", PROMPT[0].content),), "a"),
            ((*PROMPT, Message("assistant", "There."), Message("user", "Thanks")), "a"),
        ]
    }
    assert len(keys) == 4


def test_half_a_character_is_no_obstacle() -> None:
    assert well_formed("a\ud83d") == "a\ufffd" and normalised("a\ud83d") == normalised("a\ufffd")
