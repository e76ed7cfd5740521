import json

import jsonschema
import pytest
import yaml

from cai.constitution.json_schema import constitution_schema
from cai.constitution.load import shipped_constitutions
from cai.constitution.taxonomy import taxonomy
from cai.json_schema import schema_text
from cai.resources import resource


def test_the_shipped_schema_is_the_generated_one() -> None:
    shipped = resource("constitution", "schema", "constitution.schema.json").read_text(encoding="utf-8")
    assert shipped == schema_text(constitution_schema()), "run `make schema`"


def test_it_is_a_schema_with_hazards_listed_and_every_key_described() -> None:
    schema = constitution_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    rule = schema["$defs"]["Principle"]
    assert rule["properties"]["hazards"]["items"]["enum"] == list(taxonomy().ids)
    for part in (schema, *schema["$defs"].values()):
        assert part["additionalProperties"] is False
        assert all(key.get("description") for key in part["properties"].values())


class _TextDates(yaml.SafeLoader):
    """Editors read YAML 1.2, where a date is text."""


_TextDates.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in rules if not tag.endswith("timestamp")]
    for first, rules in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


@pytest.mark.parametrize("name", shipped_constitutions())
def test_an_editor_finds_nothing_wrong_with_the_shipped_files(name: str) -> None:
    data = yaml.load(resource(name).read_text(encoding="utf-8"), _TextDates)
    jsonschema.validate(json.loads(json.dumps(data)), constitution_schema())


def test_an_editor_marks_a_wrong_hazard() -> None:
    data = yaml.load(resource("constitution", "helpful_honest.yaml").read_text(encoding="utf-8"), _TextDates)
    data["principles"][0]["hazards"] = ["vrc"]
    with pytest.raises(jsonschema.ValidationError, match="vrc"):
        jsonschema.validate(data, constitution_schema())
