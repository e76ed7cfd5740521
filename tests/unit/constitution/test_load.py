from pathlib import Path

import pytest

from cai.constitution.load import load_constitution, shipped_constitutions
from cai.errors import ConstitutionError

GOOD = """\
name: small
version: 1.0.0
principles:
  - id: first
    statement: Be kind.
    critique_request: Name what is unkind.
    revision_request: Make it kind.
    constraints: [Keep the facts right.]
    comparison_question: Which answer is kinder?
  - id: second
    statement: Be true.
    hazards: [scam]
    weight: 2
    critique_request: Name what is false.
    revision_request: Make it true.
    comparison_question: Which answer is truer?
    applies_to: {stages: [comparison]}
"""


@pytest.fixture
def write(tmp_path: Path) -> Path:
    path = tmp_path / "c.yaml"
    path.write_text(GOOD, encoding="utf-8")
    return path


def refusal(path: Path, text: str) -> str:
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConstitutionError) as caught:
        load_constitution(path)
    assert caught.value.exit_code == 2
    return str(caught.value).replace(str(path), "c.yaml")


def test_a_good_file_loads(write: Path) -> None:
    constitution = load_constitution(write)
    assert [p.id for p in constitution.principles] == ["first", "second"]
    assert constitution.principles[0].constraints == ("Keep the facts right.",)
    assert constitution.principles[1].weight == 2.0
    assert constitution.principles[1].applies_to.stages == ("comparison",)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("weight: 2", "weigth: 2", "c.yaml:13:5: `principles[1].weigth` is not a known key (did you mean `weight`?)"),
        (
            "[scam]",
            "[scan]",
            "c.yaml:12:15: `principles[1].hazards[0]`: there is no hazard `scan`; did you mean `scam`?",
        ),
        ("id: second", "id: first", "c.yaml:10:9: `principles[1].id`: `first` is already the id of principles[0]"),
        ("version: 1.0.0", "version: 1.0", "c.yaml:2:10: `version` should be text, not 1.0 (put it in quotes)"),
        ("weight: 2", "weight: 0", "c.yaml:13:13: `principles[1].weight` should be above 0, not 0"),
        ("weight: 2", "weight: two", "c.yaml:13:13: `principles[1].weight` should be a number, not `two`"),
        ("    statement: Be true.\n", "", "c.yaml:10:5: `principles[1].statement` is missing (add it)"),
        ("Be true.", "", "c.yaml:11:15: `principles[1].statement` should be text, not nothing"),
        ("Be true.", "'  '", "c.yaml:11:16: `principles[1].statement`: this text is empty"),
        (
            "[comparison]",
            "[compare]",
            "c.yaml:17:27: `principles[1].applies_to.stages[0]` is `compare`, "
            "but it can only be `critique` or `comparison` (did you mean `comparison`?)",
        ),
        (
            "id: first",
            "id: First Rule",
            "c.yaml:4:9: `principles[0].id`: should be lower-case words joined by hyphens, such as `name-the-risk`",
        ),
    ],
)
def test_each_mistake_is_named_with_its_line_and_the_right_word(write: Path, old: str, new: str, expected: str) -> None:
    assert refusal(write, GOOD.replace(old, new)) == expected


def test_all_mistakes_are_reported_at_once_a_repeated_id_among_them(write: Path) -> None:
    text = GOOD.replace("id: second", "id: first").replace("weight: 2", "weigth: 2").replace("1.0.0", "one")
    said = refusal(write, text + "owner: me\n").splitlines()
    assert [line.split(" ")[0] for line in said] == ["c.yaml:2:10:", "c.yaml:10:9:", "c.yaml:13:5:", "c.yaml:18:1:"]
    assert "did you mean `owners`?" in said[3]


@pytest.mark.parametrize(
    "text", ["principles: 3\n", "principles:\n  - 3\n  - {id: []}\n", "[]", "a", "principles: [{id: 1}, {id: 1}]"]
)
def test_files_of_another_shape_are_refused_not_crashed_on(write: Path, text: str) -> None:
    assert refusal(write, text).startswith("c.yaml:1:")


def test_a_message_stays_short_whatever_the_file_holds(write: Path) -> None:
    long = "x" * 100_000
    text = GOOD.replace("weight: 2", f"? {long}\n    : 2").replace("[scam]", f"[{long}]").replace("second", long)
    assert len(refusal(write, text.replace("first", long))) < 2_000


def test_a_missing_file_lists_the_shipped_ones_and_guesses(tmp_path: Path) -> None:
    with pytest.raises(ConstitutionError) as caught:
        load_constitution(tmp_path / "harmlesness.yaml")
    assert "did you mean constitution/harmlessness.yaml?" in str(caught.value)
    assert "constitution/helpful_honest.yaml" in str(caught.value)
    with pytest.raises(ConstitutionError, match="folder"):
        load_constitution(tmp_path)


def test_a_shipped_name_works_from_any_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in shipped_constitutions():
        assert load_constitution(name) == load_constitution(Path(name).name)
