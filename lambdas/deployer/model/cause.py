"""Decides whose fault it is that something ended badly: one table, with a source for each row. Pure.

The first row whose words are in AWS's text decides, in any letter case. A text without any of them is judged
by where it was said: a refused request is the settings' fault, as they say what it asks for. An endpoint that
did not come into service is its version's fault, as the version is what changed.
"""

from __future__ import annotations

import re
from enum import Enum
from typing import Final

from deployer.value import value


class Cause(Enum):
    """Whose fault it is. The cause decides how long a failure is remembered."""

    VERSION = "version"
    """The version: its image, its archive, its answers."""

    SETTINGS = "settings"
    """The settings: AWS refuses what they ask for."""

    SURROUNDINGS = "surroundings"
    """What is around both: permissions, keys, other people's resources, our own that somebody deleted."""

    PASSING = "passing"
    """The service: capacity, quotas, throttling, internal errors. The same request may succeed later."""


@value
class Row:
    """What AWS says, and whose fault it is then.

    Attributes:
        words: A part of its text.
        cause: Whose fault.
        source: Where the words were seen or are written.
    """

    words: str
    cause: Cause
    source: str


_COMMON: Final = 'AWS, "Common errors"'
_ROLES: Final = 'SageMaker developer guide, "sagemaker-roles": an action that is asked for'
_JOBS: Final = "for jobs"

_PASSING: Final = {
    "InsufficientInstanceCapacity": "seen: aws/deep-learning-containers PR #6673",
    "Unable to provision requested ML compute capacity": "seen: DIAGNijmegen/rse-grand-challenge #2631",
    "CapacityError": f"seen: DIAGNijmegen/rse-grand-challenge #2631, {_JOBS}",
    "does not have sufficient capacity": "EC2 user guide, InsufficientInstanceCapacity",
    "ResourceLimitExceeded": "botocore: UpdateEndpoint; seen: aws/amazon-sagemaker-examples #307",
    "account-level service limit": "seen: aws/amazon-sagemaker-examples #307, the same without its code",
    "Request to service failed": 'SageMaker developer guide, "troubleshooting"',
    "InternalServerError": f"seen: aws/sagemaker-python-sdk #70, {_JOBS}",
    "InternalServerException": "spelling of other AWS services",
    "InternalServiceError": "botocore: the error shapes of CloudWatch",
    "InternalServiceException": "botocore: the error shapes of Application Auto Scaling",
    "InternalServiceFault": "botocore: the error shapes of CloudWatch",
    "InternalFailure": _COMMON,
    "We encountered an internal error": f"seen: aws/sagemaker-python-sdk #70, {_JOBS}",
    "ServiceUnavailable": _COMMON,
    "ConcurrentUpdateException": "botocore: the error shapes of Application Auto Scaling",
    "RequestLimitExceeded": "botocore: retries/standard.py",
    "RequestTimeout": "botocore: retries/standard.py",
    "Throttling": "botocore: retries/standard.py, alone and as `ThrottlingException`",
    "TooManyRequestsException": "botocore: retries/standard.py",
    "Rate exceeded": "botocore: retries/standard.py",
}

REGISTERED_BY_OTHERS: Final = "Somebody else registered its variants for automatic scaling."
"""The deployer's own words: no text of AWS's says whose a registration is."""

