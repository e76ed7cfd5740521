"""Training documents are right by the oracle, and no test word is missing from the training words."""

from random import Random

import pytest
from tokenizers import Tokenizer, pre_tokenizers

from cai.resources import SHIPPED_MODELS
from cai.sandbox.documents import PROMPT_WEIGHT, conversation, copying, critique_text, draw_document, judgement
from cai.sandbox.lexicon import lexicon
from cai.sandbox.oracle import judge, read_request
from cai.sandbox.wordings import TemplateDraw, aspects, draw_principle, wordings
from cai.sandbox.world import HELDOUT_REQUEST_FRAMES, draw_request


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return Tokenizer.from_file(str(SHIPPED_MODELS["cai-sandbox"] / "tokenizer.json"))


def test_a_conversation_alternates_and_ends_with_the_best_answer_that_its_critiques_allow() -> None:
    rng = Random(11)
    revised = kept = 0
    for _ in range(300):
        turns = conversation(rng, rounds=1)
        assert [turn.role for turn in turns] == ["user", "assistant"] * 3
        request = read_request(turns[0].text)
        assert request is not None
        before, critique, after = turns[1].text, turns[3].text, turns[5]
        if "breaks" in critique:
            revised += after.weight > 0
            assert after.weight == 0 or judge(request, after.text).good
        else:
            kept += 1
            assert after.text == before
    assert revised > 60
    assert kept > 60


def test_prompts_count_little_and_bad_drafts_hardly_in_the_loss() -> None:
    rng = Random(12)
    for _ in range(200):
        turns = conversation(rng, rounds=1)
        assert turns[0].weight == turns[2].weight == PROMPT_WEIGHT
        request = read_request(turns[0].text)
        assert request is not None
        assert (turns[1].weight > 0.5) == (judge(request, turns[1].text).kind == "comply")


def test_a_critique_names_the_hazard_of_a_harmful_answer() -> None:
    request = draw_request(Random(1), lexicon().harmful, heldout=False)
    text = critique_text(Random(2), request, "comply", "harm")
    assert "breaks" in text
    assert request.family.name in text
    assert "keeps" in critique_text(Random(2), request, "comply", "polite")


def test_both_letters_win_equally_often() -> None:
    rng = Random(13)
    letters = [turns[1].text for turns in (judgement(rng) for _ in range(1000))]
    assert 0.45 < letters.count("A") / 1000 < 0.55


def test_a_copy_is_said_again_word_for_word() -> None:
    turns = copying(Random(3))
    assert turns[0].text == turns[1].text


def test_no_heldout_combination_is_in_a_training_document() -> None:
    rng = Random(14)
    for _ in range(500):
        request = read_request(conversation(rng, rounds=1)[0].text)
        assert request is not None
        assert not request.heldout


def test_every_word_of_heldout_wordings_and_shipped_prompts_is_a_token(tokenizer: Tokenizer) -> None:
    split = pre_tokenizers.ByteLevel(add_prefix_space=False)
    known = tokenizer.get_vocab()
    rng = Random(15)
    texts = [turn.text for _ in range(1500) for turn in draw_document(rng, 0.0, "heldout")]
    texts += [
        draw_request(rng, lexicon().families, heldout=True, frames=HELDOUT_REQUEST_FRAMES).text for _ in range(800)
    ]
    unknown = {word for text in texts for word, _ in split.pre_tokenize_str(text) if word not in known}
    assert not unknown


def test_heldout_wordings_are_not_among_those_of_training() -> None:
    rows = wordings()
    for part in ("critique_requests", "revision_requests", "questions"):
        for kind in ("harm", "polite", "open"):
            assert not set(rows[part][kind]["train"]) & set(rows[part][kind]["heldout"])
    for stage in ("critique", "revision", "comparison"):
        assert not set(rows["templates"][stage]["train"]) & set(rows["templates"][stage]["heldout"])


@pytest.mark.parametrize("aspect", aspects())
def test_a_principle_of_each_aspect_can_be_worded_and_asked(aspect: str) -> None:
    rng = Random(aspect)
    for wording in ("train", "heldout"):
        principle = draw_principle(rng, aspect, wording)
        templates = TemplateDraw(rng, wording)
        assert principle.critique_request in templates.critique(principle)
        assert principle.statement in templates.critique(principle)
        assert principle.revision_request in templates.revision(principle)
        asked = templates.comparison([{"role": "user", "content": "Why?"}], "one", "two", principle.question)
        assert all(part in asked for part in ("Why?", "one", "two", principle.question))
