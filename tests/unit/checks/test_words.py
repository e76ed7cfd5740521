"""Words of any language, without marks."""

from cai.checks.words import words


def test_case_marks_and_kinds_of_apostrophe_make_no_difference() -> None:
    assert words("Don\u2019t \u201cPANIC\u201d, ever!") == words("don't panic... ever") == ["don't", "panic", "ever"]


def test_each_sign_of_a_script_without_spaces_is_a_word() -> None:
    assert words("\u6211\u4e0d\u77e5\u9053 now") == ["\u6211", "\u4e0d", "\u77e5", "\u9053", "now"]


def test_numbers_are_words_and_underscores_part_them() -> None:
    assert words("step_2 of 10") == ["step", "2", "of", "10"]
