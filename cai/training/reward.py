"""A reward model from pairs: a scalar head on the policy's body, trained, measured on held-out pairs and given a scale.

What is left in the folder is a whole sequence classifier, also after training with an adapter, because its head belongs
to no base model: transformers and vLLM's pooling runner load it as it is.
"""

import json
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import torch
from datasets import Dataset
from transformers import AutoConfig, AutoModelForSequenceClassification, PreTrainedTokenizerBase, set_seed
from trl.trainer.reward_config import RewardConfig

from cai.config.training import RewardTraining
from cai.engines.base import ChatPrompt
from cai.engines.encoding import Encoder
from cai.errors import UsageError
from cai.records import Message
from cai.store.atomic import write_text
from cai.training.calibration import ScoredPair
from cai.training.output import is_main_process
from cai.training.reward_report import SCALE_FILE, reward_figures, scale_of
from cai.training.reward_trainer import PairCollator, RewardModelTrainer
from cai.training.session import Session
from cai.training.setup import explained, lora_config, weights_dtype

DROPOUTS = (
    "attention_dropout",
    "attention_probs_dropout_prob",
    "attn_pdrop",
    "dropout",
    "embd_pdrop",
    "hidden_dropout",
    "hidden_dropout_prob",
    "resid_pdrop",
)
"""Names under which the architectures of transformers have their dropout."""

REFERENCE_PAIRS = 1000
"""Most pairs whose rewards make the scale where no pairs are held out."""


class Rewards(NamedTuple):
    """Raw rewards of the two answers of a pair."""

    chosen: float
    rejected: float


def train_reward(session: Session[RewardTraining]) -> dict[str, Any]:
    """Train, measure and save; returns what the summary adds for this kind."""
    config = session.config
    tokenizer = session.files.tokenizer()
    collator = PairCollator(padding_id(tokenizer, session.encoder))
    tokenizer.pad_token = tokenizer.convert_ids_to_tokens(collator.pad_id)
    arguments = RewardConfig(**session.arguments(), max_length=None, disable_dropout=config.dropout == 0)
    with explained():
        trainer = RewardModelTrainer(
            config,
            collator,
            model=_network(session),
            args=arguments,
            train_dataset=session.data.train,
            eval_dataset=session.data.heldout,
            processing_class=tokenizer,
            peft_config=lora_config(config, "SEQ_CLS"),
        )
    _check_mergeable(config, sharded=trainer.is_fsdp_enabled or trainer.is_deepspeed_enabled)
    session.train(trainer)
    if config.lora is not None:
        trainer.model = trainer.model_wrapped = trainer.accelerator.unwrap_model(trainer.model).merge_and_unload()
    heldout = session.measure(trainer)
    for name, value in _own_dropouts(session).items():
        setattr(trainer.accelerator.unwrap_model(trainer.model).config, name, value)
    session.save(trainer)
    figures = _measured(session, trainer, collator)
    if figures["heldout_accuracy"] is not None:
        # The trainer's own is a mean over batches.
        heldout["accuracy"] = figures["heldout_accuracy"]
    return {"heldout": heldout, "reward_model": figures}


def padding_id(tokenizer: PreTrainedTokenizerBase, encoder: Encoder) -> int:
    """A token for padding that never ends an answer: the tokenizer's own if it will do, else a control token.

    The network takes the last token that is not padding as the end of the answer, vLLM the very last: the two agree
    only if the token that ends a turn is not that of padding, as it is in many tokenizers.
    """
    end = encoder.answer_ids(ChatPrompt((Message("user", "?"),)), "!")[-1]
    own = tokenizer.pad_token_id
    candidates = [own, *sorted(encoder.control_ids), 0, 1]
    return next(token for token in candidates if isinstance(token, int) and token != end)


def _check_mergeable(config: RewardTraining, *, sharded: bool) -> None:
    if config.lora is not None and sharded:
        what = "the adapter of a reward model is merged at the end, which sharded weights do not allow"
        raise UsageError(what, where="lora", fix="train without FSDP and DeepSpeed, or without an adapter")


