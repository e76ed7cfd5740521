"""Labels from log-probabilities, against numbers worked out by hand and judges with known habits."""

import asyncio
import math
from collections.abc import Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cai.config.labels import ChoiceLabelConfig
from cai.constitution.schema import Principle
from cai.dialogue import Stagecraft
from cai.engines.base import ChatPrompt, ChoiceScores, EnginePrompt, TextPrompt
from cai.errors import EngineError, RequestError
from cai.labeling.base import LABELER
from cai.labeling.choice import ChoiceLabels, first_is_named
from cai.labeling.votes import combine
from cai.records import Comparison, Label, Message, Prompt, Reply, Vote
from cai.resources import resource

PAIR = Comparison(Prompt.of((Message("user", "Hi"),), "x"), "a kind answer", "a rude answer", "sampled")
Judge = Callable[[str, str], tuple[float, float]]


def principle(name: str) -> Principle:
    texts = dict.fromkeys(("statement", "critique_request", "revision_request"), "Text.")
    return Principle.model_validate({"id": name, **texts, "comparison_question": f"Which is more {name}?"})


KIND, FAIR = principle("kind"), principle("fair")


def labels(form: str = "chat") -> ChoiceLabels:
    return ChoiceLabels(ChoiceLabelConfig(), Stagecraft(resource("prompts"), form), 0)  # type: ignore[arg-type]


def judged(
    judge: Judge, principles: Sequence[Principle] = (KIND,), pair: Comparison = PAIR, form: str = "chat"
) -> Label:
    """`judge` is given the request's name and the text after the last mark of the first answer."""

    class Scripted:
        async def score(
            self, name: str, prompt: EnginePrompt, choices: tuple[str, ...], role: str = LABELER
        ) -> ChoiceScores:
            assert (choices, role) == (("A", "B"), LABELER)
            text = prompt.text if isinstance(prompt, TextPrompt) else prompt.messages[-1].content
            first = text[text.rindex("Answer A:" if isinstance(prompt, ChatPrompt) else "(A)") :]
            return ChoiceScores(judge(name, first.split("\n")[0]))

        async def write(
            self, name: str, prompt: EnginePrompt, role: str = LABELER, stops: tuple[str, ...] = ()
        ) -> Reply:
            raise AssertionError

    return asyncio.run(labels(form).label(pair, principles, Scripted()))


def logs(first: float, second: float) -> tuple[float, float]:
    return math.log(first), math.log(second)


def kind_first(name: str, first: str) -> tuple[float, float]:
    return logs(0.6, 0.2) if "kind" in first else logs(0.1, 0.3)


@pytest.mark.parametrize(
    ("first", "second", "p", "mass"),
    [
        (math.log(0.6), math.log(0.2), 0.75, 0.8),
        (math.log(0.1), math.log(0.3), 0.25, 0.4),
        (-1.0, -1.0, 0.5, 2 * math.exp(-1)),
        (0.0, -math.inf, 1.0, 1.0),
        (-math.inf, -3.0, 0.0, math.exp(-3)),
        (-1000.0, -1001.0, 1 / (1 + math.exp(-1)), 0.0),
        (0.001, -9.0, 1 / (1 + math.exp(-9.001)), 1.0),
    ],
)
def test_the_softmax_by_hand(first: float, second: float, p: float, mass: float) -> None:
    assert first_is_named(first, second) == pytest.approx((p, mass))


@pytest.mark.parametrize(
    "pair",
    [
        (-math.inf, -math.inf),
        (math.nan, -1.0),
        (-1.0, math.nan),
        (math.nan, math.nan),
        (math.inf, -1.0),
        (-1.0, math.inf),
        (math.nan, -math.inf),
        (-math.inf, math.nan),
    ],
)
def test_no_verdict_is_an_error_and_never_a_tie(pair: tuple[float, float]) -> None:
    with pytest.raises(RequestError, match="neither letter"):
        first_is_named(*pair)
    with pytest.raises(RequestError, match="neither letter"):
        judged(lambda name, first: pair if name.endswith("ba") else logs(0.6, 0.2))


