from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cai.yaml_source import MAX_BYTES, Place, key_path, parse_yaml, plain_scalar, read_yaml


def problems(text: str) -> list[str]:
    return [str(problem) for problem in parse_yaml(text, "f.yaml").problems]


def test_every_key_and_value_has_its_place() -> None:
    source = parse_yaml("a:\n  - id: x\n    text: >-\n      long\n      text\n", "f.yaml")
    assert source.data == {"a": [{"id": "x", "text": "long text"}]}
    assert source.keys["a", 0, "text"] == Place("f.yaml", 3, 5)
    assert source.values["a", 0, "id"] == Place("f.yaml", 2, 9)
    assert source.place_of(("a", 0, "missing", "deeper")) == Place("f.yaml", 2, 5)
    assert key_path(("a", 0, "text")) == "a[0].text"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("3", 3),
        ("-3", -3),
        ("1e-4", 1e-4),
        (".5", 0.5),
        ("true", True),
        ("~", None),
        ("", None),
        ("yes", "yes"),
        ("NO", "NO"),
        ("2026-11-22", "2026-11-22"),
        ("1:30", "1:30"),
        ("1_000", "1_000"),
        (".inf", ".inf"),
        (".nan", ".nan"),
        ("1e999", "1e999"),
        ("9" * 5000, "9" * 5000),
    ],
)
def test_scalars_follow_yaml_1_2_and_leave_dates_and_words_alone(text: str, value: object) -> None:
    read = plain_scalar(text)
    assert read == value
    assert type(read) is type(value)
    assert parse_yaml(f"a: {text}", "f").data == {"a": value}


def test_a_quoted_number_is_text() -> None:
    assert parse_yaml("a: '3'", "f").data == {"a": "3"}


def test_a_key_given_twice_is_named_with_both_lines_and_the_first_is_kept() -> None:
    source = parse_yaml("a: 1\nb:\n  c: 2\n  c: 3\n", "f.yaml")
    assert source.data == {"a": 1, "b": {"c": 2}}
    assert [str(p) for p in source.problems] == ["f.yaml:4:3: `b.c` is given twice (the first is in line 3; keep one)"]


def test_aliases_are_refused_where_they_stand() -> None:
    assert problems("a: &x [1]\nb: *x\n") == ["f.yaml:2:4: aliases (`*name`) are not read (write the value out)"]


def test_nested_anchors_cannot_blow_up() -> None:
    bomb = "a: &a [x, x]\n" + "".join(
        f"{n}: &{n} [*{p}, *{p}, *{p}]\n" for p, n in zip("abcdefgh", "bcdefghi", strict=True)
    )
    source = parse_yaml(bomb, "f")
    assert source.data is None
    assert "aliases" in source.problems[0].what


def test_tags_are_refused_and_never_constructed(tmp_path: Path) -> None:
    made = tmp_path / "made"
    assert "tags" in problems(f"a: !!python/object/apply:os.mkdir ['{made}']")[0]
    assert not made.exists()
    assert problems("a: !!int '3'\nb: !x {}\n") == [
        "f.yaml:1:4: tags (`!name`) are not read (remove it, and quote text)",
        "f.yaml:2:4: tags (`!name`) are not read (remove it, and quote text)",
    ]


@pytest.mark.parametrize("text", ["[" * 20_000, "- " * 20_000, "? " * 20_000, "{a: " * 20_000])
def test_deep_nesting_is_a_problem_not_a_crash(text: str) -> None:
    assert "levels deep" in problems(text)[0]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("ab\n c\x00", "f.yaml:2:3"),
        ("\x1b[31m", "f.yaml:1:1"),
        ("a: \x9bm", "f.yaml:1:4"),
        ('a: "\\e[0m"', "f.yaml:1:4"),
    ],
)
def test_control_characters_are_refused_raw_and_escaped(text: str, place: str) -> None:
    (problem,) = problems(text)
    assert problem.startswith(f"{place}: there is a control character")
    assert problem.isprintable()


def test_an_escape_cannot_make_half_a_character() -> None:
    source = parse_yaml('a: "\\uD800"', "f")
    assert "U+D800" in source.problems[0].what
    assert source.data == {"a": "?"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: b: c", "a second colon"),
        ("a: 1\n---\nb: 2\n", "second document"),
        ("a:\n\t- b\n", "tab"),
        ('a: "x', "not YAML"),
        ('a: "\\UFFFFFFFF"', "out of range"),
        ("%YAML 1." + "9" * 5000 + "\n---\na", "out of range"),
        ("[a]: b", "plain text"),
    ],
)
def test_broken_yaml_is_said_in_plain_words_with_a_place(text: str, words: str) -> None:
    (problem,) = problems(text)
    assert words in problem
    assert problem.startswith("f.yaml:")


def test_files_that_are_too_large_or_not_utf8_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "f.yaml"
    file.write_bytes(b"#" * (MAX_BYTES + 1))
    assert "too large" in read_yaml(file).problems[0].what
    file.write_bytes(b"a: 1\nb: caf\xe9\n")
    assert str(read_yaml(file).problems[0]) == f"{file}:2:7: the file is not UTF-8 (save it as UTF-8)"
    file.write_bytes("a: 1".encode("utf-16"))
    assert "not UTF-8" in read_yaml(file).problems[0].what
    file.write_bytes(b"\xef\xbb\xbfa: 1\r\nb: 2\r\n")
    assert read_yaml(file).data == {"a": 1, "b": 2}


@settings(deadline=None)
@given(st.text(alphabet=st.sampled_from(list("ab:-?[]{},&*!|>'\"%@`# \n\t\\0x<=~.1e\x00\x85\ud800")), max_size=60))
def test_any_text_gives_data_or_problems_and_nothing_else(text: str) -> None:
    source = parse_yaml(text, "f")
    for problem in source.problems:
        assert problem.place.line >= 1
        assert str(problem).isprintable()


@settings(deadline=None)
@given(
    st.recursive(
        st.text(max_size=8) | st.integers() | st.booleans() | st.none(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
        max_leaves=8,
    )
)
def test_json_reads_back_as_itself(value: object) -> None:
    import json

    source = parse_yaml(json.dumps(value), "f")
    if not source.problems:
        assert source.data == value
