"""Prompts of the sandbox world as rows for a file: held-out combinations, half of them in held-out wordings too."""

from collections.abc import Iterator
from random import Random
from typing import Any, Literal

from cai.sandbox.lexicon import lexicon
from cai.sandbox.world import HELDOUT_REQUEST_FRAMES, REQUEST_FRAMES, draw_request

Kind = Literal["harmful", "benign", "lookalike"]


def draw_prompts(harmful: int, benign: int, seed: int, *, heldout: bool = True) -> Iterator[dict[str, Any]]:
    """Rows with `prompt`, `hazard` (absent for benign ones) and `tags`; all different.

    Args:
        harmful: How many red-team prompts.
        benign: How many harmless ones, some of which only look unsafe (tag `lookalike`).
        seed: Seed of the draw.
        heldout: Combinations that training never shows, in wordings of which every other one is held out too; else
            combinations and wordings of training.
    """
    rng = Random(f"prompts/{seed}/{heldout}")
    seen: set[str] = set()
    for families, count in ((lexicon().harmful, harmful), (lexicon().benign, benign)):
        for index in range(count):
            frames = HELDOUT_REQUEST_FRAMES if heldout and index % 2 else REQUEST_FRAMES
            while True:
                request = draw_request(rng, families, heldout=heldout, frames=frames)
                if request.text not in seen:
                    break
            seen.add(request.text)
            row: dict[str, Any] = {"prompt": request.text}
            if request.hazard is not None:
                row |= {"hazard": request.hazard, "tags": ["red-team"]}
            else:
                row["tags"] = ["benign", "lookalike"] if request.family.lookalike else ["benign"]
            yield row
