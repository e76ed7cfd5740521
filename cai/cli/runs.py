"""`cai status` and `cai inspect`: what a run directory holds, also while the run works."""

import json
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cai.cli.output import show_json
from cai.cli.settings import JsonOption
from cai.errors import UsageError

if TYPE_CHECKING:
    from cai.store.reader import JournalReader, JournalRecord, Session
    from cai.store.run_dir import RunDir

LISTED = 20

RunArgument = Annotated[Path, typer.Argument(help="Run directory.", show_default=False)]


def status(run: RunArgument, as_json: JsonOption = False) -> None:
    """Show how far a run or a recipe is, also while it works."""
    from cai.store.journal import Journal
    from cai.store.run_dir import RunDir

    if (run / "run.json").is_file():
        _show_recipe(run, as_json=as_json)
        return
    place = RunDir.existing(run)
    with Journal.read_only(place.journal_path) as journal:
        row = _status(place, journal)
    if as_json:
        show_json(row)
        return
    from rich.table import Table

    from cai.cli.console import out, safe

    grid = Table.grid(padding=(0, 3))
    for key, value in _flat(row):
        grid.add_row(key.replace("_", " "), safe(value))
    out().print(grid)


def _show_recipe(folder: Path, *, as_json: bool) -> None:
    """The stages of a recipe; the details of one are in its own folder."""
    from dataclasses import asdict

    from cai.recipe.state import RecipeState
    from cai.store.lock import seems_held

    state = RecipeState.read(folder)
    if state is None:
        return
    stages = list(state.stages.values())
    ended = all(stage.status in ("done", "reused") for stage in stages)
    word = "finished" if ended else "working" if seems_held(folder / "lock") else "stopped"
    if as_json:
        rows = [{key: value for key, value in asdict(stage).items() if key != "parts"} for stage in stages]
        show_json({"run_dir": str(folder), "pipeline": state.pipeline, "state": word, "stages": rows})
        return
    from cai.cli.console import out, safe
    from cai.cli.recipe_tables import stages_view

    console = out()
    console.print(safe(f"{folder}: {word}; pipeline {state.pipeline}"), soft_wrap=True)
    console.print(stages_view(stages, "running" if word == "working" else "stopped"))
    begun = next((stage for stage in reversed(stages) if stage.kind == "generate" and stage.started_at), None)
    if begun is not None and begun.out:
        console.print(safe(f"records of the last generation: cai status {shlex.quote(begun.out)}"), soft_wrap=True)


def _status(place: "RunDir", journal: "JournalReader") -> dict[str, Any]:
    from dataclasses import asdict

    from cai.data.counts import ROW_COUNTS, count_run
    from cai.records import Usage

    session = journal.latest_session()
    row: dict[str, Any] = {"run_dir": str(place.path), "state": _state(place, session), "sessions": 0}
    if session is None:
        return row
    counts = asdict(count_run(journal, session.number, None))
    # How many rows there are is known when they are written.
    written = place.read_manifest()["counts"] if place.manifest_path.is_file() and session.ended_at else {}
    counts |= {key: written.get(key) for key in ROW_COUNTS}
    return row | {
        "sessions": session.number,
        "started_at": session.started_at,
        "ended_at": session.ended_at,
        "counts": counts,
        "engine": asdict(sum(journal.usage().values(), Usage())),
        "failed_records": journal.record_ids(session.number, status="failed", limit=LISTED),
    }


def _state(place: "RunDir", session: "Session | None") -> str:
    from cai.store.lock import seems_held

    if session is not None and session.ended_at:
        return "finished"
    return "working" if seems_held(place.path / "lock") else "stopped"