@pytest.mark.parametrize("form", ["chat", "transcript"])
def test_both_orders_are_asked_and_averaged(form: str) -> None:
    label = judged(kind_first, form=form)
    assert [(vote.principle_id, vote.order) for vote in label.votes] == [("kind", "ab"), ("kind", "ba")]
    # ab: 0.6 / 0.8 for A. ba: the rude one is shown first and gets 0.1 / 0.4, so the kind one 0.75 again.
    assert [vote.p_a for vote in label.votes] == pytest.approx([0.75, 0.75])
    assert [vote.mass for vote in label.votes] == pytest.approx([0.8, 0.4])
    assert label.p_a == pytest.approx(0.75)
    assert label.label_mass == pytest.approx(0.6)
    assert not label.flipped
    assert label.method == "choice"
    assert label.comparison_id == PAIR.id


def test_p_a_is_of_response_a_whichever_was_shown_first() -> None:
    label, swapped = judged(kind_first), judged(kind_first, pair=PAIR.swap())
    assert swapped.p_a == pytest.approx(1 - label.p_a)
    assert swapped.flipped == label.flipped


def test_a_judge_who_always_says_a_flips_and_prefers_nothing() -> None:
    label = judged(lambda name, first: logs(0.9, 0.05))
    assert label.flipped
    assert label.p_a == pytest.approx(0.5)
    leaning = judged(lambda name, first: logs(0.9, 0.05) if "kind" in first else logs(0.6, 0.3))
    assert leaning.flipped
    assert leaning.p_a > 0.5


def test_principles_are_averaged_and_most_must_flip() -> None:
    def judge(name: str, first: str) -> tuple[float, float]:
        return logs(0.9, 0.1) if name.startswith("fair") else kind_first(name, first)

    label = judged(judge, (KIND, FAIR))
    assert len(label.votes) == 4
    assert label.p_a == pytest.approx((0.75 + 0.75 + 0.9 + 0.1) / 4)
    assert not label.flipped  # one of two is not more than half
    third = principle("fair-too")
    assert judged(judge, (KIND, FAIR, third)).flipped


def test_one_half_is_opposite_to_nothing() -> None:
    for pair in ((0.5, 0.9), (0.9, 0.5), (0.5, 0.1), (0.1, 0.5), (0.5, 0.5)):
        votes = [Vote("kind", order, p, 1.0) for order, p in zip(("ab", "ba"), pair, strict=True)]  # type: ignore[arg-type]
        assert not combine("c", votes, "choice").flipped


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=5))
def test_swapping_the_answers_mirrors_the_label(pairs: list[tuple[float, float]]) -> None:
    def votes(mirrored: bool) -> list[Vote]:
        orders = [(f"p{i}", pair) for i, pair in enumerate(pairs)]
        return [
            Vote(name, order, 1 - p if mirrored else p, 0.5)  # type: ignore[arg-type]
            for name, pair in orders
            for order, p in zip(("ab", "ba"), pair[::-1] if mirrored else pair, strict=True)
        ]

    label, mirror = combine("c", votes(False), "choice"), combine("c", votes(True), "choice")
    assert mirror.p_a == pytest.approx(1 - label.p_a)
    assert min(p for pair in pairs for p in pair) - 1e-12 <= label.p_a <= max(p for pair in pairs for p in pair) + 1e-12
    if all(abs(p - 0.5) > 1e-9 for pair in pairs for p in pair):
        assert mirror.flipped == label.flipped


def test_what_was_asked_holds_every_question() -> None:
    method = labels()
    asked = method.asked(PAIR, (KIND, FAIR))
    assert [question[:2] for question in asked] == [["kind", "ab"], ["kind", "ba"], ["fair", "ab"], ["fair", "ba"]]
    assert "Which is more fair?" in str(asked[2])
    assert asked != method.asked(PAIR.swap(), (KIND, FAIR))
    assert asked[:2] == method.asked(PAIR, (KIND,))


def test_when_one_question_fails_the_others_are_waited_for() -> None:
    ended: list[str] = []

    async def main() -> None:
        others = asyncio.Event()

        class Scripted:
            async def score(
                self, name: str, prompt: EnginePrompt, choices: tuple[str, ...], role: str = LABELER
            ) -> ChoiceScores:
                if name == "kind/ab":
                    asyncio.get_running_loop().call_later(0.01, others.set)
                    raise EngineError("gone")
                await others.wait()
                ended.append(name)
                return ChoiceScores(logs(0.5, 0.5))

            async def write(
                self, name: str, prompt: EnginePrompt, role: str = LABELER, stops: tuple[str, ...] = ()
            ) -> Reply:
                raise AssertionError

        with pytest.raises(EngineError, match="gone"):
            await labels().label(PAIR, (KIND, FAIR), Scripted())
        assert sorted(ended) == ["fair/ab", "fair/ba", "kind/ba"]

    asyncio.run(main())
