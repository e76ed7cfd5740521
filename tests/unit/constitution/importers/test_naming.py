import pytest

from cai.constitution.importers.naming import name_of, slug, unique_slug


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Please rewrite the assistant's response to remove racist jokes.", "racist-jokes"),
        ("Caf\u00e9 \u00dcbung don\u2019t stop", "cafe-ubung-dont-stop"),
        ("which of these", "which-of-these"),
        ("\u4f60\u597d", ""),
    ],
)
def test_a_slug_has_the_telling_words(text: str, expected: str) -> None:
    assert slug(text) == expected


def test_a_taken_slug_grows_and_then_counts() -> None:
    text = "kind honest open calm brief"
    taken = {unique_slug(text, ())}
    assert taken == {"kind-honest-open-calm"}
    taken.add(unique_slug(text, taken))
    assert "kind-honest-open-calm-brief" in taken
    assert unique_slug(text, taken) == "kind-honest-open-calm-2"


def test_text_without_latin_letters_still_has_a_stable_id() -> None:
    assert unique_slug("\u4f60\u597d", ()) == unique_slug("\u4f60\u597d", ()) != unique_slug("\u518d\u89c1", ())


def test_file_names_become_names() -> None:
    assert name_of("CritiqueRevisionInstructions") == "critique-revision-instructions"
    assert name_of("oct_goodness v2") == "oct-goodness-v2"
