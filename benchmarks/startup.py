"""How long the command line takes to start, beside an empty Python: `python benchmarks/startup.py [--json]`.

The three commands take turns, so that whatever else the machine does meets them alike; the median of each counts.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CAI = [sys.executable, "-m", "cai.cli.main"]
COMMANDS = {
    "pass": [sys.executable, "-c", "pass"],
    "help": [*CAI, "--help"],
    "validate": [*CAI, "constitution", "validate", "constitution/sandbox.yaml"],
}
SHOWN = {"pass": "python -c pass", "help": "cai --help", "validate": "cai constitution validate"}
FEWEST = 5


def measure(times: int) -> dict[str, float]:
    """Median of the wall-clock time of each command in milliseconds, over `times` rounds and one that is not counted.

    Raises:
        subprocess.CalledProcessError: A command failed.
    """
    taken: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for turn in range(times + 1):
        for name, command in COMMANDS.items():
            begun = time.perf_counter()
            subprocess.run(
                command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, check=True, capture_output=True
            )
            if turn:
                taken[name].append((time.perf_counter() - begun) * 1000)
    medians = {f"{name}_ms": round(statistics.median(values), 1) for name, values in taken.items()}
    over = {
        f"{name}_over_pass_ms": round(medians[f"{name}_ms"] - medians["pass_ms"], 1) for name in ("help", "validate")
    }
    return medians | over


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--times", type=int, default=11, help=f"rounds, at least {FEWEST} (default 11)")
    parser.add_argument("--json", action="store_true", help="print one JSON object alone")
    arguments = parser.parse_args()
    if arguments.times < FEWEST:
        parser.error(f"--times must be at least {FEWEST}")
    figures = measure(arguments.times)
    if arguments.json:
        print(json.dumps(figures))
        return
    print(f"{'command':<28}{'median ms':>10}{'over pass':>11}")
    for name, shown in SHOWN.items():
        over = figures.get(f"{name}_over_pass_ms")
        print(f"{shown:<28}{figures[f'{name}_ms']:>10.1f}{'' if over is None else f'{over:.1f}':>11}")


if __name__ == "__main__":
    main()
