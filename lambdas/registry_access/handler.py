"""The Lambda function's entry point: builds the clients once, then reads the request, edits and answers."""

from __future__ import annotations

import logging
import random
import time
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Final, assert_never

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from registry_access import answer
from registry_access.editing import SETTLING_SECONDS, MissingTargetError, RefusedEditError, bring_in
from registry_access.grants import KeyGrants
from registry_access.request import EditRequest
from registry_access.targets import BucketPolicy, GroupPolicy, KeyPolicy, RepositoryPolicy

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mypy_boto3_kms import KMSClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sagemaker import SageMakerClient

    from registry_access.editing import PolicyHolder
    from registry_access.targets import RepositoryPolicies

logger = logging.getLogger("registry_access")
logger.setLevel(logging.INFO)

_CONFIG: Final = Config(
    retries={"mode": "standard", "total_max_attempts": 3}, connect_timeout=3, read_timeout=10
)

_ATTEMPTS_TO_BE_ALLOWED: Final = 6
_UNREADABLE: Final = "unreadable"
"""Stands for a request that could not be read: nothing was edited for it, and nothing is to be removed."""


@dataclass(frozen=True, slots=True)
class Clients:
    """Make each service's client when it is first asked for: most requests need one."""

    sagemaker: Callable[[], SageMakerClient]
    s3: Callable[[], S3Client]
    ecr: Callable[[], RepositoryPolicies]
    kms: Callable[[], KMSClient]


def _build() -> Clients:
    session = boto3.Session()
    return Clients(
        sagemaker=cache(lambda: session.client("sagemaker", config=_CONFIG)),
        s3=cache(lambda: session.client("s3", config=_CONFIG)),
        ecr=cache(lambda: session.client("ecr", config=_CONFIG)),
        kms=cache(lambda: session.client("kms", config=_CONFIG)),
    )


def edit(request: EditRequest, clients: Clients, *, account: str, pause: Callable[[float], None]) -> bool:
    """Carry a request out; tell whether anything changed.

    Raises:
        MissingTargetError: What has the policy does not exist.
        RefusedEditError: The policy was left as it was.
        ClientError: A service refused a call.
    """
    holder: PolicyHolder
    match request.kind:
        case "group":
            holder = GroupPolicy(clients.sagemaker(), request.target)
        case "bucket":
            holder = BucketPolicy(clients.s3(), request.target, account)
        case "repository":
            holder = RepositoryPolicy(clients.ecr(), request.target)
        case "key":
            holder = KeyPolicy(clients.kms(), request.target)
        case "key-grants":
            return KeyGrants(clients.kms(), request.target).bring_in(request.statements, request.owner)
        case never:
            assert_never(never)
    return bring_in(holder, request.statements, request.owner, pause=pause)


def _patiently(
    request: EditRequest, clients: Clients, *, account: str, pause: Callable[[float], None]
) -> bool:
    """Edit, and wait for permissions that the stack has only just given: IAM is eventually consistent."""
    for _ in range(_ATTEMPTS_TO_BE_ALLOWED - 1):
        try:
            return edit(request, clients, account=account, pause=pause)
        except ClientError as error:
            if not error.response["Error"].get("Code", "").startswith("AccessDenied"):
                raise
        pause(SETTLING_SECONDS)
    return edit(request, clients, account=account, pause=pause)


def respond(
    event: Mapping[str, Any], clients: Clients, *, account: str, pause: Callable[[float], None]
) -> bytes:
    """Carry an event of CloudFormation's out and write the answer; no failure of it is left unanswered."""
    physical_id = event.get("PhysicalResourceId", _UNREADABLE)
    if event["RequestType"] == "Delete" and physical_id == _UNREADABLE:
        return answer.body(event, physical_id=physical_id)
    try:
        request = EditRequest.read(event)
        physical_id = request.physical_id
        changed = _patiently(request, clients, account=account, pause=pause)
        logger.info("%s %s: %s", event["RequestType"], physical_id, "changed" if changed else "as it was")
    except MissingTargetError as error:
        if event["RequestType"] == "Delete":
            # With it went its policy, and in it our statements.
            logger.info("%s %s: %s", event["RequestType"], physical_id, error)
            return answer.body(event, physical_id=physical_id)
        failure = f"{error} Create it first, or take it out of the context key registry."
    except RefusedEditError as error:
        failure = str(error)
    except ClientError as error:
        failure = f"{error} (nothing was lost: deploy again once the cause is mended)"
    except (BotoCoreError, ValueError, KeyError) as error:
        failure = f"{type(error).__name__}: {error}"
    else:
        return answer.body(event, physical_id=physical_id)
    logger.error("%s %s: %s", event["RequestType"], physical_id, failure)
    return answer.body(event, physical_id=physical_id, failure=failure)


def _pause(seconds: float) -> None:
    # Two editors of one policy that keep step would keep meeting. Spreading them out needs no secret.
    time.sleep(seconds * random.uniform(1, 2))  # noqa: S311


clients = _build()


def handler(event: dict[str, Any], context: Any) -> None:  # noqa: ANN401 - Lambda's context has no types here
    """Answer one request of CloudFormation's."""
    account = context.invoked_function_arn.split(":")[4]
    answer.send(event["ResponseURL"], respond(event, clients, account=account, pause=_pause))
