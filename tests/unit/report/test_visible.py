"""Nothing that cannot be seen, or that reorders what can, reaches a page; everything else does."""

from xml.etree import ElementTree as Xml

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cai.report.visible import LONGEST, in_one_line, shown, visible


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain text\n\twith lines\r\nof both kinds", "plain text\n\twith lines\nof both kinds"),
        ("\x1b[31mred\x07", "⟨U+001B⟩[31mred⟨U+0007⟩"),
        ("a\u202ebc\u2066d", "a⟨U+202E⟩bc⟨U+2066⟩d"),
        ("\x85\ud800\ue000\ufeff", "⟨U+0085⟩⟨U+D800⟩⟨U+E000⟩⟨U+FEFF⟩"),
        ("\ufffe\uffff\U0001fffe\ufdd0", "⟨U+FFFE⟩⟨U+FFFF⟩⟨U+1FFFE⟩⟨U+FDD0⟩"),
        ("grün, שלום, 👩\u200d🚀, می\u200cشود", "grün, שלום, 👩\u200d🚀, می\u200cشود"),
        ("<script>&amp;", "<script>&amp;"),
    ],
)
def test_what_cannot_be_seen_gets_a_sign(text: str, expected: str) -> None:
    assert visible(text) == expected


@given(st.text(alphabet=st.characters(min_codepoint=0, max_codepoint=0x10FFFF)))
def test_what_is_left_can_stand_in_xml(text: str) -> None:
    element = Xml.Element("t")
    element.text = visible(text)
    assert (Xml.fromstring(Xml.tostring(element, encoding="unicode")).text or "") == visible(text)
    assert visible(visible(text)) == visible(text)


def test_a_text_that_is_too_long_says_how_much_is_missing() -> None:
    assert shown("x" * LONGEST) == "x" * LONGEST
    assert shown("x" * (LONGEST + 1234)).endswith("x\n[1,234 more characters]")


def test_one_line() -> None:
    assert in_one_line("a\n b\x00", 20) == "a b⟨U+0000⟩"
    assert in_one_line("word " * 50, 12) == "word word w…"
    assert len(in_one_line("x" * 10_000, 12)) == 12
