"""Settings that a file may write in a short form: a text alone, or a list."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema

from cai.config.base import Config


@dataclass(frozen=True)
class OrText:
    """Marks settings for which a text alone may stand in a file.

    A validator that runs before would do, but what it has touched is no longer JSON, in which alone a list may be a
    tuple.

    Args:
        meant: The settings that a text stands for.
    """

    meant: Callable[[str], Config]

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        short = core_schema.no_info_after_validator_function(self.meant, core_schema.str_schema())
        return core_schema.tagged_union_schema(
            {"whole": handler(source), "short": short},
            discriminator=lambda value: "short" if isinstance(value, str) else "whole",
        )


@dataclass(frozen=True)
class OrKind:
    """Marks a union told apart by `kind`, in which settings without one are of this kind.

    Args:
        meant: The member of the union that they are.
    """

    meant: type[Config]

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.tagged_union_schema(
            {"whole": handler(source), "short": handler.generate_schema(self.meant)},
            discriminator=lambda value: "short" if isinstance(value, dict) and "kind" not in value else "whole",
        )

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Editors are told of the union alone, in which `kind` has a default anyway."""
        return handler(cast(Any, schema)["choices"]["whole"])
