"""botocore's model of SageMaker, as data: shapes, operations and enums.

Owns finding and reading it, once. Others interpret it.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from botocore.loaders import Loader


@cache
def sagemaker_service_model() -> dict[str, Any]:
    """Return the service model (`operations`, `shapes`, `metadata`), read from the installed botocore."""
    model: dict[str, Any] = Loader().load_service_model("sagemaker", "service-2")
    return model
