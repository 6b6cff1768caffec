"""Owns the JSON Schemas with which editors complete and check the settings.

`endpoints/schema.json` is for a complete endpoint; `endpoints/partial.schema.json` is for `defaults.yaml`,
and for endpoints that rely on defaults.

Run `python -m infra.reference.json_schema` after you change the settings' keys or the pinned botocore, whose
SageMaker model defines the overrides.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from botocore.model import ListShape, MapShape, Shape, StringShape, StructureShape

from infra.settings.aws_shapes import shape
from infra.settings.consistency.owned_fields import owned_fields
from infra.settings.keys.endpoint_settings import OF_A_VARIANT, EndpointSettings

SCHEMA_FILE: Final = Path(__file__).parents[2] / "endpoints" / "schema.json"
PARTIAL_SCHEMA_FILE: Final = SCHEMA_FILE.with_name("partial.schema.json")

_OVERRIDDEN: Final = {
    "model": "CreateModelInput",
    "endpoint_config": "CreateEndpointConfigInput",
    "deployment_config": "DeploymentConfig",
}
_KEEPS_APPROVALS_BACK: Final = [
    {"required": ["approvers"]},
    {"required": ["four_eyes"], "properties": {"four_eyes": {"const": True}}},
]
_NUMBERS: Final = {"integer": "integer", "long": "integer", "float": "number", "double": "number"}


def schema_text() -> str:
    """Render the JSON Schema of `endpoints/*.yaml`."""
    return json.dumps(json_schema(), indent=1, ensure_ascii=False) + "\n"


def partial_schema_text() -> str:
    """Render the JSON Schema of `endpoints/defaults.yaml`, and of endpoints that rely on it."""
    schema = json_schema()
    for rule in ("required", "oneOf", "dependentRequired", "allOf"):
        schema.pop(rule, None)
    schema["title"] = "A part of a Greenlight endpoint"
    schema["description"] = "Defaults for all endpoints, or an endpoint that relies on them"
    schema["properties"] = {
        # `null` removes a default.
        name: {"anyOf": [described, {"type": "null"}]}
        for name, described in schema["properties"].items()
    }
    return json.dumps(schema, indent=1, ensure_ascii=False) + "\n"


def json_schema() -> dict[str, Any]:
    """Describe the YAML files to editors, as JSON Schema 2020-12."""
    schema = EndpointSettings.model_json_schema()
    definitions = schema["$defs"]
    for properties in (schema["properties"], *(each["properties"] for each in definitions.values())):
        for described in properties.values():
            # An absent key is fine; an empty one is refused.
            if "anyOf" in described:
                [present] = [option for option in described.pop("anyOf") if option != {"type": "null"}]
                described.update(present)
            described.pop("default", None)
            described.pop("title", None)
    schema["title"] = "A Greenlight endpoint"
    schema["oneOf"] = [{"required": [key]} for key in ("instance_type", "serverless", "variants")]
    schema["dependentRequired"] = {"instance_count": ["instance_type"]}
    schema["allOf"] = [
        {"if": {"required": ["variants"]}, "then": {"properties": dict.fromkeys(OF_A_VARIANT, False)}},
        {"if": {"required": ["shadow"]}, "then": {"anyOf": _KEEPS_APPROVALS_BACK}},
    ]
    for key, shape_name in _OVERRIDDEN.items():
        described = definitions["Overrides"]["properties"][key]
        described.pop("additionalProperties")
        described.pop("type")
        # At the top, `null` is a key without a value; inside, it removes a key.
        described["allOf"] = [{"type": "object"}, _reference(shape(shape_name), key, definitions)]
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def _reference(described: Shape, around: str, definitions: dict[str, Any]) -> dict[str, Any]:
    """Refer to a shape's schema, and add it and all nested shapes to the definitions.

    Nothing is required: an override is merged with the result of the other keys.
    """
    if isinstance(described, StructureShape):
        if described.name not in definitions:
            definitions[described.name] = schema = {"type": ["object", "null"], "additionalProperties": False}
            schema["properties"] = {
                name: _reference(member, name, definitions)
                for name, member in described.members.items()
                if (around, name) not in owned_fields()
            }
        return {"$ref": f"#/$defs/{described.name}"}
    if isinstance(described, StringShape) and described.metadata.get("enum"):
        definitions[described.name] = {"enum": [*described.metadata["enum"], None]}
        return {"$ref": f"#/$defs/{described.name}"}
    if isinstance(described, ListShape):
        items = _reference(described.member, around, definitions)
        return {"type": ["array", "null"], "items": items, **_limits(described, "minItems", "maxItems")}
    if isinstance(described, MapShape):
        values = _reference(described.value, around, definitions)
        return {"type": ["object", "null"], "additionalProperties": values}
    if isinstance(described, StringShape):
        return {"type": ["string", "null"], **_limits(described, "minLength", "maxLength")}
    if described.type_name in _NUMBERS:
        kind = _NUMBERS[described.type_name]
        return {"type": [kind, "null"], **_limits(described, "minimum", "maximum")}
    return {"type": ["boolean", "null"]}


def _limits(described: Shape, lowest: str, highest: str) -> dict[str, Any]:
    named = {lowest: described.metadata.get("min"), highest: described.metadata.get("max")}
    return {name: limit for name, limit in named.items() if limit is not None}


if __name__ == "__main__":
    SCHEMA_FILE.write_text(schema_text(), encoding="utf-8")
    PARTIAL_SCHEMA_FILE.write_text(partial_schema_text(), encoding="utf-8")
