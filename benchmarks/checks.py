"""What the checks find in real steps: `python benchmarks/checks.py [FILE] [--json] [--errors]`.

FILE holds the published four-round trajectories of a 52B model (Bai et al. 2022), one a line: `initial_response`, and
`cst` with a critique and a revision a round. Each step is looked at where it stands, and again with critique and
revision swapped, when it must be flagged. The phrases were written with the odd rows in view; what the even rows gave
when they were first read is in docs/checks.md.
"""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from cai.checks.looping import looping
from cai.checks.role_confusion import answers_instead, criticises_instead
from cai.checks.truncated import truncated

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data" / "cai_paper" / "samples" / "LAMDA_SLMADISON.jsonl"
MOST_FLAGGED = 0.02
LEAST_CAUGHT = 0.95
HALVES = ("odd rows", "even rows", "all")


class Round(NamedTuple):
    """One round: the number of its row and its own, the answer before it, the critique, the revision."""

    row: int
    number: int
    before: str
    critique: str
    revision: str


def rounds_of(path: Path) -> Iterator[Round]:
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            row = json.loads(line)
            answer = row["initial_response"][0]["sample"].strip()
            for index, step in enumerate(row["cst"], start=1):
                critique, revision = (step[part]["sample"].strip() for part in ("critique", "revision"))
                yield Round(number, index, answer, critique, revision)
                answer = revision


def findings(round_: Round) -> dict[str, bool]:
    """Each finding by name; `flagged_*` should be False, `caught_*` True."""
    before, critique, revision = round_.before, round_.critique, round_.revision
    return {
        "flagged_critique_role": answers_instead(critique, before),
        "flagged_revision_role": criticises_instead(revision, before, critique),
        "flagged_critique_looping": looping(critique),
        "flagged_revision_looping": looping(revision),
        "truncated_critique": truncated(critique, None),
        "truncated_revision": truncated(revision, None),
        "caught_critique_as_revision": criticises_instead(critique, before, revision),
        "caught_revision_as_critique": answers_instead(revision, before),
    }


def measure(path: Path, *, errors: bool) -> dict[str, dict[str, Any]]:
    """Rounds and counts of findings by half."""
    counts: dict[str, Counter[str]] = {half: Counter() for half in HALVES}
    for round_ in rounds_of(path):
        found = findings(round_)
        for half in (HALVES[1 - round_.row % 2], "all"):
            counts[half]["rounds"] += 1
            counts[half].update({name: int(value) for name, value in found.items()})
        wrong = [name for name, value in found.items() if value == name.startswith(("flagged", "truncated"))]
        if errors and wrong:
            print(f"row {round_.row}, round {round_.number}: {', '.join(wrong)}", file=sys.stderr)
    return {half: dict(count) for half, count in counts.items()}


def met(row: dict[str, Any]) -> bool:
    flagged = max(value for name, value in row.items() if name.startswith("flagged"))
    caught = min(value for name, value in row.items() if name.startswith("caught"))
    return bool(flagged <= MOST_FLAGGED * row["rounds"] and caught >= LEAST_CAUGHT * row["rounds"])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path, nargs="?", default=SHARED, help="the published trajectories")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--errors", action="store_true", help="name each step that is read wrongly, on stderr")
    chosen = parser.parse_args()
    if not chosen.file.is_file():
        print(
            f"there is no {chosen.file}: name the file samples/LAMDA_SLMADISON.jsonl of the public repository "
            "anthropics/ConstitutionalHarmlessnessPaper",
            file=sys.stderr,
        )
        return 2
    halves = measure(chosen.file, errors=chosen.errors)
    reached = met(halves["all"])
    if chosen.json:
        print(json.dumps({"most_flagged": MOST_FLAGGED, "least_caught": LEAST_CAUGHT, "met": reached, **halves}))
    else:
        show(halves)
    return 0 if reached else 1


def show(halves: dict[str, dict[str, Any]]) -> None:
    print(f"{'':30}" + "".join(f"{half:>12}" for half in HALVES))
    for name in halves["all"]:
        print(f"{name.replace('_', ' '):30}" + "".join(f"{halves[half][name]:>12}" for half in HALVES))
    print(
        f"\ngoal: flagged in at most {MOST_FLAGGED:.0%} of the rounds, each kind; caught in at least {LEAST_CAUGHT:.0%}"
    )


if __name__ == "__main__":
    sys.exit(main())
