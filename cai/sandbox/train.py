"""Trains the sandbox model from nothing: fixed seeds, steps and shapes, so that one machine repeats itself exactly.

The recipe: Llama architecture, Muon for the matrices and AdamW for the rest, bf16 autocast, cosine decay after a short
warm-up. Checkpoints go to the output folder, so that training goes on where it stopped.
"""

import hashlib
import json
import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random
from typing import Any

import torch
from tokenizers import Tokenizer
from transformers import LlamaConfig, LlamaForCausalLM

from cai.sandbox.batches import Batch, DocumentEncoder, Packer, batches
from cai.sandbox.tokenizer import END, MAX_LENGTH, PAD, build_tokenizer, save_tokenizer

RECORD = "training.json"
"""File beside the weights: settings, version of torch, checksum."""


@dataclass(frozen=True, slots=True)
class TrainSettings:
    """Everything that determines the weights, together with the code and the machine's arithmetic."""

    steps: int = 1800
    second_steps: int = 700
    second_peak: float = 0.5
    rows: int = 10
    length: int = 512
    seed: int = 1
    hidden: int = 256
    layers: int = 4
    heads: int = 4
    feed_forward: int = 704
    matrix_lr: float = 0.02
    other_lr: float = 3e-3
    warmup: int = 60
    checkpoint_every: int = 100
    compiled: bool = True

    @property
    def total_steps(self) -> int:
        """Steps of both cycles."""
        return self.steps + self.second_steps


Progress = Callable[[int, float, float], None]
"""Called after each step with the step (from 1), its loss and the tokens per second so far."""


def new_model(tokenizer: Tokenizer, settings: TrainSettings) -> LlamaForCausalLM:
    """A model with random weights."""
    torch.manual_seed(settings.seed)
    end = tokenizer.token_to_id(END)
    config = LlamaConfig(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=settings.hidden,
        num_hidden_layers=settings.layers,
        num_attention_heads=settings.heads,
        num_key_value_heads=settings.heads,
        intermediate_size=settings.feed_forward,
        max_position_embeddings=MAX_LENGTH,
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=end,
        pad_token_id=tokenizer.token_to_id(PAD),
    )
    return LlamaForCausalLM(config)  # type: ignore[no-untyped-call]


def loss_of(model: LlamaForCausalLM, backbone: Callable[..., Any], batch: Batch) -> torch.Tensor:
    """Weighted mean cross-entropy of the next token; scalar."""
    tokens, weights, positions, documents = (torch.from_numpy(array) for array in batch)
    same = documents[:, :, None] == documents[:, None, :]  # [B, T, T]
    causal = torch.ones(tokens.shape[1], tokens.shape[1], dtype=torch.bool).tril()
    with torch.autocast("cpu", torch.bfloat16):
        hidden = backbone(
            input_ids=tokens, position_ids=positions, attention_mask=(same & causal)[:, None], use_cache=False
        ).last_hidden_state  # [B, T, H]
        counted = weights[:, 1:] > 0
        logits = model.lm_head(hidden[:, :-1][counted])  # [N, V]
    losses = torch.nn.functional.cross_entropy(logits.float(), tokens[:, 1:][counted], reduction="none")
    counts = weights[:, 1:][counted]
    return (losses * counts).sum() / counts.sum()


def optimisers(model: LlamaForCausalLM, settings: TrainSettings) -> tuple[torch.optim.Optimizer, ...]:
    """Muon for the matrices of the layers, AdamW for embeddings and norms."""
    matrices = [p for n, p in model.named_parameters() if p.ndim == 2 and "embed" not in n and "lm_head" not in n]
    chosen = {id(p) for p in matrices}
    others = [p for p in model.parameters() if id(p) not in chosen]
    return (
        torch.optim.Muon(matrices, lr=settings.matrix_lr, momentum=0.95, weight_decay=0.01),
        torch.optim.AdamW(others, lr=settings.other_lr, betas=(0.9, 0.95), weight_decay=0.0),
    )


