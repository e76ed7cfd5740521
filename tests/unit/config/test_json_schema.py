import json

from cai.config.json_schema import pipeline_schema
from cai.resources import resource


def test_the_shipped_schema_is_the_generated_one() -> None:
    shipped = resource("pipelines", "schema", "pipeline.schema.json")
    assert json.loads(shipped.read_text(encoding="utf-8")) == pipeline_schema(), "run `make schema`"
