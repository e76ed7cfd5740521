"""A file of feedback into a run: read, joined to the run's comparisons by id or by content, and kept.

The rows wait in a temporary table until the run's comparisons have been streamed past them once. What is not joined
is kept all the same, as a comparison of its own.
"""

import sqlite3
from collections import Counter
from itertools import chain
from pathlib import Path

from cai.errors import FeedbackError
from cai.feedback.columns import Columns
from cai.feedback.compared import Compared, View
from cai.feedback.content import Content, content_of, normalised, well_formed
from cai.feedback.formats.read import entries, format_of
from cai.feedback.import_summary import ImportSummary, Listed
from cai.feedback.judgement import Judgement
from cai.feedback.store import FeedbackStore, forget, messages_in, prompt_text, remove_folder, rows_of
from cai.records import Comparison, Prompt

EQUAL = "the two answers are equal"
UNKNOWN_ID = "the run has no comparison with this id, and the row gives no prompt and answers"
NOT_IN_RUN = "the run has no such comparison"

_PENDING = (
    "CREATE TEMP TABLE pending (number INTEGER, given_id TEXT, key TEXT, a_hash TEXT, b_hash TEXT, joined TEXT,"
    " prompt TEXT, response_a TEXT, response_b TEXT, annotator TEXT, p_a REAL, rating_a REAL, rating_b REAL,"
    " note TEXT, hazard TEXT)"
)
_UNJOINED = (
    "SELECT rowid, number, key, a_hash, prompt, response_a, response_b, hazard FROM pending"
    " WHERE joined IS NULL AND rowid > ? ORDER BY rowid LIMIT ?"
)
_BATCH_ROWS = 256


def import_feedback(
    view: View,
    store: FeedbackStore,
    path: Path,
    name: str = "auto",
    columns: Columns | None = None,
    *,
    replace: bool = False,
    summary: ImportSummary | None = None,
) -> ImportSummary:
    """Take a file into the feedback of a run, whole or not at all; write the rows to train on anew after it.

    Args:
        view: The run.
        store: Its feedback.
        path: The file.
        name: Name of its format; `auto` looks at the first row.
        columns: How the file calls our columns.
        replace: Forget all that was imported before.
        summary: Kept up to date for whoever watches.

    Raises:
        FeedbackError: The file is malformed (says where), or no row has a judgement.
        StorageError: The run or the feedback cannot be read or written.
    """
    summary = summary or ImportSummary(str(path))
    summary.format = format_of(path) if name == "auto" else name
    with store.transaction() as connection:
        if replace:
            forget(connection)
        connection.execute(_PENDING)
        _read(connection, path, columns or Columns(), summary)
        connection.execute("CREATE INDEX temp.pending_id ON pending (given_id)")
        connection.execute("CREATE INDEX temp.pending_key ON pending (key)")
        for compared in view.comparisons():
            _join(connection, compared)
        _keep_own(connection, summary)
        _split_own(connection, view)
        _keep(connection, path.name, summary)
        connection.execute("DROP TABLE temp.pending")
        # Rows that do not follow from what is kept must not be trained on: who is killed now has none.
        remove_folder(rows_of(view.place))
    return summary


def _read(connection: sqlite3.Connection, path: Path, columns: Columns, summary: ImportSummary) -> None:
    reasons: Counter[str] = Counter()
    for number, found in entries(path, summary.format, columns):
        summary.rows += 1
        if isinstance(found, str):
            reasons[found] += 1
            summary.leave_out(number, found)
            continue
        reason = _wait(connection, number, found)
        if reason:
            summary.leave_out(number, reason)
    if not summary.rows:
        raise FeedbackError("the file holds no row", where=str(path), fix="check that it is the right file")
    if sum(reasons.values()) == summary.rows:
        why = "; ".join(f"{count} x {reason}" for reason, count in reasons.most_common(3))
        fix = "check --format, and name the columns with --column OURS=THEIRS"
        raise FeedbackError(f"no row holds a judgement ({why})", where=str(path), fix=fix)


def _wait(connection: sqlite3.Connection, number: int, said: Judgement) -> str | None:
    """Put a judgement into the waiting table; the reason if it is of no use."""
    content = None
    if said.response_a is not None and said.response_b is not None:
        if normalised(said.response_a) == normalised(said.response_b):
            return EQUAL
        content = content_of(said.prompt or (), said.response_a, said.response_b)
    prompt = prompt_text(Prompt.of(said.prompt, "feedback")) if said.prompt else None
    connection.execute(
        "INSERT INTO pending VALUES (?, ?, ?, ?, ?, NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            number,
            said.comparison_id,
            content.key if content and said.prompt else None,
            content.a_hash if content else None,
            content.b_hash if content else None,
            prompt,
            said.response_a,
            said.response_b,
            said.annotator,
            said.p_a,
            said.rating_a,
            said.rating_b,
            said.note,
            said.hazard,
        ),
    )
    return None


def _join(connection: sqlite3.Connection, compared: Compared) -> None:
    """Join the waiting rows that mean this comparison."""
    content = compared.content
    if content.a_hash == content.b_hash:
        return
    found = connection.execute(
        "SELECT rowid, given_id, a_hash, b_hash FROM pending WHERE joined IS NULL AND given_id IN (?, ?)"
        " UNION SELECT rowid, given_id, a_hash, b_hash FROM pending WHERE joined IS NULL AND key = ?",
        (compared.id, compared.swapped_id, content.key),
    ).fetchall()
    matched = False
    for rowid, given_id, a_hash, b_hash in found:
        by_id = given_id in (compared.id, compared.swapped_id)
        first = content.a_hash if given_id == compared.id else content.b_hash
        if {a_hash, b_hash} == {content.a_hash, content.b_hash}:
            first = a_hash
        elif a_hash is not None and a_hash != first and b_hash != _other(content, first):
            # The id is of this comparison, but the answers beside it are others: a row that somebody put together.
            continue
        matched = True
        connection.execute(
            "UPDATE pending SET joined = ?, key = ?, a_hash = ? WHERE rowid = ?",
            ("id" if by_id else "content", content.key, first, rowid),
        )
    if matched:
        _put(connection, content, compared)


