"""Names that the stack and the deployer's function share, each written here once. No imports."""

from __future__ import annotations

from typing import Final

SOURCE: Final = "greenlight"
"""The source of the deployer's own events."""

OUTCOME_DETAIL_TYPE: Final = "Greenlight Deployment Outcome"
PART_DETAIL_TYPE: Final = "Greenlight Sweep Part"

STACK_TAG: Final = "greenlight:stack"
ENDPOINT_TAG: Final = "greenlight:endpoint"
