"""`cai label`: options, figures, errors, through the command itself on the scripted engine."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cai.cli.label_settings import LabelChoices, resolve_labeling
from cai.cli.label_tables import figures_words
from cai.cli.main import main
from cai.cli.settings import Choices
from cai.config.labels import ChoiceLabelConfig, CotLabelConfig
from cai.errors import ConfigError, UsageError

Command = Callable[..., tuple[int, str, str]]
SCRIPTED = ("--engine", "scripted", "--model", "x")
QUESTION = ("--question", "Which?")


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    path = tmp_path / "pairs.jsonl"
    rows = [{"input": f"Question {n}", "output_1": "One.", "output_2": "Two, longer.", "label": 1} for n in range(4)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


@pytest.fixture
def label(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Command:
    def run(*arguments: object) -> tuple[int, str, str]:
        words = ["cai", "label", *map(str, arguments), "--out", str(tmp_path / "out")]
        monkeypatch.setattr(sys, "argv", words)
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        return int(ended.value.code or 0), said.out, said.err

    return run


def test_the_figures_as_a_table(label: Command, pairs: Path, tmp_path: Path) -> None:
    code, out, _ = label(pairs, *SCRIPTED, *QUESTION)
    assert code == 0
    for words in ("labels by choice", "right answers", "flipped with the order", "longer answer preferred"):
        assert words in out
    assert str(tmp_path / "out" / "preferences.jsonl") in out
    assert "kappa" not in out


def test_the_figures_as_json(label: Command, pairs: Path) -> None:
    code, out, _ = label(pairs, *SCRIPTED, *QUESTION, "--method", "rating", "--json", "--limit", 3)
    figures: dict[str, Any] = json.loads(out)
    assert (code, figures["method"], figures["labels"], figures["known"]) == (0, "rating", 3, 3)
    assert figures["labelers"] == {"labeler": "x"}


def test_an_ensemble_from_the_command_line(label: Command, pairs: Path) -> None:
    two = "generate.labels.labelers=[{engine: default}, {engine: b}]"
    code, out, _ = label(
        *(pairs, *SCRIPTED, *QUESTION, "--method", "ensemble", "--principles", 2),
        *("--set", two, "--set", "engines.b={kind: scripted, model: y}"),
    )
    assert code == 0
    assert "Cohen's kappa" in out and "spread" in out


def test_rows_without_a_label_are_told_and_end_with_3(label: Command, pairs: Path) -> None:
    with pairs.open("a") as file:
        file.write('{"input": "[[fail]]", "output_1": "x", "output_2": "y", "label": 1}\n{"prompt": "\\u001b[31mx"}\n')
    code, out, _ = label(pairs, *SCRIPTED, *QUESTION)
    assert code == 3
    assert "rows without a label" in out
    assert "1 without a label: the scripted engine was told to fail" in out
    assert "\x1b" not in out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--method", "guess"), "there is no method 'guess'"),
        (("--method", "ensemble"), "needs two labelers"),
        (("--constitution", "x.yaml"), "leave one of the two out"),
        (("--set", "generate.labels={kind: cot, clamp: [0.4, 0.9]}"), "equally far from 0.5"),
    ],
)
def test_what_cannot_be_is_one_clear_error(label: Command, pairs: Path, arguments: tuple[str, ...], said: str) -> None:
    code, _, err = label(pairs, *SCRIPTED, *QUESTION, *arguments)
    assert code == 2
    assert said in err
    assert "Traceback" not in err


def test_a_judge_that_does_not_understand_is_told(tmp_path: Path) -> None:
    figures = {"failures": {f"reason {n}": 1 for n in range(30)}, "label_mass": 0.02}
    words = figures_words(figures, tmp_path)
    assert any("2.0% of its probability" in text for text in words)
    assert sum("without a label" in text for text in words) == 12
    assert not any("probability" in text for text in figures_words({"failures": {}, "label_mass": 0.9}, tmp_path))
    assert len(figures_words({"failures": {}, "label_mass": None}, tmp_path)) == 2


def test_no_such_file(label: Command, tmp_path: Path) -> None:
    code, _, err = label(tmp_path / "none.jsonl", *SCRIPTED, *QUESTION)
    assert (code, "there is no such file" in err) == (2, True)
    assert not (tmp_path / "out").exists()


def test_settings_of_the_pipeline_stand_unless_another_method_is_named(tmp_path: Path) -> None:
    pipeline = tmp_path / "p.yaml"
    pipeline.write_text(
        "name: p\nengines: {default: {kind: scripted, model: x}}\nconstitution: constitution/sandbox.yaml\n"
        "generate: {labels: {kind: cot, clamp: [0.2, 0.8], principles: 3}}\n"
    )

    def labels(**said: Any) -> object:
        choices = LabelChoices(Choices(Path("pairs.jsonl"), pipeline=pipeline), **said)
        return resolve_labeling(choices).pipeline.generate.labels

    kept = CotLabelConfig(clamp=(0.2, 0.8), principles=3)
    assert labels() == kept
    assert labels(method="cot") == kept
    assert labels(method="cot", principles=1) == kept.model_copy(update={"principles": 1})
    assert labels(method="choice") == ChoiceLabelConfig()


def test_a_question_takes_the_place_of_the_pipelines_constitution() -> None:
    shared = Choices(Path("pairs.jsonl"))
    assert resolve_labeling(LabelChoices(shared)).question is None
    asked = resolve_labeling(LabelChoices(shared, question="Which?"))
    assert (asked.constitution, asked.question) == (None, "Which?")
    with pytest.raises(UsageError, match="constitution is given"):
        resolve_labeling(LabelChoices(Choices(Path("p"), constitution=Path("c.yaml")), question="Which?"))


def test_overrides_come_after_the_method() -> None:
    shared = Choices(Path("pairs.jsonl"), overrides=("generate.labels.clamp=[0.1, 0.9]",))
    assert resolve_labeling(LabelChoices(shared, method="cot")).pipeline.generate.labels == CotLabelConfig(
        clamp=(0.1, 0.9)
    )
    with pytest.raises(ConfigError, match="clamp"):
        resolve_labeling(LabelChoices(shared, method="rating"))
