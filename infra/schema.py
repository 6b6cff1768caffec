"""Owns `endpoints/schema.json`: run `python -m infra.schema` after a change of the settings' keys."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

from infra.settings.endpoint import json_schema

SCHEMA_FILE: Final = Path(__file__).parent.parent / "endpoints" / "schema.json"


def schema_text() -> str:
    """Render the JSON Schema of `endpoints/*.yaml` as it stands in the repository."""
    return json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    SCHEMA_FILE.write_text(schema_text(), encoding="utf-8")
