"""Settings of the training stage, one class a kind. The defaults are those of the papers where these name any."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from cai.config.base import Config

Dtype = Literal["auto", "float32", "bfloat16"]
Positive = Annotated[float, Field(gt=0)]
Share = Annotated[float, Field(ge=0, lt=1)]


class DataSource(Config):
    """Rows to learn from, and how often an epoch shows them."""

    path: str
    """A run directory, a folder of Parquet shards, or one .parquet or .jsonl file. Shards named `eval-*` are held out
    and never trained on."""
    weight: Positive = 1.0
    """Each row comes this many times an epoch; 0.5 takes half of the rows, drawn with the seed."""


class LoraSettings(Config):
    """Train a low-rank adapter beside frozen weights, not the weights themselves."""

    r: Annotated[int, Field(ge=1)] = 16
    """Rank: memory and capacity of the adapter."""
    alpha: Annotated[int, Field(ge=1)] = 32
    """The adapter's output is scaled by alpha / r."""
    dropout: Share = 0.05
    """Share of the adapter's input that each step leaves out; DPO and KTO leave out nothing."""
    targets: tuple[str, ...] = ()
    """Names of the modules that get an adapter; empty means every linear layer but the head."""


class TrainingBase(Config):
    """What every kind of training has."""

    model: str
    """The model to start from: a folder, a name on the hub, or a shipped one. A folder with an adapter is merged
    first."""
    data: Annotated[tuple[DataSource, ...], Field(min_length=1)]
    """Where the rows come from; several sources are mixed by their weights."""
    epochs: Positive = 1.0
    """Passes over the mixed data. More than one soon fits the noise of AI labels."""
    max_steps: Annotated[int, Field(ge=1)] | None = None
    """Stop after this many steps, whatever `epochs` says; the schedule ends there too."""
    learning_rate: Positive
    """Peak rate for full training. A LoRA adapter wants about ten times as much."""
    schedule: Literal["constant", "linear", "cosine"] = "cosine"
    """What becomes of the rate after the warm-up: it stays, or falls to zero."""
    warmup: Share = 0.03
    """Share of the steps over which the rate rises from zero."""
    batch_size: Annotated[int, Field(ge=1)] = 128
    """Rows in a step over all processes. What fits into memory is `micro_batch_size`'s business, not this one's."""
    micro_batch_size: Annotated[int, Field(ge=1)] = 8
    """Most rows that a process takes through the model at once; the rest of a step is accumulated. Lower it when
    memory runs out: the result stays the same."""
    max_length: Annotated[int, Field(ge=8)] = 2048
    """Longest row in tokens, prompt and answer together; the model's own limit holds too."""
    too_long: Literal["drop", "error"] = "drop"
    """What becomes of longer rows: left out and counted in the summary, or an error before training begins. They are
    never cut: an answer without its end teaches not to end."""
    lora: LoraSettings | None = None
    """Train an adapter; without it all weights are trained."""
    dtype: Dtype = "auto"
    """`bfloat16` computes in half precision over float32 weights (under an adapter the frozen weights are half too);
    `auto` is that on a GPU which can do it, else float32."""
    save_dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    """Type of the saved weights; `auto` is that of the model at the start. Half precision rounds away what a very
    small learning rate did."""
    optimizer: str = "adamw_torch_fused"
    """Name of an optimizer as transformers knows it, such as `rmsprop` (which the DPO paper used) or `adafactor`."""
    weight_decay: Annotated[float, Field(ge=0)] = 0.0
    max_grad_norm: Annotated[float, Field(ge=0)] = 1.0
    """Gradients longer than this are shortened to it; 0 leaves them as they are."""
    gradient_checkpointing: bool = False
    """Compute activations twice in place of keeping them: less memory, about a third more time."""
    evaluate: Literal["end", "epoch", "never"] = "end"
    """When the held-out rows are measured. There is no early stopping, so more often only costs time."""
    log_steps: Annotated[int, Field(ge=1)] = 1
    """Steps between two lines of metrics.jsonl."""
    save_steps: Annotated[int, Field(ge=0)] = 200
    """Steps between checkpoints, from which a stopped training goes on; 0 writes none."""
    keep_checkpoints: bool = False
    """Keep the last checkpoint when all is done; it takes three times the size of the model."""
    report_to: tuple[str, ...] = ()
    """Further places for the metrics, as transformers names them: `trackio`, `wandb`, `mlflow`, `tensorboard`."""
    seed: int = 0
    """Seeds the order of rows, dropout, new weights and what fractional weights leave out."""


class SftTraining(TrainingBase):
    """Supervised fine-tuning on completions; prompts are read, not learned."""

    kind: Literal["sft"] = "sft"
    learning_rate: Positive = 1e-5
    schedule: Literal["constant", "linear", "cosine"] = "constant"
    """Constant in the paper, at half of pretraining's rate."""
    packing: bool = False
    """Put several rows into one sequence of `max_length`, each seeing only itself: less padding. Pays with
    flash attention on a GPU; with others the rows are kept apart by a mask that grows with the square of the length."""
    padding_free: bool = False
    """Join the rows of a micro-batch into one sequence without padding; the same holds."""


