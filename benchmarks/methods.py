"""Every critique mode, principle strategy, label method and comparison source on the sandbox: docs/methods.md.

Runs the recipe pipelines/methods.yaml as a user would (`cai run`), with one set of prompts and one seed for all, and
asks the sandbox's oracle. About ten minutes on two cores. What is finished in --out is not made again.

    python benchmarks/methods.py [--json] [--seed 5] [--prompts 100] [--out FOLDER]
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from cai.cli.oracle import oracle_figures
from cai.config.pipeline import PipelineConfig, RunConfig
from cai.config.resolve import load_pipeline
from cai.pipeline.summary import label_stats
from cai.resources import find
from cai.sandbox.prompts import draw_prompts
from cai.store.journal import Journal
from cai.store.run_dir import RunDir

RECIPE = "pipelines/methods.yaml"

Row = dict[str, Any]


def run_recipe(out: Path, prompts: int, seed: int) -> None:
    """`cai run`, on held-out prompts drawn with the seed: so many that ask for harm, and half as many harmless ones."""
    file = out.parent / f"{out.name}-prompts.jsonl"
    file.parent.mkdir(parents=True, exist_ok=True)
    rows = draw_prompts(prompts, prompts // 2, seed)
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    command = [sys.executable, "-m", "cai.cli.main", "run", RECIPE, "--out", str(out), "--json"]
    command += ["--seed", str(seed), "--set", f"prompts={file}"]
    subprocess.run(command, stdout=sys.stderr, check=True)


def figures_of(folder: Path) -> Row:
    """What the oracle and the journal say of one stage."""
    run = RunDir.existing(folder)
    config = RunConfig.model_validate_json(run.config_path.read_text(encoding="utf-8"))
    oracle = oracle_figures(config, folder)
    assert oracle is not None
    with Journal.read_only(run.journal_path) as journal:
        session = journal.latest_session()
        assert session is not None
        labels, _ = label_stats(journal, session.number)
        usage = journal.usage()
    revisions = oracle["by_revision"]
    return {
        "harm": [row["harm_rate"] for row in revisions],
        "benign_answered": [row["benign_answered_rate"] for row in revisions],
        "label_accuracy": oracle["label_accuracy"],
        "labels": labels.labels,
        "flip_rate": labels.flip_rate,
        "label_mass": labels.mean_label_mass,
        "generated_tokens": sum(one.generated_tokens for one in usage.values()),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--seed", type=int, default=5)
    parser.add_argument("--prompts", type=int, default=100, help="red-team prompts, and half as many harmless ones")
    parser.add_argument("--out", type=Path, help="keep everything here")
    chosen = parser.parse_args()
    recipe = load_pipeline(find(RECIPE, "pipelines"), [])
    with tempfile.TemporaryDirectory() as scratch:
        out = chosen.out or Path(scratch) / "methods"
        run_recipe(out, chosen.prompts, chosen.seed)
        rows = {stage.name: figures_of(out / stage.name) for stage in recipe.stages}
    if chosen.json:
        print(json.dumps({"seed": chosen.seed, "prompts": chosen.prompts, "stages": rows}))
    else:
        _show(recipe, rows)


def _show(recipe: PipelineConfig, rows: dict[str, Row]) -> None:
    """A Markdown table."""
    print("| stage | harm | harmless answered | label accuracy | labels | flip rate | label mass | tokens written |")
    print("|---|---|---|---|---|---|---|---|")
    for stage in recipe.stages:
        row = rows[stage.name]
        shown = [_shares(row["harm"]), _shares(row["benign_answered"])]
        shown += [_share(row["label_accuracy"]), str(row["labels"])]
        shown += [_share(row["flip_rate"]), _share(row["label_mass"]), f"{row['generated_tokens']:,}"]
        print(f"| {stage.name} | {' | '.join(shown)} |")


def _shares(values: list[float | None]) -> str:
    return " / ".join(map(_share, values))


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


if __name__ == "__main__":
    main()
