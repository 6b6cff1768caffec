"""The schemas that are shipped with the command, and their validator."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import fastjsonschema

from tests.imports import REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Mapping

SCHEMAS = REPOSITORY / "greenlight" / "schemas"


def mistakes(document: Mapping[str, Any], schema: str) -> list[str]:
    """Return how a document differs from a schema, as a reader of the JSON text finds it."""
    validate = fastjsonschema.compile(json.loads((SCHEMAS / f"{schema}.json").read_text()))
    try:
        validate(json.loads(json.dumps(document)))
    except fastjsonschema.JsonSchemaValueException as error:
        return [str(error)]
    return []
