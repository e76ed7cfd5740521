"""Phrases: what each mark means, and that what is found is found wherever it stands."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cai.refusals.phrases import MAX_GAP, Hit, Phrasebook, PhraseError

LISTS = {"cannot": ["cannot", "am not {able} to", "will not/never"], "able": ["able/willing"]}


def found(phrase: str, line: str, stops: tuple[str, ...] = ()) -> bool:
    return bool(Phrasebook([("k", [phrase])], LISTS, stops).find(line.split()))


@pytest.mark.parametrize(
    ("phrase", "line", "there"),
    [
        ("no way", "there is no way out", True),
        ("no way", "no other way", False),
        ("a/b c", "b c", True),
        ("a/b c", "a b", False),
        ("a [b] c", "a c", True),
        ("a [b/d] c", "a d c", True),
        ("a [b] c", "a x c", False),
        ("[a] b", "b", True),
        ("i {cannot} help", "so i am not willing to help", True),
        ("i {cannot} help", "i will never help", True),
        ("i {cannot} help", "i am able to help", False),
        ("i [{cannot}] help", "i help", True),
        ("a ... b", "a b", True),
        ("a ... b", "a " + "x " * MAX_GAP + "b", True),
        ("a ... b", "a " + "x " * (MAX_GAP + 1) + "b", False),
        ("a ... b [c] ... d", "a x b x d", True),
        ("^ a", "a b", True),
        ("^ a", "b a", False),
        ("a $", "b a", True),
        ("a $", "a b", False),
        ("^ a $", "a", True),
    ],
)
def test_marks(phrase: str, line: str, there: bool) -> None:
    assert found(phrase, line) is there


def test_a_gap_crosses_no_stop_word() -> None:
    assert found("cannot ... help", "i cannot swim but help", ())
    assert not found("cannot ... help", "i cannot swim but help", ("but",))


def test_hits_have_kind_and_place() -> None:
    book = Phrasebook([("one", ["a ... c"]), ("two", ["b"])], {})
    assert book.find(["a", "b", "c"]) == [Hit("two", 2, 3), Hit("one", 1, 4)]
    assert book.find([]) == []


@pytest.mark.parametrize("phrase", ["", "... a", "a ...", "[a]", "[a] [b]", "{nothing} a"])
def test_a_phrase_that_cannot_be_read_is_an_error(phrase: str) -> None:
    with pytest.raises(PhraseError):
        Phrasebook([("k", [phrase])], LISTS)


@given(st.lists(st.sampled_from("abc"), max_size=12), st.lists(st.sampled_from("abc"), min_size=1, max_size=4))
def test_plain_phrases_are_found_exactly_where_they_stand(line: list[str], phrase: list[str]) -> None:
    hits = Phrasebook([("k", [" ".join(phrase)])], {}).find(line)
    places = [i for i in range(len(line)) if line[i : i + len(phrase)] == phrase]
    assert [hit.start - 1 for hit in hits] == places
