"""The frozen reference of DPO and KTO: a model of its own in memory, or none."""

from transformers import AutoModelForCausalLM, PreTrainedModel

from cai.config.training import ReferenceSettings
from cai.training.setup import ModelFiles, half_precision, named_dtype


def load_reference(config: ReferenceSettings, files: ModelFiles) -> PreTrainedModel | None:
    """The reference as a model of its own; None where the policy itself can stand for it.

    It can before the first step (`precomputed`), and without its adapter at any time. Then both compute in the same
    type, and their log-probabilities are equal to the last digit where nothing has been learned yet.

    Raises:
        TrainingError: The weights do not fit into memory.
    """
    own = config.reference == "copy" or (config.reference == "precomputed" and config.reference_dtype != "auto")
    if not own:
        return None
    name = config.reference_dtype
    if name == "auto":
        name = "bfloat16" if half_precision(config) else "float32"
    reference = files.load(AutoModelForCausalLM, named_dtype(name, files.folder))
    reference.requires_grad_(False)
    reference.train(False)
    return reference
