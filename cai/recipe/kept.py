"""The prompts that a generate stage kept for evaluation, as a file that other stages can read."""

import json
from pathlib import Path

from cai.errors import UsageError
from cai.recipe.plan import PlannedStage
from cai.store.atomic import make_folder, write_text
from cai.store.journal import Journal
from cai.store.run_dir import RunDir


def kept_text(run: Path) -> str:
    """The prompts of a run's latest session whose split is `eval`, by id, one JSON object a line.

    Raises:
        UsageError: There is no run, or it kept no prompts.
        StorageError: The journal cannot be read.
    """
    rows = []
    with Journal.read_only(RunDir.existing(run).journal_path) as journal:
        session = journal.latest_session()
        for record in journal.records(session.number) if session else ():
            if record.split == "eval":
                row = record.prompt.to_dict()
                rows.append({key: row[key] for key in ("messages", "hazard", "tags")})
    if not rows:
        fix = "raise generate.split.eval of that stage, or name a file of prompts"
        raise UsageError("this run kept no prompts for evaluation", where=str(run), fix=fix)
    return "".join(json.dumps(row) + "\n" for row in rows)


def write_kept(stage: PlannedStage, folder: Path) -> None:
    """Write the files of kept prompts that a stage reads.

    Args:
        stage: The stage that reads them.
        folder: The recipe's folder.

    Raises:
        UsageError, StorageError: As `kept_text`; or a file cannot be written.
    """
    for found in stage.reads:
        if found.kind == "prompts" and found.stage is not None:
            make_folder(Path(found.path).parent)
            write_text(Path(found.path), kept_text(folder / found.stage))
