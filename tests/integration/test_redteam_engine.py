"""Red teaming with the sandbox model on the real engine: few-shots, a check of each prompt, templates, and a second
command that asks nothing."""

import asyncio
import json
from pathlib import Path

import pytest

from cai.config.redteam import RedteamConfig
from cai.data.sources import read
from cai.safety.redteam.run import redteam
from cai.safety.redteam.stats import RedteamStats
from cai.sandbox.prompts import draw_prompts

pytestmark = [
    pytest.mark.engine,
    pytest.mark.timeout(900),
    # Raised inside torch while vLLM imports it; nothing of ours calls it.
    pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning"),
]


def test_the_sandbox_makes_prompts_from_its_own(tmp_path: Path) -> None:
    seeds = tmp_path / "seeds.jsonl"
    seeds.write_text("".join(json.dumps(row) + "\n" for row in draw_prompts(60, 10, seed=79)))
    config = RedteamConfig.model_validate(
        {
            "seeds": str(seeds),
            "engine": {"kind": "vllm", "model": "cai-sandbox", "dtype": "float32", "max_model_len": 2048},
            "sampling": {"max_new_tokens": 48},
            "methods": {"few_shot": 2, "role_play": 1, "escalation": 1},
            "check": {"threshold": 0.01},
            "n": 24,
        }
    )
    out, stats = tmp_path / "new.jsonl", RedteamStats()
    report = asyncio.run(redteam(config, out, stats))
    assert report["kept"] == len(list(read(out))) > 0
    assert report["tries"] == report["kept"] + sum(report["rejected"].values())
    assert stats.usage.generated_tokens > 0
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert all(0.01 <= row["hazard_probability"] <= 1 for row in rows)
    assert {row["method"] for row in rows} >= {"role_play", "escalation"}
    again = RedteamStats()
    assert asyncio.run(redteam(config, out, again)) == report
    assert again.usage.prompt_tokens == 0
