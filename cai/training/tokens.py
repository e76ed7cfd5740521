"""Examples to token ids, by the encoder that inference uses: training sees what the engine sees, and no text in the
data can become a control token. It knows no file and no trainer.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from cai.engines.base import ChatPrompt
from cai.engines.encoding import Encoder
from cai.records import Message
from cai.training.rows import Answer, Example, Kind, Pair

IGNORED = -100
"""The label of a token that is read and not learned, as all of torch's losses take it."""

Ids = npt.NDArray[np.int32]
Columns = dict[str, Any]


class ExampleEncoder:
    """Makes the columns that the trainers read.

    Answers are continuations of the encoded prompt and end with the token at which the model ends its turn.

    Args:
        encoder: That of the model.
        kind: Kind of the training, which decides on the columns.
        max_length: Longest prompt plus answer, in tokens.
    """

    def __init__(self, encoder: Encoder, kind: Kind, max_length: int) -> None:
        self._encoder = encoder
        self._kind = kind
        self._max_length = max_length

    def encode(self, example: Example) -> Columns | None:
        """Columns of one example; None if it is too long. `length` is the tokens of its longest sequence.

        sft: `input_ids`, `labels`. reward, dpo: `prompt_ids`, `chosen_ids`, `rejected_ids`, `p_chosen`, `hazard`.
        kto: `prompt_ids`, `completion_ids`, `label`.

        Raises:
            RequestError: The chat template refuses the messages.
            EngineError: The model has no chat template, or nothing that ends a turn.
        """
        prompt = _ids(self._encoder.encode(ChatPrompt(example.prompt)))
        if isinstance(example, Pair):
            chosen, rejected = (self._answer(example.prompt, text) for text in (example.chosen, example.rejected))
            length = len(prompt) + max(len(chosen), len(rejected))
            columns: Columns = {"prompt_ids": prompt, "chosen_ids": chosen, "rejected_ids": rejected}
            columns |= {"p_chosen": example.p_chosen, "hazard": example.hazard}
        else:
            answer = self._answer(example.prompt, example.completion)
            length = len(prompt) + len(answer)
            columns = self._single(prompt, answer, example)
        return None if length > self._max_length else {**columns, "length": length}

    def _single(self, prompt: Ids, answer: Ids, example: Answer) -> Columns:
        if self._kind == "kto":
            return {"prompt_ids": prompt, "completion_ids": answer, "label": example.desirable}
        masked = np.full(len(prompt), IGNORED, dtype=np.int32)
        return {"input_ids": np.concatenate([prompt, answer]), "labels": np.concatenate([masked, answer])}

    def _answer(self, prompt: tuple[Message, ...], text: str) -> Ids:
        return _ids(self._encoder.answer_ids(ChatPrompt(prompt), text))


def _ids(ids: tuple[int, ...]) -> Ids:
    """Four bytes a token: a list of Python's integers takes nine times as many."""
    return np.array(ids, dtype=np.int32)