_SURROUNDINGS: Final = {
    REGISTERED_BY_OTHERS: "the deployer, once SageMaker refuses an update twice",
    "Could not access model data": "seen: CreateModel, philschmid/llm-sagemaker-sample #2",
    "Failed to download model data": (
        "seen: an endpoint, aws-solutions-library-samples/fraud-detection-using-machine-learning #9"
    ),
    "The execution role ARN": "seen: CreateModel, bentoml/BentoML #892",
    "Could not assume role": f"seen: awslabs/predictive-maintenance-using-machine-learning #3, {_JOBS}",
    "unable to assume the role": f"seen: aws/sagemaker-python-sdk #43, {_JOBS}",
    "sts:AssumeRole": f"seen: astronomer/docs #1695, {_JOBS}",
    "does not have BatchGetImage permission": "seen: an endpoint, aws/deep-learning-containers #759",
    "Please make sure all images included in the model": (
        "seen: an endpoint, aws/amazon-sagemaker-examples #275; the image may as well be missing"
    ),
    "is not authorized to perform": 'IAM user guide, "troubleshoot_access-denied", for every service',
    "You are not authorized to perform this operation": "seen: EC2, serverless/serverless #1966",
    "missing the following permission": (
        "seen: Application Auto Scaling, hashicorp/terraform-provider-aws #46385"
    ),
    "UnauthorizedOperation": "EC2 API reference, common errors",
    "AccessDenied": f"{_COMMON}, S3 and KMS included",
    'Could not find model "': "seen: CreateEndpointConfig, once somebody deleted the model",
    'Could not find endpoint configuration "': "seen: hashicorp/terraform-provider-aws #40048",
    "CreateNetworkInterface": (
        'SageMaker developer guide, "host-vpc": what a role needs for subnets; the words are not known'
    ),
    "kms:": 'botocore: CreateEndpointConfig KmsKeyId, "key-management": actions that are asked for',
    "ecr:": _ROLES,
    "s3:GetObject": _ROLES,
    "s3:ListBucket": _ROLES,
}
"""Most are words for permissions and trust. IAM's edits take a while to be known everywhere, so SageMaker may
say this for some time after the stack's deployment. A missing permission reads the same."""

_VERSION: Final = {
    "did not pass the ping health check": 'SageMaker developer guide, "troubleshooting"',
}

CAUSES: Final = (
    *(Row(words, Cause.PASSING, source) for words, source in _PASSING.items()),
    *(Row(words, Cause.SURROUNDINGS, source) for words, source in _SURROUNDINGS.items()),
    *(Row(words, Cause.VERSION, source) for words, source in _VERSION.items()),
)
"""The table. A reason that may pass comes first: AWS says it also of what else is wrong."""

_BY_WORDS: Final = tuple((each.words.lower(), each.cause) for each in CAUSES)


DRAWN: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
"""A random identifier: Application Auto Scaling tries permissions on resources with random names (seen:
aws-controllers-k8s/community #2110). It is cut, so that the same refusal is not reported again."""


def next_step(text: str) -> str:
    """Return what a person can do about a hindrance, by AWS's text."""
    said = text.lower()
    step = next((step for words, step in _STEPS.items() if words.lower() in said), None)
    return step or "Grant the permission: `greenlight doctor` says what is missing."


_STEPS: Final = {
    'Could not find endpoint configuration "': (
        "Somebody deleted it. The next try makes it again, unless the journal was lost. Then create it with "
        "the endpoint's models, or delete the endpoint, if its callers can wait."
    ),
    'Could not find model "': (
        "Create the deleted model again, as CloudTrail has it (`CreateModel`), with its tags. Or delete the "
        "endpoint, if its callers can wait: it is created again with the version that should serve."
    ),
    REGISTERED_BY_OTHERS: "Deregister them, or leave their instance type as it is.",
    "Please make sure all images included in the model": (
        "Check that the image exists, and that the models' role may pull it: `greenlight doctor` says "
        "what is missing."
    ),
    "model data": (
        "Check that the archive exists, and that the models' role may read it: `greenlight doctor` says "
        "what is missing."
    ),
}
"""Next steps by words of AWS's; for all others a permission is missing."""


def of_refusal(text: str) -> Cause:
    """Return whose fault it is that AWS refused a request with this text, its code included."""
    return _of(text, otherwise=Cause.SETTINGS)


def of_failed_rollout(reason: str) -> Cause:
    """Return whose fault it is that an endpoint did not come into service, by SageMaker's reason."""
    return _of(reason, otherwise=Cause.VERSION)


def of_unanswered_test(error: str) -> Cause:
    """Return whose fault it is that a smoke test's request got no answer of the version, by the error."""
    return _of(error, otherwise=Cause.VERSION)


def _of(text: str, *, otherwise: Cause) -> Cause:
    said = text.lower()
    return next((cause for words, cause in _BY_WORDS if words in said), otherwise)
