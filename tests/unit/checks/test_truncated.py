"""Cut off, by the engine's word or by the look of it."""

import pytest

from cai.checks.truncated import UNKNOWN, truncated


@pytest.mark.parametrize(("reason", "cut"), [("length", True), ("stop", False), ("repetition", False)])
def test_the_engine_knows_best(reason: str, cut: bool) -> None:
    assert truncated("It ends with the", reason) is cut
    assert truncated("It ends.", reason) is cut


@pytest.mark.parametrize(
    "text",
    [
        "Wash the wound first. Then cover it with a",
        "You need flour, water,",
        "Bread is easy. Mix the flour with water and let the dough",
        "Here it is:\n```python\nprint(1)",
        "1. Boil the water.\n2. Add the salt and",
        "The city (founded in",
        "\u6211\u4e0d\u77e5\u9053\uff0c",
    ],
)
def test_a_text_that_stops_in_a_sentence_is_cut(text: str) -> None:
    assert truncated(text, None)
    assert truncated(text, UNKNOWN)


@pytest.mark.parametrize(
    "text",
    [
        "Wash the wound first. Then cover it.",
        'He said: "Never again."',
        "No",
        "Paris",
        "Here you are:\n```python\nprint(1)\n```",
        "You need these.\n- flour\n- water",
        "We are sorry for the delay. It will not happen again.\n\nYours,\nAnna Lee",
        "# Plan\nRest. Then go on.\n\n| a | b |",
        "That is great! \U0001f600",
        "**It is done.**",
        "",
        "\u6211\u4e0d\u77e5\u9053\u3002",
        "Is it? (It is.)",
    ],
)
def test_a_text_that_ends_as_texts_do_is_whole(text: str) -> None:
    assert not truncated(text, None)
