"""The shipped examples are valid and balanced; a folder's own are checked with their place."""

from pathlib import Path

import pytest

from cai.errors import TemplateError
from cai.fewshot import comparison_examples, reasoned_examples, revision_examples
from cai.resources import resource


def test_the_shipped_examples_are_valid() -> None:
    revisions = revision_examples((resource("prompts"),))
    assert len(revisions) >= 3
    for example in revisions:
        assert example.messages[-1].role == "user"
        texts = (example.answer, example.critique_request, example.critique, example.revision_request, example.revision)
        assert all(text.strip() == text and text for text in texts)
        # A blank line and a mark would end the model's own turn.
        assert not any("\n\n" in text for text in texts)
    # One shows that a good answer is left as it is.
    assert sum(example.answer == example.revision for example in revisions) == 1


def test_both_letters_win_equally_often() -> None:
    comparisons = comparison_examples((resource("prompts"),))
    letters = [example.better for example in comparisons]
    assert letters.count("A") == letters.count("B") > 0
    for example in comparisons:
        assert example.messages[-1].role == "user"
        assert example.response_a != example.response_b


def test_reasons_are_one_paragraph_that_speaks_of_both_answers() -> None:
    examples = reasoned_examples((resource("prompts"),))
    letters = [example.better for example in examples]
    assert letters.count("A") == letters.count("B") > 0
    for example in examples:
        # A line's end would end the model's own reasons, and a verdict in them would settle the choice.
        assert "\n" not in example.reasons
        assert "Answer A" in example.reasons and "Answer B" in example.reasons
        assert "better" not in example.reasons


def test_a_folder_without_examples_has_none(tmp_path: Path) -> None:
    assert revision_examples((tmp_path,)) == ()
    assert comparison_examples((tmp_path,)) == ()
    assert reasoned_examples((tmp_path,)) == ()
    # The first folder that has the file gives it.
    assert comparison_examples((tmp_path, resource("prompts"))) == comparison_examples((resource("prompts"),))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("- messages: []\n", "messages"),
        ("- messages: [{role: user, content: Hi}]\n  better: C\n", "better"),
        ("- messages: [{role: user, content: Hi}]\n  betterr: A\n", "betterr"),
        ("just text\n", "list"),
        ("- [\n", "fewshot/comparison.yaml"),
    ],
)
def test_a_bad_file_is_refused_with_its_place(tmp_path: Path, text: str, problem: str) -> None:
    (tmp_path / "fewshot").mkdir()
    (tmp_path / "fewshot" / "comparison.yaml").write_text(text)
    with pytest.raises(TemplateError, match=problem) as refused:
        comparison_examples((tmp_path,))
    assert "comparison.yaml:" in str(refused.value)
