"""Groups SageMaker's endpoint statuses by what they permit. Every status belongs to exactly one group.

Source: botocore shape `DescribeEndpointOutput$EndpointStatus`.
"""

from __future__ import annotations

from typing import Final

MODIFYING: Final = frozenset({"Creating", "Updating", "SystemUpdating", "RollingBack", "Deleting"})
"""SageMaker is at work and refuses every change: wait until the endpoint rests."""

UPDATABLE: Final = frozenset({"InService", "UpdateRollbackFailed"})
"""At rest and serving; `UpdateEndpoint` is permitted, and repairs `UpdateRollbackFailed`."""

FAILED: Final = frozenset({"Failed"})
"""At rest and not serving; only `DeleteEndpoint` is permitted."""

UNDECIDED: Final = frozenset({"OutOfService"})
"""At rest. AWS does not document the permitted calls, so a person decides."""