class RewardTraining(TrainingBase):
    """A reward model: the policy's body with one scalar head, trained on pairs (Bradley-Terry)."""

    kind: Literal["reward"] = "reward"
    learning_rate: Positive = 1e-5
    batch_size: Annotated[int, Field(ge=1)] = 64
    """Pairs in a step over all processes."""
    soft_targets: bool = True
    """Take `p_chosen` as the probability that the chosen answer is better, as the paper does; without it every pair
    counts as certain, and the model grows surer than its teacher."""
    margin: Annotated[float, Field(ge=0)] = 0.0
    """Lead in reward that the better answer of a pair is asked to have: taken off its lead before the loss."""
    dropout: Share = 0.0
    """Dropout before the head, and in the model's body where its architecture has any, against overfitting."""
    truncation_augment: Annotated[float, Field(ge=0, le=1)] = 0.0
    """Probability that a pair's two answers are cut to a random common length, half to all of the shorter one, so that
    the reward does not learn length or endings."""
    center_rewards: Annotated[float, Field(ge=0)] = 0.01
    """Weight of the squared sum of the two rewards, which keeps their mean near zero."""
    clip: Positive | None = None
    """Bound for normalised rewards, in deviations; without it they are not clipped."""
    decided_from: Annotated[float, Field(ge=0.5, le=1)] = 0.6
    """A held-out pair counts for ranking accuracy if its label is at least this sure. Closer ones are ties that no
    reward can rank rightly; they teach that two answers are alike, and count for calibration. 0.5 counts every pair."""


Reference = Literal["precomputed", "copy", "adapter_base"]


class ReferenceSettings(TrainingBase):
    """What training against a reference has: DPO and KTO."""

    beta: Positive = 0.1
    """How dear it is to leave the reference: small values let the policy go far, large ones hold it."""
    reference: Reference = "precomputed"
    """The reference is the model at the start, frozen. `precomputed`: its log-probabilities are taken once, and it
    leaves memory; `copy`: a second model stays in memory; `adapter_base`: the weights under the adapter (LoRA only)."""
    reference_dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    """Type of the reference's weights, where it is a model of its own; `auto` is bfloat16 on a GPU which can do it,
    else float32. Half precision takes half the memory and shifts log-probabilities by some hundredths."""

    @model_validator(mode="after")
    def _an_adapter_has_a_base(self) -> "ReferenceSettings":
        if self.reference == "adapter_base" and self.lora is None:
            raise ValueError("reference is adapter_base, but no adapter is trained: set lora, or use precomputed")
        return self


class DpoTraining(ReferenceSettings):
    """Direct preference optimisation and its family, on pairs."""

    kind: Literal["dpo"] = "dpo"
    learning_rate: Positive = 1e-6
    batch_size: Annotated[int, Field(ge=1)] = 64
    """Pairs in a step over all processes."""
    schedule: Literal["constant", "linear", "cosine"] = "linear"
    warmup: Share = 0.1
    loss: Literal["sigmoid", "ipo", "hinge", "robust"] = "sigmoid"
    """`sigmoid` is the paper's; `ipo` aims at a fixed margin in place of an ever larger one; `hinge` stops at a margin;
    `robust` corrects for a known share of wrong labels (`label_smoothing`)."""
    soft_labels: bool = True
    """Take `p_chosen` as the target, so that a pair of which the judge was unsure is not pushed apart without end; only
    `sigmoid` can. Without it every pair counts as certain."""
    label_smoothing: Annotated[float, Field(ge=0, lt=0.5)] = 0.0
    """Share of labels that are taken to be wrong; only `robust` reads it."""
    sft_weight: Annotated[float, Field(ge=0)] = 0.0
    """Weight of an added loss on the tokens of the chosen answer, which keeps them likely."""

    @model_validator(mode="after")
    def _only_some_losses_are_soft(self) -> "DpoTraining":
        """A loss without soft targets turns them off, unless they were asked for by name."""
        # Before the fields are read this could not be done: what goes through Python then counts as Python's, in which
        # strict validation takes no list for a tuple.
        if self.loss != "sigmoid" and "soft_labels" not in self.model_fields_set:
            object.__setattr__(self, "soft_labels", False)
        return self

    @model_validator(mode="after")
    def _the_loss_knows_its_settings(self) -> "DpoTraining":
        if self.soft_labels and self.loss != "sigmoid":
            raise ValueError(f"the loss {self.loss} knows no soft targets: set soft_labels to false, or use sigmoid")
        if self.label_smoothing and self.loss != "robust":
            raise ValueError("label_smoothing is for the loss robust: set loss to robust, or leave it at 0")
        return self


class KtoTraining(ReferenceSettings):
    """Kahneman-Tversky optimisation: single answers marked good or bad, without pairs."""

    kind: Literal["kto"] = "kto"
    learning_rate: Positive = 1e-6
    batch_size: Annotated[int, Field(ge=2)] = 64
    """Answers in a step over all processes; the divergence is estimated within a micro-batch, so keep that at 4 or
    more."""
    schedule: Literal["constant", "linear", "cosine"] = "linear"
    warmup: Share = 0.1
    desirable_weight: Positive = 1.0
    """Weight of good answers; weight times number should be alike for both sides."""
    undesirable_weight: Positive = 1.0
    """Weight of bad answers."""


TrainConfig = Annotated[SftTraining | RewardTraining | DpoTraining | KtoTraining, Field(discriminator="kind")]
