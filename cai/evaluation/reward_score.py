"""A trained reward model as a judge of single answers: reads the folder that `cai train reward` wrote.

Scores come out on the scale of `reward.json` beside the weights (mean 0 and deviation 1 on the answers it was measured
on, clipped if the training asked for it). It must not know how the model was trained.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import exp
from pathlib import Path
from typing import Self

import torch
from transformers import AutoModelForSequenceClassification, PreTrainedModel

from cai.engines.base import ChatPrompt
from cai.engines.encoding import Encoder
from cai.engines.model_folder import find_model, read_json
from cai.errors import EngineError, RequestError
from cai.records import Message

SCALE_FILE = "reward.json"
BATCH_TOKENS = 16_384
"""Tokens of a batch, padding included."""


@dataclass(frozen=True, slots=True)
class RewardScale:
    """How raw rewards are to be read; as it stands it changes nothing."""

    mean: float = 0.0
    std: float = 1.0
    temperature: float = 1.0
    clip: float | None = None

    @classmethod
    def of(cls, folder: Path) -> Self:
        """The scale of a reward model; a folder without one has raw rewards.

        Raises:
            EngineError: The file is not what the training writes.
        """
        path = folder / SCALE_FILE
        values = read_json(path)
        try:
            scale = cls(**{name: values[name] for name in cls.__dataclass_fields__ if name in values})
            usable = scale.std > 0 and scale.temperature > 0
        except TypeError:
            usable = False
        if not usable:
            raise EngineError("not the scale of a reward model", where=str(path), fix="train the reward model again")
        return scale

    def normalised(self, reward: float) -> float:
        """A raw reward in deviations from the mean, clipped if asked."""
        value = (reward - self.mean) / self.std
        return value if self.clip is None else max(-self.clip, min(self.clip, value))

    def probability(self, lead: float) -> float:
        """Calibrated probability that an answer is the better one, from its lead in raw reward."""
        x = lead / self.temperature
        return 1 / (1 + exp(-x)) if x >= 0 else exp(x) / (1 + exp(x))


class RewardModel:
    """Scores answers; made with `RewardModel.load`."""

    def __init__(self, model: PreTrainedModel, encoder: Encoder, scale: RewardScale) -> None:
        model.eval()  # type: ignore[no-untyped-call]
        settings = model.config.get_text_config()
        self._model = model
        self._encoder = encoder
        self._padding = settings.pad_token_id
        self._limit = getattr(settings, "max_position_embeddings", None)
        self.scale = scale

    @classmethod
    def load(cls, model: str, device: str | None = None) -> Self:
        """Read a reward model.

        Args:
            model: Folder, or name on the hub.
            device: Where to run it; by default a GPU if there is one.

        Raises:
            EngineError: There is no such model, or it has no scalar head.
        """
        folder = find_model(model)
        if device is None:
            device = "cuda" if torch.cuda.is_available() else "cpu"
        network, notes = AutoModelForSequenceClassification.from_pretrained(
            folder, dtype=torch.float32 if device == "cpu" else "auto", output_loading_info=True
        )
        if network.config.num_labels != 1 or notes["missing_keys"]:
            fix = "give a folder that `cai train reward` wrote"
            raise EngineError("the model has no head that gives one reward", where=model, fix=fix)
        if network.config.get_text_config().pad_token_id is None:
            fix = "set it to a token that never ends an answer"
            raise EngineError("the model's config.json has no pad_token_id", where=model, fix=fix)
        return cls(network.to(device), Encoder(folder), RewardScale.of(folder))

    def scores(self, prompts: Sequence[tuple[Message, ...]], answers: Sequence[str]) -> list[float]:
        """Normalised (and clipped) reward of each answer to its prompt.

        Raises:
            RequestError: An answer with its prompt is longer than the model can read.
        """
        return [self.scale.normalised(reward) for reward in self.rewards(prompts, answers)]

    def rewards(self, prompts: Sequence[tuple[Message, ...]], answers: Sequence[str]) -> list[float]:
        """Raw reward of each answer to its prompt.

        Raises:
            RequestError: An answer with its prompt is longer than the model can read.
        """
        sequences = [self._encode(prompt, answer) for prompt, answer in zip(prompts, answers, strict=True)]
        rewards = [0.0] * len(sequences)
        for batch in _batches(sequences):
            values = self._forward([sequences[index] for index in batch])
            for index, value in zip(batch, values, strict=True):
                rewards[index] = value
        return rewards

    def _encode(self, prompt: tuple[Message, ...], answer: str) -> tuple[int, ...]:
        chat = ChatPrompt(prompt)
        ids = (*self._encoder.encode(chat), *self._encoder.answer_ids(chat, answer))
        if self._limit is not None and len(ids) > self._limit:
            what = f"the conversation has {len(ids)} tokens, and the reward model reads {self._limit}"
            raise RequestError(what, fix="score shorter answers")
        return ids

    @torch.inference_mode()
    def _forward(self, sequences: Sequence[tuple[int, ...]]) -> list[float]:
        width = max(len(ids) for ids in sequences)
        rows = [list(ids) + [self._padding] * (width - len(ids)) for ids in sequences]
        mask = [[1] * len(ids) + [0] * (width - len(ids)) for ids in sequences]
        device = self._model.device
        output = self._model(
            input_ids=torch.tensor(rows, device=device),
            attention_mask=torch.tensor(mask, device=device),
            use_cache=False,
        )
        values: list[float] = output.logits[:, 0].float().tolist()
        return values


def _batches(sequences: Sequence[tuple[int, ...]]) -> Iterator[list[int]]:
    """Indices in batches of about equal lengths, the longest first, so that memory runs out at once or never."""
    order = sorted(range(len(sequences)), key=lambda index: -len(sequences[index]))
    batch: list[int] = []
    for index in order:
        if batch and (len(batch) + 1) * len(sequences[batch[0]]) > BATCH_TOKENS:
            yield batch
            batch = []
        batch.append(index)
    if batch:
        yield batch