def _network(session: Session[RewardTraining]) -> Any:
    """The model's body with one scalar head, and dropout where it has any and the settings ask for it."""
    config = session.config
    wanted = dict.fromkeys(_own_dropouts(session), config.dropout) if config.dropout else {}
    # A new head is drawn while the model is loaded.
    set_seed(config.seed)
    network: Any = session.files.load(AutoModelForSequenceClassification, weights_dtype(config), num_labels=1, **wanted)
    if config.dropout:
        network.score.register_forward_pre_hook(_dropping(config.dropout))
    return network


def _dropping(share: float) -> Any:
    """Dropout before a module, without a place in its state: many architectures have none of their own."""

    def drop(module: torch.nn.Module, inputs: tuple[torch.Tensor]) -> tuple[torch.Tensor]:
        return (torch.nn.functional.dropout(inputs[0], share, module.training),)

    return drop


def _own_dropouts(session: Session[RewardTraining]) -> dict[str, Any]:
    """The dropout settings that the model came with."""
    own = AutoConfig.from_pretrained(session.files.folder, local_files_only=True).get_text_config()
    return {name: getattr(own, name) for name in DROPOUTS if hasattr(own, name)}


def _measured(session: Session[RewardTraining], trainer: RewardModelTrainer, collator: PairCollator) -> dict[str, Any]:
    """Score the held-out pairs with the saved weights, write the scale, and return the figures."""
    config, heldout = session.config, session.data.heldout
    if config.evaluate == "never":
        heldout = None
    session.stats.phase = "measuring"
    network = _saved_network(session, trainer)
    reference = session.data.train.select(_spread(len(session.data.train))) if heldout is None else heldout
    with explained():
        rewards = list(_rewards(network, reference, collator, config.micro_batch_size))
    pairs = [] if heldout is None else [_scored(row, two) for row, two in zip(heldout, rewards, strict=True)]
    scale = scale_of([reward for two in rewards for reward in two], pairs, config.clip)
    if is_main_process():
        write_text(session.folder.path / SCALE_FILE, json.dumps(scale.to_dict(), indent=2) + "\n")
    source = "training" if heldout is None else "heldout"
    return {
        **reward_figures(scale, pairs, config.decided_from),
        "reference": source,
        "reference_answers": 2 * len(rewards),
    }


def _saved_network(session: Session[RewardTraining], trainer: RewardModelTrainer) -> Any:
    """The network as others will load it: saving may have rounded its weights. A sharded one is taken as it is."""
    if trainer.is_fsdp_enabled or trainer.is_deepspeed_enabled:
        return trainer.model_wrapped.eval()
    device = trainer.accelerator.device
    # What was trained makes room.
    trainer.accelerator.unwrap_model(trainer.model).to("cpu")
    trainer.optimizer = trainer.lr_scheduler = None
    trainer.accelerator.free_memory()
    dtype = torch.float32 if device.type == "cpu" else "auto"
    network: Any = AutoModelForSequenceClassification.from_pretrained(session.folder.path, dtype=dtype)
    return network.to(device).eval()


@torch.inference_mode()
def _rewards(network: Any, pairs: Dataset, collator: PairCollator, batch_rows: int) -> Iterator[Rewards]:
    device = next(network.parameters()).device
    for start in range(0, len(pairs), batch_rows):
        rows = pairs.select(range(start, min(start + batch_rows, len(pairs))))
        batch = collator(list(rows))
        output = network(
            input_ids=batch["input_ids"].to(device),
            attention_mask=batch["attention_mask"].to(device),
            use_cache=False,
        )
        chosen, rejected = output.logits[:, 0].float().cpu().chunk(2)
        yield from (Rewards(*two) for two in zip(chosen.tolist(), rejected.tolist(), strict=True))


def _scored(row: dict[str, Any], rewards: Rewards) -> ScoredPair:
    longer = len(row["chosen_ids"]) - len(row["rejected_ids"])
    return ScoredPair(rewards.chosen - rewards.rejected, row["p_chosen"], row["hazard"], longer)


def _spread(count: int) -> Sequence[int]:
    """At most `REFERENCE_PAIRS` numbers below `count`, evenly spread."""
    step = max(1, -(-count // REFERENCE_PAIRS))
    return range(0, count, step)
