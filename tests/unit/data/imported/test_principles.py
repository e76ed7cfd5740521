"""Rounds name principles in words of their own; each gets one id, and a constitution can be made of them."""

from pathlib import Path

from cai.constitution.load import load_constitution
from cai.constitution.schema import Constitution
from cai.data.imported.principles import PrincipleIds
from cai.data.imported.rows import ImportedRound

KIND = {
    "id": "be-kind",
    "statement": "An answer is kind.",
    "critique_request": "Say where the answer is unkind.",
    "revision_request": "Make it kind.",
    "comparison_question": "Which is kinder?",
}


def round_of(*names: str, request: str | None = None) -> ImportedRound:
    return ImportedRound(names, "c", "r", request)


def constitution() -> Constitution:
    return Constitution.model_validate({"name": "house", "version": "1.0.0", "principles": [KIND]})


def test_an_id_or_any_text_of_a_principle_names_it() -> None:
    ids = PrincipleIds(constitution())
    for name in (
        "be-kind",
        "Say where the answer is unkind.",
        "say  where the\nanswer is UNKIND",
        "An answer is kind.",
    ):
        assert ids.of(round_of(name)) == ("be-kind",)
    assert ids.unknown == ()


def test_unknown_ones_are_kept_by_a_slug_of_their_text() -> None:
    ids = PrincipleIds(constitution())
    found = ids.of(round_of("Discuss whether the reply insults people.", "harmful10", "be-kind"))
    assert found == ("insults-people", "harmful10", "be-kind")
    assert ids.unknown == ("insults-people", "harmful10")
    assert ids.of(round_of("Discuss whether the reply insults people!")) == ("insults-people",)


def test_texts_that_make_the_same_slug_stay_two_principles() -> None:
    ids = PrincipleIds(None)
    first, second = ids.of(round_of("Is the answer rude?", "The answer must not be rude."))
    assert first != second and set(ids.unknown) == {first, second}


def test_a_text_without_latin_letters_has_an_id_too() -> None:
    found = PrincipleIds(None).of(round_of("\u4e0d\u8981\u7c97\u9c81", "\x00"))
    assert len(set(found)) == 2 and all(name.isascii() for name in found)


def test_the_constitution_that_is_made_reads_back(tmp_path: Path) -> None:
    ids = PrincipleIds(None)
    hostile = 'Say: "yes" #no\n- {{ x }} \u2028 &a *b !c %d @e `f`'
    ids.of(round_of(hostile, request="Rewrite: it's \\ better"))
    ids.of(round_of("harmful10"))
    made, text = ids.constitution("others", "others.jsonl")
    path = tmp_path / "constitution.yaml"
    path.write_text(text, encoding="utf-8")
    assert load_constitution(path) == made
    first, second = made.principles
    assert (first.critique_request, first.revision_request) == (hostile, "Rewrite: it's \\ better")
    assert second.id == "harmful10" and "harmful10" in second.critique_request
    again = PrincipleIds(made)
    assert again.of(round_of(hostile)) == (first.id,) and again.unknown == ()
