"""Packed rows: documents do not see each other, positions start anew, weights fall on what is to be learnt."""

from random import Random

import pytest
from tokenizers import Tokenizer

from cai.resources import SHIPPED_MODELS
from cai.sandbox.batches import DocumentEncoder, Packer, batches
from cai.sandbox.documents import SLOT_WEIGHT, Turn
from cai.sandbox.tokenizer import END


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return Tokenizer.from_file(str(SHIPPED_MODELS["cai-sandbox"] / "tokenizer.json"))


def test_control_tokens_come_from_the_roles_and_only_answers_and_their_end_count(tokenizer: Tokenizer) -> None:
    encoded = DocumentEncoder(tokenizer).encode(
        (Turn("user", "Explain a kite", 0.0), Turn("assistant", "Explain a kite", 1.0))
    )
    words = [tokenizer.id_to_token(token) for token in encoded.tokens]
    assert words[0] == "<|user|>"
    assert words.count(END) == 2
    answer = words.index("<|assistant|>")
    assert set(encoded.weights[: answer + 1]) == {0.0}
    assert encoded.weights[answer + 1 :] == [1.0, 1.0, SLOT_WEIGHT, 1.0]


def test_rows_hold_whole_documents_with_positions_of_their_own(tokenizer: Tokenizer) -> None:
    batch = Packer(DocumentEncoder(tokenizer), Random(0), rows=3, length=512).batch(0.0)
    assert batch.tokens.shape == (3, 512)
    end, starts = tokenizer.token_to_id(END), {tokenizer.token_to_id("<|user|>")}
    for row in range(3):
        numbers = batch.documents[row]
        assert numbers.max() >= 2
        assert (numbers > 0).mean() > 0.7
        for number in range(1, numbers.max() + 1):
            inside = numbers == number
            positions = batch.positions[row][inside]
            assert positions.tolist() == list(range(inside.sum()))
            tokens = batch.tokens[row][inside]
            assert tokens[0] in starts
            assert tokens[-1] == end
    assert (batch.weights[batch.documents == 0] == 0).all()


def test_equal_seeds_give_equal_batches(tokenizer: Tokenizer) -> None:
    def drawn(seed: int) -> list[bytes]:
        packer = Packer(DocumentEncoder(tokenizer), Random(seed), rows=2, length=512)
        return [batch.tokens.tobytes() for batch in batches(packer, 3, 3)]

    assert drawn(1) == drawn(1) != drawn(2)
