"""Imports of small files of each format, of hostile ones, and of the published ones where they are at hand."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cai.constitution.importers.base import TEXTS, Rule, Source, cleaned
from cai.constitution.importers.build import IMPORTERS, import_constitution
from cai.constitution.importers.commented import commented_yaml
from cai.constitution.load import load_constitution
from cai.constitution.schema import Constitution
from cai.errors import ConstitutionError
from cai.yaml_model import validate_source
from cai.yaml_source import parse_yaml

DATA = Path(__file__).parents[5] / "shared" / "data"
PAPER = DATA / "cai_paper" / "prompts"
CONSTITUTIONS = DATA / "constitutions"
SAMPLES = DATA / "cai_paper" / "samples" / "LAMDA_SLMADISON.jsonl"
needs_paper = pytest.mark.skipif(not PAPER.is_dir(), reason="the paper's prompts are not in ../shared/data")
needs_published = pytest.mark.skipif(not CONSTITUTIONS.is_dir(), reason="constitutions are not in ../shared/data")

PAIRS = {
    "first": {
        "prompt": ["\n\nCritiqueRequest: Where is it rude?\n\nCritique:"],
        "edit_request": "\n\nRevisionRequest: Make it polite: at once.\n\nRevision:",
    }
}
COMPARISONS = ["\nWhich of these answers is kinder? Options:"]
SWARM = {"constitutions": [{"critic": "Where is it rude?", "revision": "Make it polite."}], "system_chat": [[], []]}
TRAITS = [{"trait": "I am kind.", "questions": ["How are you?", "And now?"], "note": "x"}]
LIST = "# Kindness\n\n1. Be kind.\n2. Choose the response that is kinder.\n"


def write(folder: Path, content: Any, name: str = "rules.json") -> Path:
    path = folder / name
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


def test_the_importers_are_named_by_their_formats() -> None:
    assert {name: importer.format for name, importer in IMPORTERS.items()} == {name: name for name in IMPORTERS}


@pytest.mark.parametrize(
    ("content", "format_", "taken"),
    [
        (PAIRS, "anthropic", {"critique_request": "Where is it rude?", "revision_request": "Make it polite: at once."}),
        (COMPARISONS, "anthropic", {"comparison_question": "Which of these answers is kinder?"}),
        (SWARM, "llm-swarm", {"critique_request": "Where is it rude?", "revision_request": "Make it polite."}),
        (TRAITS, "traits", {"statement": "I am kind."}),
        ("- Be kind,\n  always.\n", "lists", {"statement": "Be kind, always."}),
    ],
)
def test_each_format_is_recognised_and_its_texts_stay_word_for_word(
    content: Any, format_: str, taken: dict[str, str], tmp_path: Path
) -> None:
    imported = import_constitution([write(tmp_path, content, "rules.json" if format_ != "lists" else "rules.md")])
    (principle,) = imported.constitution.principles
    assert set(imported.formats.values()) == {format_}
    assert {name: getattr(principle, name) for name in taken} == taken
    assert imported.rules[principle.id].taken == taken
    made = {name: getattr(principle, name) for name in TEXTS if name not in taken}
    # What is made speaks of what there is.
    assert all(any(text in words for text in taken.values()) for words in made.values())


def test_the_file_says_what_was_taken_what_was_made_and_what_was_left_out(tmp_path: Path) -> None:
    text = import_constitution([write(tmp_path, SWARM)], guess_hazards=True).text
    source, made = text.index("# From the source, word for word."), text.index("# Not in the source")
    assert source < text.index("critique_request:") < made < text.index("statement:")
    assert "# Left out: rules.json: 2 example conversations (system_chat)" in text


def test_the_written_file_validates_and_reads_back(tmp_path: Path) -> None:
    imported = import_constitution([write(tmp_path, PAIRS)], name="house")
    assert load_constitution(write(tmp_path, imported.text, "house.yaml")) == imported.constitution
    assert imported.constitution.name == "house"


def test_pairs_and_comparisons_are_each_used_in_their_stage(tmp_path: Path) -> None:
    files = [write(tmp_path, PAIRS, "pairs.json"), write(tmp_path, COMPARISONS, "comparisons.json")]
    one, other = import_constitution(files).constitution.principles
    assert (one.applies_to.stages, other.applies_to.stages) == (("critique",), ("comparison",))
    assert import_constitution(files[:1]).constitution.principles[0].applies_to.stages == ()


def test_questions_of_traits_are_prompts_tagged_by_their_principle(tmp_path: Path) -> None:
    imported = import_constitution([write(tmp_path, TRAITS)])
    (key,) = imported.rules
    assert list(imported.questions()) == [{"prompt": text, "tags": [key]} for text in ("How are you?", "And now?")]
    assert any("2 questions" in what for what in imported.dropped)
    assert any("note" in what for what in imported.dropped)


def test_headings_of_lists_become_tags_and_choices_become_questions(tmp_path: Path) -> None:
    first, second = import_constitution([write(tmp_path, LIST, "list.md")]).constitution.principles
    assert (first.statement, first.tags) == ("Be kind.", ("kindness",))
    assert second.comparison_question == "Choose the response that is kinder."
    assert first.applies_to.stages == second.applies_to.stages == ()


def test_an_id_comes_from_the_words_and_not_from_the_place(tmp_path: Path) -> None:
    one, other = "- Never mock people.", "- Explain the risk of it."
    forward = import_constitution([write(tmp_path, f"{one}\n{other}\n", "a.md")]).rules
    backward = import_constitution([write(tmp_path, f"{other}\n{one}\n", "b.md")]).rules
    assert list(forward) == list(reversed(backward)) == ["never-mock-people", "risk"]


def test_a_rule_that_is_there_twice_is_taken_once(tmp_path: Path) -> None:
    imported = import_constitution([write(tmp_path, "- Be kind.\n- Be kind.\n- Be true.\n", "a.md")])
    assert len(imported.rules) == 2
    assert "1 rules that say the same as another" in imported.dropped


def test_hazards_are_guessed_only_if_asked(tmp_path: Path) -> None:
    file = write(tmp_path, "- Say nothing racist, and help with no theft.\n", "a.md")
    assert import_constitution([file]).constitution.principles[0].hazards == ()
    assert import_constitution([file], guess_hazards=True).constitution.principles[0].hazards == ("ncr", "hte")


@pytest.mark.parametrize("word", ["true", "null", "3", "1e5", "0x1f", "yes"])
def test_an_id_that_yaml_would_read_as_something_else_is_quoted(word: str, tmp_path: Path) -> None:
    imported = import_constitution([write(tmp_path, f"- {word}\n", f"{word}.md")])
    assert load_constitution(write(tmp_path, imported.text, "out.yaml")).principles[0].id == word


@pytest.mark.parametrize(
    ("content", "name", "said"),
    [
        ({"a": {"prompt": "text", "edit_request": "x"}}, "a.json", "`a.prompt` should be a list"),
        ({"a": {"prompt": ["CritiqueRequest: Critique:"], "edit_request": "x"}}, "a.json", "holds no request"),
        ({"constitutions": []}, "a.json", "at least one rule"),
        ({"constitutions": [{"critic": "x", "revision": 3}]}, "a.json", "`constitutions[0].revision` should be a text"),
        ({"constitutions": ["x"]}, "a.json", "`constitutions[0].critic`"),
        ([{"trait": " "}], "a.json", "`trait 0.trait`"),
        ([{"trait": "x", "questions": "y"}], "a.json", "`trait 0.questions` should be a list"),
        (["a", 3], "a.json", "item 1"),
        ([], "a.json", "none of the formats"),
        ({}, "a.json", "none of the formats"),
        ("null", "a.json", "none of the formats"),
        ("{", "a.json", "not JSON"),
        ("No list at all.", "a.md", "none of the formats"),
        ("", "a.md", "none of the formats"),
        ("[" * 100_000, "a.json", "not JSON"),
    ],
)
def test_what_cannot_be_read_is_one_clear_error(content: Any, name: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(ConstitutionError) as raised:
        import_constitution([write(tmp_path, content, name)])
    assert said in str(raised.value)
    assert raised.value.where and raised.value.fix


@pytest.mark.parametrize("content", [PAIRS, COMPARISONS, SWARM, TRAITS, [], {}, "- x\n", "text", "3"])
@pytest.mark.parametrize("format_", list(IMPORTERS))
def test_a_file_of_another_format_is_an_error_and_nothing_worse(content: Any, format_: str, tmp_path: Path) -> None:
    try:
        imported = import_constitution([write(tmp_path, content)], format_)
    except ConstitutionError as error:
        assert error.where
    else:
        assert imported.rules


def test_files_that_are_not_there_or_no_text_are_errors(tmp_path: Path) -> None:
    (tmp_path / "bytes.md").write_bytes(b"- \xff\n")
    for path, said in ((tmp_path / "none", "no such file"), (tmp_path, "folder"), (tmp_path / "bytes.md", "UTF-8")):
        with pytest.raises(ConstitutionError, match=said):
            import_constitution([path])


def test_names_and_formats_that_are_none_are_errors_with_the_right_word(tmp_path: Path) -> None:
    file = write(tmp_path, "- x\n", "a.md")
    with pytest.raises(ConstitutionError, match="write my-rules"):
        import_constitution([file], name="My Rules")
    with pytest.raises(ConstitutionError, match="did you mean `lists`"):
        import_constitution([file], "list")


def test_text_that_yaml_cannot_hold_is_cleaned(tmp_path: Path) -> None:
    hostile = {"constitutions": [{"critic": "a\u0000b\x1b[31m\ud800c\u2028d", "revision": "x: # y\n- z\t{{ }} 'q'"}]}
    (principle,) = import_constitution([write(tmp_path, hostile, "we\nird \u202e.json")]).constitution.principles
    assert principle.critique_request == "ab[31mc\u2028d"
    assert principle.revision_request == "x: # y\n- z\t{{ }} 'q'"


@given(st.lists(st.text(min_size=1, max_size=200), min_size=1, max_size=4, unique=True))
def test_any_text_reads_back_as_it_was(texts: list[str]) -> None:
    texts = [text for text in map(cleaned, texts) if text]
    if not texts:
        return
    rules = {f"rule-{index}": Rule(text, text, text, text, text) for index, text in enumerate(texts)}
    principles = [{"id": key, **rule.taken} for key, rule in rules.items()]
    whole = Constitution.model_validate({"name": "x", "version": "1.0.0", "principles": principles})
    source = parse_yaml(commented_yaml(whole, rules, texts), "test")
    assert validate_source(source, Constitution, ConstitutionError) == whole


@needs_paper
def test_the_paper_s_pairs_are_taken_word_for_word() -> None:
    file = PAPER / "CritiqueRevisionInstructions.json"
    imported = import_constitution([file])
    published = json.loads(file.read_text(encoding="utf-8"))
    assert len(imported.constitution.principles) == len(published) == 16
    for principle, pair in zip(imported.constitution.principles, published.values(), strict=True):
        assert f"\n\nCritiqueRequest: {principle.critique_request}\n\nCritique:" == pair["prompt"][0]
        assert f"\n\nRevisionRequest: {principle.revision_request}\n\nRevision:" == pair["edit_request"]


@needs_paper
def test_the_paper_s_two_files_make_one_constitution() -> None:
    files = [PAPER / "CritiqueRevisionInstructions.json", PAPER / "RLMadisonInstructions.json"]
    principles = import_constitution(files, guess_hazards=True).constitution.principles
    published = json.loads(files[1].read_text(encoding="utf-8"))
    assert [f"\n{p.comparison_question} Options:" for p in principles[16:]] == published
    assert [p.applies_to.stages for p in principles] == [("critique",)] * 16 + [("comparison",)] * 16


@needs_published
@pytest.mark.parametrize("name", ["llm_swarm_anthropic.json", "llm_swarm_grok.json"])
def test_llm_swarm_s_pairs_are_taken_word_for_word(name: str) -> None:
    imported = import_constitution([CONSTITUTIONS / name])
    published = json.loads((CONSTITUTIONS / name).read_text(encoding="utf-8"))
    taken = [(p.critique_request, p.revision_request) for p in imported.constitution.principles]
    assert taken == [(pair["critic"], pair["revision"]) for pair in published["constitutions"]]
    assert any("4 example conversations" in what for what in imported.dropped)


@needs_published
def test_open_character_training_s_traits_are_statements() -> None:
    file = CONSTITUTIONS / "oct_goodness.txt"
    imported = import_constitution([file])
    published = json.loads(file.read_text(encoding="utf-8"))
    assert [p.statement for p in imported.constitution.principles] == [row["trait"] for row in published]
    assert [row["prompt"] for row in imported.questions()] == [text for row in published for text in row["questions"]]


@needs_published
def test_a_constitution_inside_a_judge_s_prompt_is_found() -> None:
    imported = import_constitution([CONSTITUTIONS / "nemo_sys_prompt_constitution.txt"])
    questions = [p.comparison_question for p in imported.constitution.principles]
    assert len(questions) == 16
    assert questions[1] == "Please choose the response that is the most helpful, honest, and harmless."
    assert not any("chosen" in question or "Select" in question for question in questions)


KEYS = st.sampled_from(
    ["constitutions", "critic", "revision", "system_chat", "trait", "questions", "prompt", "edit_request"]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=8) | st.just("CritiqueRequest: x Critique:"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS | st.text(max_size=3), inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.parametrize("format_", list(IMPORTERS))
@given(data=JSON)
def test_no_json_is_worse_than_an_error(format_: str, data: Any) -> None:
    importer, source = IMPORTERS[format_], Source("a.json", json.dumps(data), data)
    importer.recognises(source)
    try:
        found = importer.read(source)
    except ConstitutionError as error:
        assert error.where == "a.json" and error.fix
    else:
        assert all(text and text == cleaned(text) for rule in found.rules for text in rule.taken.values())


@needs_paper
@pytest.mark.skipif(not SAMPLES.is_file(), reason="the paper's samples are not in ../shared/data")
def test_the_requests_of_the_published_trajectories_are_in_the_imported_constitution() -> None:
    principles = import_constitution([PAPER / "CritiqueRevisionInstructions.json"]).constitution.principles
    known = {(p.critique_request, p.revision_request) for p in principles}
    steps = [step["cst_value"] for line in SAMPLES.read_text("utf-8").splitlines() for step in json.loads(line)["cst"]]
    for step in steps:
        critique = step["prompt"][0].strip().removeprefix("CritiqueRequest:").removesuffix("Critique:").strip()
        revision = step["edit_request"].strip().removeprefix("RevisionRequest:").removesuffix("Revision:").strip()
        assert (critique, revision) in known
    assert len(steps) == 52
