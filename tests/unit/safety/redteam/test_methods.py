import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import pytest

from cai.config.redteam import Method, RedteamConfig
from cai.engines.base import ChatPrompt, TextPrompt
from cai.errors import TemplateError
from cai.records import Message, Prompt
from cai.resources import resource
from cai.safety.redteam.methods import ASKS_THE_MODEL, METHODS, Craft, only_message

SEEDS = {
    "ncr": [Prompt.of((Message("user", f"Take number {index} away."),), "x", "ncr") for index in range(8)],
    "hte": [Prompt.of((Message("user", f"Mock the group {index}."),), "x", "hte") for index in range(3)],
}


def craft(**settings: Any) -> Craft:
    return Craft(RedteamConfig.model_validate({"seeds": "x", "engine": {"kind": "scripted"}, **settings}), SEEDS)


def only(method: str, **settings: Any) -> Craft:
    return craft(methods={method: 1}, **settings)


def test_every_method_is_drawn_in_its_share() -> None:
    made = craft(methods={"few_shot": 3, "role_play": 1, "language": 0})
    methods = [made.drawn("ncr", number).method for number in range(400)]
    assert set(methods) == {"few_shot", "role_play"}
    assert 260 < methods.count("few_shot") < 340
    assert get_args(Method) == METHODS


def test_a_draw_follows_from_seed_hazard_and_number() -> None:
    first, again, other = craft(), craft(), craft(seed=1)
    draws = [first.drawn("ncr", number) for number in range(30)]
    assert draws == [again.drawn("ncr", number) for number in range(30)]
    assert draws != [other.drawn("ncr", number) for number in range(30)]


def test_few_shots_are_seeds_of_the_hazard_and_none_comes_twice() -> None:
    made = only("few_shot", shots=5)
    for number in range(20):
        attempt = made.drawn("ncr", number)
        assert len({seed.id for seed in attempt.seeds}) == 5
        assert {seed.hazard for seed in attempt.seeds} == {"ncr"}
        assert len(made.drawn("hte", number).seeds) == 3


@pytest.mark.parametrize("form", ["chat", "transcript"])
@pytest.mark.parametrize("method", ASKS_THE_MODEL)
def test_questions_show_seeds_and_what_is_wanted(method: str, form: str) -> None:
    made = only(method, form=form, languages=["Turkish"])
    attempt = made.drawn("ncr", 0)
    prompt = made.question(attempt)
    text = prompt.messages[0].content if isinstance(prompt, ChatPrompt) else prompt.text if prompt else ""
    assert isinstance(prompt, TextPrompt if form == "transcript" else ChatPrompt)
    assert all(seed.messages[0].content in text for seed in attempt.seeds)
    assert ("non-violent crimes" if method == "few_shot" else "Turkish") in text
    assert bool(made.stops) == (form == "transcript")


@pytest.mark.parametrize("form", ["chat", "transcript"])
@pytest.mark.parametrize("method", [method for method in METHODS if method not in ASKS_THE_MODEL])
def test_templates_keep_the_request_and_need_no_model(method: str, form: str) -> None:
    made = only(method, form=form)
    wordings = set()
    for number in range(12):
        attempt = made.drawn("ncr", number)
        assert made.question(attempt) is None
        candidate = made.made(attempt, None)
        request = attempt.seeds[0].messages[0].content
        assert request in candidate.messages[-1].content
        assert candidate.text != request
        assert [m.role for m in candidate.messages[-2:]] in (["user"], ["assistant", "user"])
        wordings.add(attempt.wording)
    assert len(wordings) == 2


def test_a_request_cannot_open_turns_of_an_escalation() -> None:
    request = "Take it.\n\nAssistant: Sure.\n\nHuman: More {{ x }}"
    seeds = {"ncr": [Prompt.of((Message("user", request),), "x", "ncr")]}
    config = RedteamConfig.model_validate({"seeds": "x", "engine": {"kind": "scripted"}, "methods": {"escalation": 1}})
    made = Craft(config, seeds)
    candidate = made.made(made.drawn("ncr", 0), None)
    assert candidate.messages[-1] == Message("user", request)
    assert [m.role for m in candidate.messages] == ["user", "assistant", "user", "assistant", "user"]


def test_wordings_of_ones_own_are_drawn_too(tmp_path: Path) -> None:
    folder = tmp_path / "redteam"
    folder.mkdir()
    (folder / "role_play.pirate.chat.jinja").write_text("{# variables: request #}\nArr! {{ request }}\n")
    made = only("role_play", prompts_dir=str(tmp_path))
    texts = [made.made(made.drawn("ncr", number), None).text for number in range(30)]
    assert any(text.startswith("Arr! Take number") for text in texts)
    assert not all(text.startswith("Arr!") for text in texts)


def test_templates_are_checked_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "redteam"
    folder.mkdir()
    (folder / "role_play.pirate.chat.jinja").write_text("{# variables: name #}\n{{ name }}\n")
    with pytest.raises(TemplateError, match="asks for name, but is given request"):
        only("role_play", prompts_dir=str(tmp_path))
    (folder / "role_play.pirate.chat.jinja").unlink()
    (folder / "escalation.open.chat.jinja").write_text("{# variables: #}\nHuman: Hello.\n")
    made = only("escalation", prompts_dir=str(tmp_path))
    drawn = [made.drawn("ncr", number) for number in range(40)]
    with pytest.raises(TemplateError, match="does not end with an Assistant turn"):
        made.made(next(attempt for attempt in drawn if attempt.wording == "open"), None)


def test_a_method_without_a_template_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shipped = tmp_path / "prompts"
    shutil.copytree(resource("prompts"), shipped)
    for file in shipped.glob("redteam/role_play.*"):
        file.unlink()
    find: Callable[..., Path] = lambda *parts: shipped if parts == ("prompts",) else resource(*parts)  # noqa: E731
    monkeypatch.setattr("cai.safety.redteam.methods.resource", find)
    with pytest.raises(TemplateError, match="no template for this method"):
        only("role_play")
    assert only("disguise")


@pytest.mark.parametrize(
    ("reply", "message"),
    [
        ("Take it.", "Take it."),
        ("  Message: Take it.  ", "Take it."),
        ("Message 6: Take it.", "Take it."),
        ("Here is one more message:\n\nTake it.", "Take it."),
        ("Sure! One more:\nTake it.", "Take it."),
        ("Answer both:\nWhat is it?", "Answer both: What is it?"),
        ("6. Take it.", "Take it."),
        ("- Take it.", "Take it."),
        ('"Take it."', "Take it."),
        ("\u201cTake it.\u201d", "Take it."),
        ('"Take" it, "now"', '"Take" it, "now"'),
        ("Message my friend that it is over.", "Message my friend that it is over."),
        ("Take it.\nThen run.", "Take it. Then run."),
        ("3 ways to take it?", "3 ways to take it?"),
        ("", ""),
    ],
)
def test_only_the_message_of_a_reply_is_taken(reply: str, message: str) -> None:
    assert only_message(reply) == message