def _other(content: Content, first: str) -> str:
    return content.b_hash if first == content.a_hash else content.a_hash


def _put(connection: sqlite3.Connection, content: Content, compared: Compared) -> None:
    """Keep a comparison of the run; one that an earlier import knew as its own becomes the run's.

    It keeps the order of its answers then, for what people said of it goes by that order.
    """
    prompt = compared.prompt
    connection.execute(
        "INSERT INTO comparison VALUES (?, ?, ?, ?, ?, ?, 1, ?, ?, ?) ON CONFLICT (key) DO UPDATE SET"
        " id = excluded.id, prompt_id = excluded.prompt_id, split = excluded.split,"
        " hazard = excluded.hazard, in_run = 1",
        (
            content.key,
            content.a_hash,
            compared.id,
            prompt.id,
            compared.split,
            prompt.hazard,
            prompt_text(prompt),
            well_formed(compared.response_a),
            well_formed(compared.response_b),
        ),
    )


def _keep_own(connection: sqlite3.Connection, summary: ImportSummary) -> None:
    """Rows that no comparison of the run has taken: comparisons of their own, if their texts are there."""
    last = 0
    while rows := connection.execute(_UNJOINED, (last, _BATCH_ROWS)).fetchall():
        for rowid, number, key, a_hash, text, response_a, response_b, hazard in rows:
            last = rowid
            if key is None:
                summary.leave_out(number, UNKNOWN_ID)
                connection.execute("DELETE FROM pending WHERE rowid = ?", (rowid,))
                continue
            prompt = Prompt.of(messages_in(text), "feedback", hazard)
            id_ = Comparison(prompt, response_a, response_b, "imported").id
            connection.execute(
                "INSERT OR IGNORE INTO comparison VALUES (?, ?, ?, ?, 'train', ?, 0, ?, ?, ?)",
                (key, a_hash, id_, prompt.id, hazard, text, response_a, response_b),
            )
            connection.execute("UPDATE pending SET joined = 'own' WHERE rowid = ?", (rowid,))
            summary.list_row(Listed(number, NOT_IN_RUN, prompt.messages[-1].content[:200]))


def _split_own(connection: sqlite3.Connection, view: View) -> None:
    """The splits of all prompts that are not the run's, those of earlier imports too: new ones may link them."""
    rows = connection.execute("SELECT prompt FROM comparison WHERE in_run = 0 GROUP BY prompt_id ORDER BY prompt_id")
    first = rows.fetchone()
    if first is None:
        return
    own = (Prompt.of(messages_in(text), "feedback") for (text,) in chain([first], rows))
    splits = view.splits(own)
    connection.executemany(
        "UPDATE comparison SET split = ? WHERE prompt_id = ? AND in_run = 0",
        ((split, prompt_id) for prompt_id, split in splits.items()),
    )


def _keep(connection: sqlite3.Connection, file: str, summary: ImportSummary) -> None:
    """The judgements, in the order in which the store has the answers. Who is not named gets a name from the file."""
    joined = dict(connection.execute("SELECT joined, COUNT(*) FROM pending GROUP BY joined"))
    summary.joined_by_id, summary.joined_by_content = joined.get("id", 0), joined.get("content", 0)
    summary.own = joined.get("own", 0)
    connection.execute(
        "CREATE TEMP TABLE ready AS SELECT p.rowid AS place, p.key, p.number, p.annotator IS NOT NULL AS named,"
        " COALESCE(p.annotator, ? || '#' || row_number() OVER (PARTITION BY p.key, p.annotator ORDER BY p.rowid))"
        " AS annotator, p.a_hash = c.a_hash AS same, p.p_a, p.rating_a, p.rating_b, p.note"
        " FROM pending p JOIN comparison c ON c.key = p.key",
        (file,),
    )
    before = _count(connection, "judgement")
    known = connection.execute(
        "SELECT COUNT(*) FROM (SELECT DISTINCT r.key, r.annotator FROM ready r JOIN judgement j"
        " ON j.key = r.key AND j.annotator = r.annotator)"
    ).fetchone()[0]
    connection.execute(
        "INSERT INTO judgement SELECT key, annotator, named, CASE WHEN same THEN p_a ELSE 1.0 - p_a END,"
        " CASE WHEN same THEN rating_a ELSE rating_b END, CASE WHEN same THEN rating_b ELSE rating_a END, note, ?,"
        " number FROM ready WHERE true ORDER BY place ON CONFLICT (key, annotator) DO UPDATE SET p_a = excluded.p_a,"
        " rating_a = excluded.rating_a, rating_b = excluded.rating_b, note = excluded.note, file = excluded.file,"
        " number = excluded.number",
        (file,),
    )
    summary.judgements = _count(connection, "judgement")
    summary.comparisons = _count(connection, "comparison")
    summary.corrected = known
    summary.repeated = _count(connection, "ready") - known - (summary.judgements - before)
    connection.execute("DROP TABLE temp.ready")


def _count(connection: sqlite3.Connection, table: str) -> int:
    return int(connection.execute(f"SELECT COUNT(*) FROM {table}").fetchone()[0])  # noqa: S608
