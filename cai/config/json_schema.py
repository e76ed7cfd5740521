"""The JSON Schema of a pipeline file."""

from typing import Any

from cai.config.pipeline import PipelineConfig
from cai.json_schema import model_schema, schema_text


def pipeline_schema() -> dict[str, Any]:
    """What `pipelines/schema/pipeline.schema.json` holds."""
    return model_schema(PipelineConfig, "Pipeline")


if __name__ == "__main__":
    print(schema_text(pipeline_schema()), end="")
