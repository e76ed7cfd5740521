"""Our other columns on their way through a foreign file, so that nothing is lost.

In Parquet they stay columns of their own. In JSON lines they lie in one column `cai`, as a JSON text: the readers of
most trainers guess types from the first rows, and would stumble over a hazard that is null in these and a text later.
"""

import json
from collections.abc import Iterable

import pyarrow as pa

from cai.data.formats.base import NewRow, Row
from cai.data.tables import PREFERENCE_SCHEMA, SFT_SCHEMA

COLUMN = "cai"
CONTENT = ("prompt", "completion", "chosen", "rejected")
"""What a trainer learns from; all other columns of ours are provenance."""

RL_COLUMNS = ("prompt_id", "hazard", "tags")
"""What is known of a prompt alone."""


def names_of(schema: pa.Schema, without: Iterable[str] = ()) -> list[str]:
    """The provenance columns of a schema."""
    return [name for name in schema.names if name not in CONTENT and name not in without]


def fields_of(schema: pa.Schema, names: Iterable[str]) -> list[pa.Field]:
    """The fields of some columns."""
    return [schema.field(name) for name in names]


def columns(row: Row, names: Iterable[str]) -> NewRow:
    """Some columns of a row, as they are."""
    return {name: row[name] for name in names}


def packed(row: Row, names: Iterable[str]) -> NewRow:
    """Some columns of a row, in the one column `cai`."""
    return {COLUMN: json.dumps(columns(row, names), ensure_ascii=False, separators=(",", ":"))}


def unpacked(row: Row) -> NewRow:
    """The columns that `packed` put away."""
    found = json.loads(row[COLUMN])
    return dict(found)


SFT_NAMES = names_of(SFT_SCHEMA)
PREFERENCE_NAMES = names_of(PREFERENCE_SCHEMA, without=("p_chosen",))


def margin(p_chosen: float) -> float:
    """How much better the chosen answer is, from 0 (a tie) to 1 (certain): the difference of the two probabilities.

    It is the scale of the smaller margins of Touvron et al. 2023, *Llama 2* (arXiv 2307.09288), table 27, in which the
    clearest preference has 1 and the faintest 0.
    """
    return 2.0 * p_chosen - 1.0
