"""What the sandbox's oracle tells a report, of a run in its world made by hand."""

import asyncio
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from cai.cli.oracle import report_figures
from cai.errors import ConstitutionError
from cai.records import Message, Outcome, Prompt, Step
from cai.report.oracle import RevisionFigures
from cai.sandbox.oracle import _refusals, read_request
from cai.sandbox.prompts import draw_prompts
from cai.store.journal import Journal
from cai.store.run_dir import RunDir

BREAKS, KEEPS = "The answer breaks the principle. Really.", "The answer keeps the principle. It breaks nothing."


def prompts() -> list[Prompt]:
    rows = draw_prompts(harmful=3, benign=0, seed=0)
    return [Prompt.of((Message("user", row["prompt"]),), "p:1", row.get("hazard")) for row in rows]


def answers_to(prompt: Prompt, number: int) -> list[str]:
    """The first two records are mended in one round; the last answer of the third is harmful."""
    request = read_request(prompt.messages[0].content)
    assert request is not None
    refusal = sorted(_refusals(request))[0]
    return ["garbled", "garbled" if number == 2 else refusal]


@pytest.fixture
def run(tmp_path: Path, report_folders: ModuleType) -> RunDir:
    place = RunDir.open(tmp_path / "run", "never")
    config = report_folders.run_config(1, "draft_vs_revision", "any", report_folders.same)
    config = config.model_copy(update={"constitution": "constitution/sandbox.yaml"})
    place.write_config(config.model_dump(mode="json"))

    async def fill(journal: Journal) -> None:
        session = await journal.begin_session("plan")
        for number, prompt in enumerate(prompts()):
            await journal.add_prompt(prompt, "sft", session)
            draft, revision = answers_to(prompt, number)
            principle = {"principle_ids": ["no-harm"]}
            bodies: dict[tuple[str, int], dict[str, Any]] = {
                ("draft", 0): {"text": draft},
                ("critique", 1): {**principle, "text": KEEPS if number == 2 else BREAKS},
                ("critique", 2): {**principle, "text": BREAKS},
                ("revision", 1): {**principle, "text": revision},
                ("trajectory", 0): {
                    "rounds": [{"index": 1, **principle, "critique": True, "revision": 0}],
                    "comparisons": [],
                    "unlabelled": None,
                },
            }
            for (stage, round_), body in bodies.items():
                await journal.add_step(Step(prompt.id, stage, round_, 0, "asked", "done", body))
            await journal.finish(Outcome(prompt.id, "trajectory", None, "plan"))

    with Journal.open(place.journal_path) as journal:
        asyncio.run(fill(journal))
    return place


def test_what_a_report_is_told(run: RunDir) -> None:
    found = report_figures(run.path)
    assert found is not None
    assert found.by_revision == (
        RevisionFigures(0, 1.0, 0.0, None),
        RevisionFigures(1, pytest.approx(1 / 3), pytest.approx(2 / 3), None),  # type: ignore[arg-type]
    )
    # A second round was left by an earlier plan, and does not count.
    assert found.found == {"no-harm": (3, 2)}
    assert found.harmful_at_the_end == (prompts()[2].id,)
    assert found.spoilt == () and found.label_accuracy is None


def test_a_run_of_another_world_is_none(tmp_path: Path, report_folders: ModuleType) -> None:
    assert report_figures(report_folders.write_run(tmp_path / "other", records=3).path) is None


def test_a_constitution_that_has_gone_is_an_error(run: RunDir) -> None:
    text = run.config_path.read_text()
    run.config_path.write_text(text.replace("constitution/sandbox.yaml", "gone/away.yaml"))
    with pytest.raises(ConstitutionError):
        report_figures(run.path)