def _schedule(step: int, settings: TrainSettings) -> float:
    """Factor of the learning rates: a warm-up and a cosine, then a second, lower cosine (Loshchilov & Hutter 2017)."""
    if step < settings.warmup:
        return (step + 1) / settings.warmup
    if step < settings.steps:
        return _cosine((step - settings.warmup) / (settings.steps - settings.warmup))
    return settings.second_peak * _cosine((step - settings.steps) / settings.second_steps)


def _cosine(progress: float) -> float:
    return 0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * progress))


def train_model(out: Path, settings: TrainSettings, progress: Progress) -> Path:
    """Train the model and save it with its tokenizer; returns the model's folder.

    A checkpoint in `out` made with the same settings is continued, the batches before it being drawn again and skipped.
    """
    tokenizer = build_tokenizer()
    model = new_model(tokenizer, settings)
    optims = optimisers(model, settings)
    state_file = out / "checkpoint.pt"
    first = _restore(state_file, model, optims, settings)
    backbone = torch.compile(model.model, dynamic=False) if settings.compiled else model.model
    packer = Packer(DocumentEncoder(tokenizer), Random(f"train/{settings.seed}"), settings.rows, settings.length)
    started = time.perf_counter()
    for step, batch in enumerate(batches(packer, settings.steps, settings.total_steps)):
        if step < first:
            continue
        scale = _schedule(step, settings)
        for optim, lr in zip(optims, (settings.matrix_lr, settings.other_lr), strict=True):
            for group in optim.param_groups:
                group["lr"] = lr * scale
            optim.zero_grad(set_to_none=True)
        loss = loss_of(model, backbone, batch)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for optim in optims:
            optim.step()
        seen = (step + 1 - first) * settings.rows * settings.length
        progress(step + 1, float(loss.detach()), seen / (time.perf_counter() - started))
        if (step + 1) % settings.checkpoint_every == 0:
            _checkpoint(state_file, model, optims, settings, step + 1)
            _save(out / "model", tokenizer, model)
    folder = _save(out / "model", tokenizer, model)
    write_record(folder, settings)
    return folder


def _checkpoint(
    path: Path, model: LlamaForCausalLM, optims: tuple[torch.optim.Optimizer, ...], settings: TrainSettings, step: int
) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".tmp")
    optim_states = [optim.state_dict() for optim in optims]
    torch.save({"step": step, "settings": asdict(settings), "model": model.state_dict(), "optims": optim_states}, draft)
    draft.replace(path)


def _restore(
    path: Path, model: LlamaForCausalLM, optims: tuple[torch.optim.Optimizer, ...], settings: TrainSettings
) -> int:
    """Load a checkpoint; returns the number of steps that it has behind it."""
    if not path.exists():
        return 0
    state = torch.load(path, weights_only=True)
    if state["settings"] != asdict(settings):
        return 0
    model.load_state_dict(state["model"])
    for optim, saved in zip(optims, state["optims"], strict=True):
        optim.load_state_dict(saved)
    step: int = state["step"]
    return step


def _save(folder: Path, tokenizer: Tokenizer, model: LlamaForCausalLM) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    save_tokenizer(tokenizer, folder)
    half = {name: tensor.detach().to(torch.bfloat16) for name, tensor in model.state_dict().items()}
    model.save_pretrained(folder, state_dict=half)
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    config.update(dtype="bfloat16", bos_token_id=None)
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    return folder


def write_record(folder: Path, settings: TrainSettings) -> None:
    """Note beside the weights how they were made, and their checksum."""
    record = {"settings": asdict(settings), "torch": torch.__version__, "sha256": weights_sha256(folder)}
    (folder / RECORD).write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


def weights_sha256(folder: Path) -> str:
    """Checksum of a model's weights; equal for two trainings with the same settings, code and arithmetic."""
    return hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()
