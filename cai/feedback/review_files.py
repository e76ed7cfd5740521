"""A file for review in the format of the tool that people use: CSV, JSON lines, Label Studio, Argilla."""

import csv
import io
import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from cai.errors import UsageError
from cai.feedback.formats.flat import quoted
from cai.feedback.review import ReviewItem, rows_for_review
from cai.store.atomic import make_folder, write_text

Row = dict[str, Any]
ANSWERS = ("preferred", "annotator", "note")

_LABELLING_CONFIG = """\
<View>
  <Header value="Which answer is better?"/>
  <Text name="prompt" value="$prompt"/>
  <Pairwise name="preferred" toName="response_a,response_b"/>
  <View style="display: flex; gap: 1em;">
    <View style="flex: 50%;"><Header value="A" size="5"/><Text name="response_a" value="$response_a"/></View>
    <View style="flex: 50%;"><Header value="B" size="5"/><Text name="response_b" value="$response_b"/></View>
  </View>
  <Choices name="tie" toName="prompt" showInLine="true"><Choice value="tie"/></Choices>
  <TextArea name="note" toName="prompt" placeholder="Why? (optional)" maxSubmissions="1"/>
</View>
"""
_ARGILLA_SETTINGS = """\
# Makes the dataset for {file} on an Argilla server, and sends the records. Needs: pip install argilla
import argilla as rg

client = rg.Argilla(api_url="http://localhost:6900", api_key="...")
settings = rg.Settings(
    fields=[rg.TextField(name="prompt"), rg.TextField(name="response_a"), rg.TextField(name="response_b")],
    questions=[
        rg.LabelQuestion(name="preferred", labels=["a", "b", "tie"]),
        rg.TextQuestion(name="note", required=False),
    ],
)
dataset = rg.Dataset(name="review", settings=settings, client=client)
dataset.create()
dataset.records.from_json({file!r})
# When people have answered: dataset.records.to_json("answered.json")
"""


def write_review(
    path: Path, items: Sequence[ReviewItem], name: str | None = None, *, show_ai: bool = False
) -> list[Path]:
    """Write a file for people, and what their tool needs beside it.

    Args:
        path: The file.
        items: What to look at.
        name: Name of the format; by default the suffix says it.
        show_ai: Show what the AI preferred, and why this is worth a look. People follow it: leave it off to measure.

    Returns:
        The files that were written.

    Raises:
        UsageError: The format is not known, or there is a file already, perhaps with somebody's answers.
        StorageError: A file cannot be written.
    """
    format_ = format_for(path, name)
    files = FORMATS[format_](path, rows_for_review(items, show_ai=show_ai))
    there = next((file for file in files if file.exists()), None)
    if there is not None:
        raise UsageError("there is a file already", where=str(there), fix="choose another name, or move it away")
    make_folder(path.parent)
    for file, text in files.items():
        write_text(file, text)
    return list(files)


def format_for(path: Path, name: str | None = None) -> str:
    """The format in which a file for review is to be written.

    Raises:
        UsageError: It is not known, or there is a file already, perhaps with somebody's answers.
    """
    format_ = name or _BY_SUFFIX.get(path.suffix.lower(), "")
    if format_ not in FORMATS:
        fix = f"give --format {', '.join(FORMATS)}, or a file that ends in {', '.join(_BY_SUFFIX)}"
        raise UsageError("it is not clear in which format to write", where=str(path), fix=fix)
    if path.exists():
        raise UsageError("there is a file already", where=str(path), fix="choose another name, or move it away")
    return format_


def transcript(messages: Sequence[dict[str, str]]) -> str:
    """A conversation as people read it: a single turn as it is, several with their speakers."""
    if len(messages) == 1:
        return messages[0]["content"]
    return "\n\n".join(f"{turn['role'].capitalize()}: {turn['content']}" for turn in messages)


def _jsonl(path: Path, rows: Iterable[Row]) -> dict[Path, str]:
    return {path: "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)}


def _csv(path: Path, rows: Iterable[Row]) -> dict[Path, str]:
    text = io.StringIO(newline="")
    writer: Any = None
    for row in rows:
        cells = {**row, "prompt": transcript(row["prompt"])}
        if writer is None:
            writer = csv.DictWriter(text, list(cells), lineterminator="\n")
            writer.writeheader()
        writer.writerow({key: quoted(cell) if isinstance(cell, str) else cell for key, cell in cells.items()})
    return {path: text.getvalue()}


def _label_studio(path: Path, rows: Iterable[Row]) -> dict[Path, str]:
    """Tasks to import, and the labelling interface to paste."""
    tasks = [{"data": {**_asked(row), "prompt": transcript(row["prompt"])}} for row in rows]
    return {path: _pretty(tasks), path.with_suffix(".label-studio.xml"): _LABELLING_CONFIG}


def _argilla(path: Path, rows: Iterable[Row]) -> dict[Path, str]:
    """Records as `dataset.records.from_json` takes them, and a script that makes the dataset."""
    records = []
    for row in rows:
        asked = _asked(row)
        fields = {"prompt": transcript(row["prompt"])} | {key: asked.pop(key) for key in ("response_a", "response_b")}
        del asked["prompt"]
        metadata = {key: value for key, value in asked.items() if value is not None}
        records.append({"id": row["comparison_id"], "fields": fields, "metadata": metadata})
    return {path: _pretty(records), path.with_suffix(".argilla.py"): _ARGILLA_SETTINGS.format(file=path.name)}


def _asked(row: Row) -> Row:
    """A row without the columns that are for the answers."""
    return {key: value for key, value in row.items() if key not in ANSWERS}


def _pretty(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=1) + "\n"


FORMATS: dict[str, Callable[[Path, Iterable[Row]], dict[Path, str]]] = {
    "csv": _csv,
    "jsonl": _jsonl,
    "label-studio": _label_studio,
    "argilla": _argilla,
}
"""Writers by the name of the format: from the file and its rows to the files with their texts."""
_BY_SUFFIX = {".csv": "csv", ".jsonl": "jsonl"}
