import pytest

from cai.constitution.importers.base import Source
from cai.constitution.importers.lists import ListsImporter


def statements(text: str) -> list[str | None]:
    return [rule.statement for rule in ListsImporter().read(Source("a.md", text)).rules]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("- one\n* two\n+ three\n\u2022 four\n", ["one", "two", "three", "four"]),
        ("1. one\n2) two\n(3) three\n", ["one", "two", "three"]),
        ("  - one\n    more\n  - two\n", ["one more", "two"]),
        ("- one:\n  - part\n  - part two\n- two\n", ["one: part part two", "two"]),
        ("- one\nlazy\n\n- two\n", ["one lazy", "two"]),
        ("- one\n\n  paragraph of it\n\nNot of it.\n\n- two\n", ["one paragraph of it", "two"]),
        ("- **Bold:** and __so__ on, 2 * 3 * 4\n", ["Bold: and so on, 2 * 3 * 4"]),
        ("- one\n```\n- code\n```\n- two\n", ["one", "two"]),
        ("- outside\n```CONSTITUTION\n1. inside\n```\n", ["inside"]),
        ("```CONSTITUTION\nno list\n```\n- outside\n", ["outside"]),
        ("- one\r\n- two\r\n", ["one", "two"]),
        ("-no item\n3.5 is a number\n- one\n", ["one"]),
    ],
)
def test_lists_as_people_write_them(text: str, expected: list[str]) -> None:
    assert statements(text) == expected


@pytest.mark.parametrize(
    ("text", "is_choice"),
    [
        ("Choose the response that is kinder.", True),
        ("Which of these responses is kinder?", True),
        ("Please consider these responses and choose the kinder one.", True),
        ("Let people choose.", False),
        ("Consider the feelings of people.", False),
    ],
)
def test_only_a_choice_between_answers_is_a_comparison_question(text: str, is_choice: bool) -> None:
    (rule,) = ListsImporter().read(Source("a.md", f"- {text}\n")).rules
    assert (rule.comparison_question == text) == is_choice


def test_text_around_the_list_is_counted_as_left_out() -> None:
    found = ListsImporter().read(Source("a.md", "# Title\n\nIntroduction.\n\n- one\n  more\n- two\n\nThe end.\n"))
    assert found.dropped == ("2 lines of text that belong to no item of the list",)
    assert ListsImporter().read(Source("a.md", "# Title\n- one\n")).dropped == ()
