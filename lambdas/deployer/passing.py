"""Knows what in SageMaker's reasons says that trying again may help, in every spelling seen. Pure."""

from __future__ import annotations

from typing import Final

TROUBLE: Final = {
    "InsufficientInstanceCapacity": "seen: aws/deep-learning-containers PR #6673",
    "Unable to provision requested ML compute capacity": "seen: DIAGNijmegen/rse-grand-challenge #2631",
    "CapacityError": "seen: DIAGNijmegen/rse-grand-challenge #2631, for jobs",
    "does not have sufficient capacity": "EC2 user guide, InsufficientInstanceCapacity",
    "ResourceLimitExceeded": "botocore: UpdateEndpoint; seen: aws/amazon-sagemaker-examples #307",
    "account-level service limit": "seen: aws/amazon-sagemaker-examples #307, the same without its code",
    "Request to service failed": 'SageMaker developer guide, "troubleshooting"',
    "InternalServerError": "seen: aws/sagemaker-python-sdk #70, for jobs",
    "InternalServerException": "spelling of other AWS services",
    "InternalFailure": 'AWS, "Common errors"',
    "We encountered an internal error": "seen: aws/sagemaker-python-sdk #70, for jobs",
    "ServiceUnavailable": 'AWS, "Common errors"',
    "ThrottlingException": "botocore: retries/standard.py",
    "Rate exceeded": "botocore: retries/standard.py",
}
"""Capacity, quotas and faults of the service itself: what says so, in any letter case, and its source."""

_TROUBLE: Final = tuple(each.lower() for each in TROUBLE)

ACCESS: Final = {
    "Could not access model data": "seen: CreateModel (docs/fidelity.md)",
    "does not have BatchGetImage permission": "seen: aws/deep-learning-containers #759",
}
"""What SageMaker says of permissions. IAM's edits take a while to be known everywhere, so that it may be said
for some seconds after a deployment of the stack."""

_ACCESS: Final = tuple(each.lower() for each in ACCESS)


def may_pass(reason: str) -> bool:
    """Tell whether what failed for this reason may succeed later, with nothing changed."""
    said = reason.lower()
    return any(each in said for each in _TROUBLE)


def may_be_early(reason: str) -> bool:
    """Tell whether a refusal may be for a permission that is not known everywhere yet."""
    said = reason.lower()
    return any(each in said for each in _ACCESS)
