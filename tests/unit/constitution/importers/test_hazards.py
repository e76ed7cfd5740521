from cai.constitution.importers.hazards import WORDS, guessed_hazards
from cai.constitution.taxonomy import taxonomy


def test_every_hazard_has_words_in_the_order_of_the_taxonomy() -> None:
    assert set(WORDS) == set(taxonomy().ids)


def test_words_are_whole_words() -> None:
    assert guessed_hazards("A therapist gives trackside advice.") == ()
    assert guessed_hazards("No robbery, no RACISM.") == ("ncr", "hte")
