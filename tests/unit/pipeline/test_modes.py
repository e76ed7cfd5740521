"""Critique modes, verdicts, retries and comparisons in whole runs with the scripted engine."""

import asyncio
import json
from collections import Counter
from typing import Any

import pytest

from cai.checks import flaws
from cai.data.finished import answers_of, labels_of, rounds_of, unlabelled_of
from cai.engines import build
from cai.engines.base import Completion, Generation, GenerationRequest
from cai.engines.scripted import ScriptedEngine
from cai.errors import TemplateError, UsageError
from cai.pipeline import rounds as rounds_module
from cai.pipeline.preview import preview


def stages(workshop: Any) -> Counter[str]:
    """Calls by the full name of the stage."""
    found: Counter[str] = Counter()
    for call in workshop.calls():
        detailed = call[1] == "critique" and not call[2].isdigit()
        found["/".join(call[1:3]) if detailed or call[2] in ("second", "verdict") else call[1]] += 1
    return found


def test_several_turns_are_asked_and_the_critique_is_the_last(workshop: Any) -> None:
    summary = workshop.go(critique={"kind": "multi_turn", "exchanges": 2}, rounds=1)
    assert summary.counts.trajectories == 12
    called = stages(workshop)
    for stage in ("question.1", "reply.1", "question.2", "reply.2"):
        assert called[f"critique/{stage}"] == 12
    assert called["critique"] == 12
    for record in workshop.records().values():
        (round_,) = rounds_of(record)
        assert round_.critique == record.steps["critique", 1, 0].body["text"]
        assert record.steps["critique/reply.1", 1, 0].body["principle_ids"] == list(round_.principle_ids)
    workshop.go()
    assert workshop.calls() == []


@pytest.mark.parametrize("merge", ["all", "vote", "best"])
def test_several_critics_of_two_engines_become_one(workshop: Any, merge: str) -> None:
    critics = [{}, {"sampling": {"temperature": 0.2}}, {"engine": "default"}]
    summary = workshop.go(critique={"kind": "cross_model", "critics": critics, "merge": merge}, rounds=1)
    assert summary.counts.trajectories == 12
    called = stages(workshop)
    assert [called[f"critique/critic.{n}"] for n in (1, 2, 3)] == [12] * 3
    assert called["critique/verdict.1"] == (12 if merge == "vote" else 0)
    assert called["critique/best.1"] == (12 if merge == "best" else 0)
    for record in workshop.records().values():
        (round_,) = rounds_of(record)
        said = [record.steps[f"critique/critic.{n}", 1, 0].body["text"] for n in (1, 2, 3)]
        assert round_.critique is not None and any(text in round_.critique for text in said)
        assert (round_.critique == "\n\n".join(dict.fromkeys(said))) or merge != "all"
    before = workshop.datasets()
    workshop.go()
    assert workshop.calls() == [] and workshop.datasets() == before


@pytest.mark.parametrize("form", ["chat", "transcript"])
@pytest.mark.parametrize(
    "settings",
    [
        {"critique": {"kind": "multi_turn"}},
        {"critique": {"kind": "cross_model", "critics": [{}, {}], "merge": "vote"}},
        {"critique": {"kind": "cross_model", "critics": [{}, {}], "merge": "best"}},
        {"verdict": {"recheck": True}},
        {"critique": {"kind": "direct"}},
        {"principles": {"strategy": "all"}},
    ],
    ids=["multi_turn", "vote", "best", "verdict", "direct", "all"],
)
def test_every_mode_has_both_forms(workshop: Any, form: str, settings: dict[str, Any]) -> None:
    exchanges = asyncio.run(preview(workshop.config(form=form, **settings), 2))
    assert exchanges and not [exchange for exchange in exchanges if exchange.stage == "failed"]
    asked = [exchange.prompt for exchange in exchanges if exchange.stage != "draft"]
    marks = ("CritiqueRequest:", "RevisionRequest:", "Options:")
    for prompt in asked:
        assert any(mark in prompt for mark in marks) == (form == "transcript")
        assert "{" not in prompt.replace('{"', "")


