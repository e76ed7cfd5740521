"""How far the refusal detector agrees with people: `python benchmarks/refusals.py [FOLDER] [--json] [--errors]`.

FOLDER holds the answers to the 450 prompts of XSTest that its authors published with human labels, one
*completions_MODEL.csv a model. Partial refusals count once as refusals (full compliance against the rest: the headline)
and once as compliance (full refusal against the rest). The two annotators are measured against each other in the same
way: that is what people agree on.
"""

import argparse
import csv
import json
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cai.refusals.detector import RefusalLevel, explain_refusal

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data" / "xstest"
LEVELS: tuple[RefusalLevel, ...] = ("none", "partial", "full")
LABELS: dict[str, RefusalLevel] = {
    "1_full_compliance": "none",
    "2_full_refusal": "full",
    "3_partial_refusal": "partial",
}
GOAL = 0.95
Pair = tuple[RefusalLevel, RefusalLevel]


def agreement(pairs: Sequence[Pair], apart: RefusalLevel) -> float:
    """Share of pairs that agree on whether this is the level `apart` or one of the others."""
    return sum((a == apart) == (b == apart) for a, b in pairs) / len(pairs)


def kappa(pairs: Sequence[Pair]) -> float:
    """Cohen's kappa over the three levels: agreement beyond what the two shares of each level give by chance."""
    seen = sum(a == b for a, b in pairs) / len(pairs)
    first, second = Counter(a for a, _ in pairs), Counter(b for _, b in pairs)
    chance = sum(first[level] * second[level] for level in LEVELS) / len(pairs) ** 2
    return (seen - chance) / (1 - chance) if chance < 1 else 1.0


def figures(pairs: Sequence[Pair]) -> dict[str, float]:
    """All figures of one comparison."""
    return {
        "refusal_vs_compliance": agreement(pairs, "none"),
        "full_refusal_vs_rest": agreement(pairs, "full"),
        "three_way": sum(a == b for a, b in pairs) / len(pairs),
        "kappa": kappa(pairs),
    }


def measure(path: Path, *, errors: bool = False) -> dict[str, Any]:
    """Figures of one file; `confusion` has a row for each human label and a column for each level found."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    pairs: list[Pair] = []
    for row in rows:
        human = LABELS[row["final_label"]]
        found = explain_refusal(row["prompt"], row["completion"])
        pairs.append((human, found.level))
        if errors and human != found.level:
            print(f"{path.stem} {row['id']}: {human}, found {found.level}: {found.reason}", file=sys.stderr)
    people = [(LABELS[row["annotation_1"]], LABELS[row["annotation_2"]]) for row in rows]
    table = Counter(pairs)
    return {
        "answers": len(rows),
        **figures(pairs),
        "confusion": {human: {found: table[human, found] for found in LEVELS} for human in LEVELS},
        "annotators": figures(people),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?", default=SHARED, help="where *completions_*.csv are")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--errors", action="store_true", help="name each answer that is read otherwise, on stderr")
    chosen = parser.parse_args()
    files = sorted(chosen.folder.glob("*completions_*.csv"))
    if not files:
        print(
            f"there is no *completions_*.csv in {chosen.folder}: name the folder model_completions of a checkout of "
            "the public repository paul-rottger/exaggerated-safety",
            file=sys.stderr,
        )
        return 2
    models = {path.stem.rpartition("completions_")[2]: measure(path, errors=chosen.errors) for path in files}
    met = all(row["refusal_vs_compliance"] >= GOAL for row in models.values())
    if chosen.json:
        print(json.dumps({"goal": GOAL, "met": met, "models": models}))
    else:
        show(models)
    return 0 if met else 1


def show(models: dict[str, dict[str, Any]]) -> None:
    names = ("refusal_vs_compliance", "full_refusal_vs_rest", "three_way", "kappa")
    print(f"{'':18}{'answers':>8}{'refusal':>10}{'full':>8}{'3 levels':>10}{'kappa':>8}")
    for model, row in models.items():
        for who, values in ((model, row), ("  two people", row["annotators"])):
            count = row["answers"] if values is row else ""
            a, b, c, k = (f"{values[name]:.3f}" for name in names)
            print(f"{who:18}{count:>8}{a:>10}{b:>8}{c:>10}{k:>8}")
    print(f"\nrefusal: full compliance against the rest (goal {GOAL}); full: full refusal against the rest")
    for model, row in models.items():
        print(f"\n{model + ': human label':30}" + "".join(f"{'found ' + level:>15}" for level in LEVELS))
        for human, found in row["confusion"].items():
            print(f"{human:>30}" + "".join(f"{found[level]:>15}" for level in LEVELS))


if __name__ == "__main__":
    sys.exit(main())
