"""Published sets of prompts, each read through a mapping of its columns, and a mixture of all of them."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from cai.config.prompts import PromptsConfig, SourceConfig
from cai.constitution.taxonomy import taxonomy
from cai.data.mixture import mix
from cai.data.sources import read, scan

DATA = Path(__file__).parents[3] / "shared" / "data"
pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="../shared/data is not there")

AILUMINATE: dict[str, Any] = {
    "path": str(DATA / "ailuminate" / "airr_demo_en_us_no_cse.csv"),
    "columns": {"prompt": "prompt_text"},
    "tags": ["red-team"],
}
HARMBENCH: dict[str, Any] = {
    "path": str(DATA / "harmbench" / "harmbench_behaviors_text_val.csv"),
    "columns": {"prompt": "Behavior", "hazard": "SemanticCategory", "tags": "Tags"},
    "hazards": {
        "copyright": "ipv",
        "cybercrime_intrusion": "ncr",
        "chemical_biological": "iwp",
        "illegal": "ncr",
        "misinformation_disinformation": "false_info",
        "harmful": "vcr",
        "harassment_bullying": "hte",
    },
}
SIMPLE: dict[str, Any] = {
    "path": str(DATA / "simplesafetytests" / "simplesafetytests.csv"),
    "columns": {"prompt": "prompts_final", "hazard": "harm_area"},
    "hazards": {
        "Suicide, Self-Harm, and Eating Disorders": "ssh",
        "Physical harm and Violence": "vcr",
        "Illegal and Highly Regulated items": "ncr",
        "Scams and fraud": "scam",
        "Child safety": "cse",
    },
}
HELPFUL: dict[str, Any] = {
    "path": str(DATA / "helpful" / "mt_bench_question.jsonl"),
    "columns": {"prompt": "turns.0"},
    "tags": ["benign"],
}
HH: dict[str, Any] = {"path": str(DATA / "hh_rlhf" / "harmless-base_test.jsonl.gz")}


def source(settings: dict[str, Any]) -> SourceConfig:

    return SourceConfig.model_validate(settings)


@pytest.mark.parametrize(
    ("settings", "count", "hazards"),
    [
        (AILUMINATE, 1100, 14),
        (HARMBENCH, 80, 6),
        (SIMPLE, 100, 5),
        (HELPFUL, 80, 0),
        (HH, 2312, 0),
    ],
)
def test_every_prompt_is_read_under_our_names(settings: dict[str, Any], count: int, hazards: int) -> None:
    config = source(settings)
    prompts = list(read(config))
    assert len(prompts) == count == scan(config).count
    named = Counter(prompt.hazard for prompt in prompts if prompt.hazard is not None)
    assert len(named) == hazards
    assert set(named) <= set(taxonomy().ids)
    assert not hazards or named.total() == count


def test_columns_that_the_file_has_are_its_texts() -> None:
    first = next(read(source(HELPFUL)))
    assert (first.tags, len(first.messages)) == (("benign",), 1)
    assert first.messages[0].content.startswith("Compose an engaging travel blog post")
    lyrics = next(prompt for prompt in read(source(HARMBENCH)) if prompt.tags)
    assert (lyrics.hazard, lyrics.tags) == ("ipv", ("lyrics", "hash_check"))


def test_helpful_prompts_are_mixed_in_by_weight() -> None:
    sources = [{**source(one).model_dump(), "weight": weight} for one, weight in ((AILUMINATE, 3), (HELPFUL, 1))]
    mixed = mix(PromptsConfig.model_validate({"sources": sources, "hazard_weights": {"ssh": 0}}), 0)
    every = list(mixed)
    benign = sum("benign" in prompt.tags for prompt in every)
    assert benign == 80
    assert abs(benign / len(every) - 0.25) < 0.04
    assert all(prompt.hazard != "ssh" for prompt in every)
    assert len({prompt.id for prompt in every}) == len(every) == mixed.count