def _flat(row: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Lines for people: groups of numbers one by one, reasons and ids in one line, nothing that is empty."""
    for key, value in row.items():
        if key in ("counts", "engine"):
            yield from _flat(value)
        elif isinstance(value, dict):
            yield from ((key, f"{count} {reason}") for reason, count in value.items())
        elif isinstance(value, list):
            yield from ((key, item) for item in value)
        elif value is not None:
            yield key, str(value)


def inspect(
    run: RunArgument,
    record: Annotated[
        str | None, typer.Argument(metavar="ID", help="Id of a record, or how it begins.", show_default=False)
    ] = None,
    failed: Annotated[bool, typer.Option("--failed", help="Without an ID: list only records that failed.")] = False,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="Without an ID: list at most this many.")] = LISTED,
    as_json: JsonOption = False,
) -> None:
    """Show every step of one record; without an ID, list records."""
    from cai.store.journal import Journal
    from cai.store.run_dir import RunDir

    place = RunDir.existing(run)
    with Journal.read_only(place.journal_path) as journal:
        session = journal.latest_session()
        number = session.number if session else 0
        if record is None:
            found = _listed(journal, journal.record_ids(number, status="failed" if failed else None, limit=limit))
        else:
            one = _find(journal, number, record, place.path)
    if record is None:
        show_json({"records": [_heading(item) for item in found]}) if as_json else _show_list(found)
    elif as_json:
        show_json(_row(one))
    else:
        _show(one)


def _listed(journal: "JournalReader", ids: list[str]) -> "list[JournalRecord]":
    return [record for record_id in ids if (record := journal.record(record_id))]


def _find(journal: "JournalReader", session: int, wanted: str, path: Path) -> "JournalRecord":
    matches = journal.record_ids(session, wanted, limit=6)
    found = journal.record(matches[0]) if len(matches) == 1 else None
    if found:
        return found
    if not matches:
        raise UsageError(
            f"no record has an id that begins with {wanted!r}",
            where=str(path),
            fix=f"cai inspect {shlex.quote(str(path))} lists the ids",
        )
    several = "more than 5" if len(matches) == 6 else str(len(matches))
    raise UsageError(
        f"{several} records begin with {wanted!r}",
        where=str(path),
        fix=f"write more of the id: {', '.join(matches[:5])}",
    )


def _heading(record: "JournalRecord") -> dict[str, Any]:
    outcome = record.outcome
    return {
        "id": record.prompt.id,
        "status": outcome.status if outcome else None,
        "reason": outcome.reason if outcome else None,
        "source": record.prompt.source,
        "prompt": record.prompt.messages[-1].content,
    }


def _show_list(records: "list[JournalRecord]") -> None:
    from rich.table import Table

    from cai.cli.console import out, safe

    grid = Table.grid(padding=(0, 2))
    # The prompt is what is shortened to fit the terminal.
    for narrowest in (16, 12, 20, None):
        grid.add_column(no_wrap=True, overflow="ellipsis", min_width=narrowest, ratio=None if narrowest else 1)
    for row in map(_heading, records):
        ended = row["status"] or "not finished"
        grid.add_row(row["id"], ended, safe(row["source"]), safe(" ".join(row["prompt"].split())))
    out().print(grid)


def _row(record: "JournalRecord") -> dict[str, Any]:
    from dataclasses import asdict

    return {
        "prompt": record.prompt.to_dict(),
        "split": record.split,
        "outcome": asdict(record.outcome) if record.outcome else None,
        "steps": [asdict(step) for _, step in _in_order(record)],
    }


def _in_order(record: "JournalRecord") -> list[tuple[Any, Any]]:
    """Steps as they happened: the draft, each round's critique before its revision, labels and what stands last."""
    rank = {"draft": 0, "critique": 1, "revision": 2, "sample": 3, "label": 4, "trajectory": 5}

    def order(item: tuple[Any, Any]) -> tuple[Any, ...]:
        key = item[0]
        base, _, detail = key.stage.partition("/")
        late = base in ("sample", "label", "trajectory")
        # What leads to a critique comes before it; a verdict on what was written comes after.
        after = detail == "verdict" or not detail
        place = rank.get(base, 9)
        return late, place if late else 0, key.round, place, key.attempt, after, bool(detail), detail

    return sorted(record.steps.items(), key=order)


def _show(record: "JournalRecord") -> None:
    from rich.panel import Panel

    from cai.cli.console import out, safe

    console = out()
    prompt = record.prompt
    about = [f"source {prompt.source}", f"hazard {prompt.hazard or 'none'}", f"tags {', '.join(prompt.tags) or 'none'}"]
    outcome = record.outcome
    ended = "not finished" if outcome is None else outcome.status + (f" ({outcome.reason})" if outcome.reason else "")
    console.print(safe(f"record {prompt.id}: {ended}; split {record.split}; {'; '.join(about)}"))
    for message in prompt.messages:
        console.print(Panel(safe(message.content), title=message.role, title_align="left"))
    for key, step in _in_order(record):
        named = key.stage + (f" {key.round}" if key.round else "")
        title = "what stands" if key.stage == "trajectory" else named
        if key.attempt:
            title += f", draw {key.attempt + 1}"
        if step.body.get("principle_ids"):
            title += f" ({', '.join(step.body['principle_ids'])})"
        if step.status == "failed":
            title += ", failed"
        console.print(Panel(safe(_text(step.body)), title=safe(title), title_align="left"))


def _text(body: dict[str, Any]) -> str:
    if "text" in body:
        return str(body["text"])
    if "texts" in body:
        return "\n\n".join(body["texts"])
    if "label" not in body:
        return json.dumps(body, ensure_ascii=False, indent=2)
    label = body["label"]
    lines = [
        f"A: {body['response_a']}",
        f"B: {body['response_b']}",
        f"probability that A is better: {label['p_a']:.4f} ({label['method']}, label mass {label['label_mass']:.4f}"
        f"{', flipped with the order' if label['flipped'] else ''})",
    ]
    lines += [f"  {v['principle_id']}, shown {v['order']}: {v['p_a']:.4f}" for v in label["votes"]]
    return "\n\n".join(lines[:2]) + "\n\n" + "\n".join(lines[2:])
