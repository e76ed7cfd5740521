"""Supervised fine-tuning on completions, by TRL's trainer: prompts carry the label that no loss counts."""

from typing import Any

from transformers import AutoModelForCausalLM
from trl.trainer.sft_config import SFTConfig
from trl.trainer.sft_trainer import SFTTrainer

from cai.config.training import SftTraining
from cai.training.session import Session
from cai.training.setup import explained, longest_row, lora_config, weights_dtype
from cai.training.trainer import OwnTrainer


class SftTrainer(OwnTrainer, SFTTrainer):
    """TRL's trainer with our order of rows."""


def train_sft(session: Session[SftTraining]) -> dict[str, Any]:
    """Train, measure and save; returns what the summary adds for this kind."""
    config = session.config
    arguments = SFTConfig(
        **session.arguments(),
        packing=config.packing,
        padding_free=config.padding_free,
        eval_packing=False,
        max_length=longest_row(config, session.files.folder) if config.packing else None,
        # The rows have their ids and labels already; only packing still has something to do.
        dataset_kwargs={"skip_prepare_dataset": not config.packing},
    )
    with explained():
        trainer = SftTrainer(
            model=session.files.load(AutoModelForCausalLM, weights_dtype(config)),
            args=arguments,
            train_dataset=session.data.train,
            eval_dataset=session.data.heldout,
            processing_class=session.files.tokenizer(),
            peft_config=lora_config(config, "CAUSAL_LM"),
        )
    session.train(trainer)
    heldout = session.measure(trainer)
    session.save(trainer)
    return {"heldout": heldout}
