"""Settings that a file may write in a short form: a text alone, or a list."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pydantic import GetCoreSchemaHandler
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