class Strict(ScriptedEngine):
    """States a verdict by the words of the answer that is judged: a draft violates, what was revised does not."""

    async def generate(self, request: GenerationRequest) -> Generation:
        found = await super().generate(request)
        if request.schema is None:
            return found
        violates = not request.request_id.split("/")[-1].startswith("2") and "critique/verdict" in request.request_id
        row = {"violates": violates, "severity": 2 * violates, "evidence": "Note" if violates else ""}
        return Generation((Completion(json.dumps(row), "stop"),), found.usage)


@pytest.fixture
def strict(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(build.ENGINES, "scripted", lambda config, log, adapters: Strict(config))


@pytest.mark.usefixtures("strict")
def test_a_compliant_answer_ends_the_rounds(workshop: Any) -> None:
    summary = workshop.go(rounds=4, verdict={"stop_when_compliant": True})
    assert summary.counts.trajectories == 12
    assert workshop.called()["revision"] == 12
    for record in workshop.records().values():
        first, second = rounds_of(record)
        assert first.verdict is not None and first.verdict.violates and first.verdict.quoted
        assert first.revision is not None
        assert second.verdict is not None and not second.verdict.violates
        assert second.revision is None and second.critique is not None
        assert answers_of(record) == [answers_of(record)[0], first.revision, first.revision]
        if labels_of(record):
            body = labels_of(record)[0][0]
            assert {body["response_a"], body["response_b"]} == {answers_of(record)[0], first.revision}
    # Without it the rounds go on, and what was asked before is not asked again.
    workshop.go(verdict={"stop_when_compliant": False})
    assert workshop.called()["draft"] == 0
    assert all(len(rounds_of(record)) == 4 for record in workshop.records().values())
    # And back: what the longer run left in the journal does not count.
    workshop.go(verdict={"stop_when_compliant": True})
    assert all(len(rounds_of(record)) == 2 for record in workshop.records().values())


class Unsure(ScriptedEngine):
    """No verdict of this engine can be read."""

    async def generate(self, request: GenerationRequest) -> Generation:
        found = await super().generate(request)
        return found if request.schema is None else Generation((Completion('{"violates": tr', "length"),), found.usage)


def test_a_verdict_that_cannot_be_read_stops_nothing(workshop: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(build.ENGINES, "scripted", lambda config, log, adapters: Unsure(config))
    summary = workshop.go(verdict={"stop_when_compliant": True})
    assert summary.counts.trajectories == 12
    for record in workshop.records().values():
        assert [round_.verdict for round_ in rounds_of(record)] == [None, None]
        assert all(round_.revision is not None for round_ in rounds_of(record))


class Stubborn(ScriptedEngine):
    """Finds fault with every first revision, and with every revision of one question."""

    async def generate(self, request: GenerationRequest) -> Generation:
        found = await super().generate(request)
        if request.schema is None:
            return found
        retried = request.request_id.count("/") > 3
        violates = not retried or "Question 3" in self.rendered(request.prompt)
        row = {"violates": violates, "severity": 1, "evidence": ""}
        return Generation((Completion(json.dumps(row), "stop"),), found.usage)


def test_a_revision_that_still_violates_is_drawn_again(workshop: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(build.ENGINES, "scripted", lambda config, log, adapters: Stubborn(config))
    workshop.go(rounds=1, verdict={"recheck": True}, revision={"checks": [], "retries": 2})
    records = workshop.records()
    for text, record in records.items():
        (round_,) = rounds_of(record)
        stubborn = text == "Question 3"
        assert (round_.attempt, round_.flaw) == ((2, "non_compliant") if stubborn else (1, None))
        assert round_.revision == record.steps["revision", 1, round_.attempt].body["text"]
    # Fewer retries: the first draw stands, with its flaw, and nothing is asked for it.
    workshop.go(revision={"checks": [], "retries": 0})
    assert set(workshop.called()) <= {"label"}
    for record in workshop.records().values():
        assert [(r.attempt, r.flaw) for r in rounds_of(record)] == [(0, "non_compliant")]


def test_each_flaw_is_tried_again_within_bounds(workshop: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def flawed(text: str, *others: Any) -> str | None:
        return "looping" if "risk" in text else None

    monkeypatch.setattr(rounds_module, "revision_flaw", flawed)
    workshop.go(revision={"retries": 3})
    attempts = Counter()
    for record in workshop.records().values():
        for round_ in rounds_of(record):
            attempts[round_.attempt] += 1
            assert round_.revision is not None
            assert round_.flaw == ("looping" if "risk" in round_.revision else None)
            # Every draw before the one that stands had the flaw.
            for attempt in range(round_.attempt):
                assert "risk" in record.steps["revision", round_.index, attempt].body["text"]
    assert attempts.total() == 24 and len(attempts) > 1
    assert max(attempts) <= 3
    assert workshop.called()["revision"] == sum((attempt + 1) * count for attempt, count in attempts.items())


def test_a_critique_in_the_place_of_a_revision_is_seen() -> None:
    said = "The answer helps with theft, which breaks the principle. It should refuse."
    assert flaws.revision_flaw(said, "stop", "Take it.", said, ("role_confusion",)) == "role_confusion"


def test_constraints_of_the_pipeline_are_asked_too(workshop: Any) -> None:
    workshop.go(rounds=1, limit=1)
    workshop.go(limit=1, revision={"checks": [], "constraints": ["Stay under fifty words."]})
    # The critique stands as it was; what it leads to is asked anew.
    assert set(workshop.called()) <= {"revision", "label"} and workshop.called()["revision"] == 1


@pytest.mark.parametrize("strategy", ["without_replacement", "by_hazard", "sequential", "all"])
def test_every_strategy_names_its_principles(workshop: Any, strategy: str) -> None:
    summary = workshop.go(rounds=3, principles={"strategy": strategy})
    assert summary.counts.trajectories == 12
    for record in workshop.records().values():
        named = [round_.principle_ids for round_ in rounds_of(record)]
        assert all(set(ids) <= set(workshop.names) and ids for ids in named)
        if strategy == "all":
            assert named == [tuple(workshop.names)] * 3
        if strategy == "sequential":
            assert named == [(name,) for name in workshop.names[:3]]
        if strategy == "without_replacement":
            assert len(set(named)) == 3
    # The order of the file counts where principles are taken in that order, and only there.
    workshop.write_principles(*reversed(workshop.names))
    workshop.go()
    assert bool(workshop.calls()) == (strategy in ("sequential", "all"))


def test_every_pair_of_samples_is_judged(workshop: Any) -> None:
    summary = workshop.go(rounds=0, comparison={"source": "sampled", "samples": 4})
    assert stages(workshop) == {"draft": 12, "sample": 12, "label": 12 * 6 * 2}
    assert summary.labels.labels == summary.counts.preference_rows == 72
    for record in workshop.records().values():
        pairs = {frozenset((body["response_a"], body["response_b"])) for body, _ in labels_of(record)}
        assert len(pairs) == 6
        assert set().union(*pairs) == set(record.steps["sample", 0, 0].body["texts"])
    best = workshop.go(comparison={"source": "sampled", "samples": 4, "pairs": "best_vs_worst"})
    assert workshop.calls() == []
    assert best.labels.labels == best.counts.preference_rows == 12
    for record in workshop.records().values():
        ((body, label),) = labels_of(record)
        chosen = body["response_a"] if label.p_a > 0.5 else body["response_b"]
        wins: Counter[str] = Counter()
        for number in range(6):
            other = record.steps["label", number, 0].body
            wins[other["response_a"]] += other["label"]["p_a"]
            wins[other["response_b"]] += 1 - other["label"]["p_a"]
        assert {body["response_a"], body["response_b"]} == {
            max(wins, key=wins.__getitem__),
            min(wins, key=wins.__getitem__),
        }
        assert chosen in wins


def test_two_models_answer_the_same_prompt(workshop: Any) -> None:
    second = {"engine": "default", "sampling": {"temperature": 0.1}}
    summary = workshop.go(rounds=0, comparison={"source": "two_models", "second": second})
    assert summary.labels.labels == 12
    for record in workshop.records().values():
        ((body, _),) = labels_of(record)
        texts = {record.steps[stage, 0, 0].body["text"] for stage in ("sample", "sample/second")}
        assert body["source"] == "two_models" and {body["response_a"], body["response_b"]} == texts


def test_revisions_of_two_rounds_are_compared(workshop: Any) -> None:
    workshop.go(rounds=3, comparison={"source": "revision_vs_revision", "rounds": [1, 3]})
    for record in workshop.records().values():
        answers = answers_of(record)
        if answers[1] == answers[3]:
            assert unlabelled_of(record) == "equal answers" and labels_of(record) == []
            continue
        ((body, _),) = labels_of(record)
        assert {body["response_a"], body["response_b"]} == {answers[1], answers[3]}


OWN = '''"""A toy mode: the critic has the last word, which is always the same."""

from cai.critique.base import Criticised
from cai.records import Critique


class Devil:
    templates = {"critique/devil": ("statement", "mood")}

    def __init__(self, mood: str = "grim") -> None:
        self.mood = mood

    async def critique(self, dialogue, brief, ask):
        asked = dialogue.asked("critique/devil", statement=brief.statement, mood=self.mood)
        reply = await ask.write("critic", "critique", asked)
        return Criticised(Critique(brief.principle_ids, *reply), asked.answered(reply.text))
'''


@pytest.fixture
def own(workshop: Any) -> Any:
    """One Python file and one template, and nothing else touched."""
    (workshop.folder / "devil.py").write_text(OWN)
    folder = workshop.folder / "prompts" / "critique"
    folder.mkdir(parents=True)
    (folder / "devil.chat.jinja").write_text(
        "{# variables: statement, mood #}\nSay in a {{ mood }} way what speaks against your answer. {{ statement }}\n"
    )
    critique = {"kind": "own", "mode": f"{workshop.folder / 'devil.py'}:Devil", "settings": {"mood": "merry"}}
    workshop.settings |= {"critique": critique, "prompts_dir": str(workshop.folder / "prompts"), "rounds": 1}
    return workshop


def test_a_mode_of_one_s_own_runs_only_if_it_is_allowed(own: Any) -> None:
    with pytest.raises(UsageError, match="wants to run code") as refused:
        own.go()
    assert "--allow-code" in str(refused.value)
    own.allow_code = True
    summary = own.go()
    assert summary.counts.trajectories == 12
    assert own.called()["critique"] == 12
    # Another text of the file is another mode: every record is looked at again.
    (own.folder / "devil.py").write_text(OWN.replace("self.mood = mood", "self.mood = 'sad'"))
    own.go()
    assert own.called()["critique"] == 12 and own.called()["draft"] == 0


@pytest.mark.parametrize(
    ("mode", "problem"),
    [
        ("devil.py", "does not name a file and a class"),
        ("nowhere.py:Devil", "cannot be read"),
        ("devil.py:Angel", "cannot be made: AttributeError"),
        ("devil.py:Critique", "cannot be made: TypeError"),
        ("broken.py:Devil", "cannot be made: SyntaxError"),
        ("plain.py:Plain", "is no critique mode"),
    ],
)
def test_a_bad_mode_is_one_clear_error(own: Any, mode: str, problem: str) -> None:
    own.allow_code = True
    (own.folder / "broken.py").write_text("class Devil(:\n")
    (own.folder / "plain.py").write_text("class Plain:\n    pass\n")
    own.settings["critique"] = {"kind": "own", "mode": str(own.folder / mode)}
    with pytest.raises(UsageError, match=problem):
        own.go()


def test_a_mode_s_template_is_checked_before_the_first_call(own: Any) -> None:
    own.allow_code = True
    (own.folder / "prompts" / "critique" / "devil.chat.jinja").unlink()
    with pytest.raises(TemplateError, match="no such template"):
        own.go()
    assert own.calls() == []
