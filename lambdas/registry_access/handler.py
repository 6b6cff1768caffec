"""The Lambda function's entry point: reads the request, edits with the permitted role, and answers."""

from __future__ import annotations

import logging
import os
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
from registry_access.environment import Environment
from registry_access.grants import KeyGrants
from registry_access.request import EditRequest
from registry_access.roles import session_as
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
_ATTEMPTS_TO_GET_THROUGH: Final = 12
"""A stack edits up to 220 policies, and CloudFormation requests all edits at the same time."""
_BUSY: Final = frozenset(
    {
        "OperationAborted",  # S3: somebody else changes the bucket at this moment
        "RequestLimitExceeded",
        "RequestThrottled",
        "SlowDown",
        "ThrottledException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)
_NOTHING_EDITED: Final = "nothing-edited"
"""The id of a creation that failed before it wrote anything, so that its deletion has nothing to remove."""


@dataclass(frozen=True, slots=True)
class Clients:
    """Make each service's client on its first use: most requests need one."""

    sagemaker: Callable[[], SageMakerClient]
    s3: Callable[[], S3Client]
    ecr: Callable[[], RepositoryPolicies]
    kms: Callable[[], KMSClient]


def clients_of(session: boto3.Session) -> Clients:
    """Make the clients of a session."""
    return Clients(
        sagemaker=cache(lambda: session.client("sagemaker", config=_CONFIG)),
        s3=cache(lambda: session.client("s3", config=_CONFIG)),
        ecr=cache(lambda: session.client("ecr", config=_CONFIG)),
        kms=cache(lambda: session.client("kms", config=_CONFIG)),
    )


@dataclass(slots=True)
class _Attempt:
    """Remember whether the attempt may have written something."""

    wrote: bool = False

    def begin_to_write(self) -> None:
        self.wrote = True


def edit(
    request: EditRequest,
    clients: Clients,
    *,
    account: str,
    pause: Callable[[float], None],
    writing: Callable[[], object],
) -> bool:
    """Carry a request out; tell whether anything changed. `writing` is called before each write.

    Raises:
        MissingTargetError: The resource with the policy does not exist.
        RefusedEditError: The policy was not changed.
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
            grants = KeyGrants(clients.kms(), request.target)
            return grants.bring_in(request.statements, request.owner, writing=writing)
        case never:
            assert_never(never)
    return bring_in(holder, request.statements, request.owner, pause=pause, writing=writing)


def _patiently(editing: Callable[[], bool], pause: Callable[[float], None]) -> bool:
    """Edit, and try again after failures that pass by themselves.

    IAM is eventually consistent, so permissions that the stack has just granted are not known everywhere. A
    throttling service recovers.
    """
    denied = busy = 0
    while True:
        try:
            return editing()
        except ClientError as error:
            code = error.response["Error"].get("Code", "")
            denied += code.startswith("AccessDenied")
            busy += code in _BUSY
            has_waited = denied >= _ATTEMPTS_TO_BE_ALLOWED or busy >= _ATTEMPTS_TO_GET_THROUGH
            if has_waited or not (code.startswith("AccessDenied") or code in _BUSY):
                raise
        pause(SETTLING_SECONDS)


def respond(
    event: Mapping[str, Any],
    environment: Environment,
    clients_as: Callable[[str], Clients],
    *,
    account: str,
    pause: Callable[[float], None],
) -> bytes:
    """Carry out CloudFormation's event and return the answer. Every failure is answered, too.

    Args:
        event: A request of a custom resource.
        environment: The limits that the stack sets.
        clients_as: Makes a role's clients.
        account: The function's account.
        pause: Waits for some seconds.
    """
    standing_id = event.get("PhysicalResourceId", _NOTHING_EDITED)
    if event["RequestType"] == "Delete" and standing_id == _NOTHING_EDITED:
        return answer.body(event, physical_id=standing_id)
    attempt = _Attempt()
    # If the physical id changes, CloudFormation deletes the old one. It also deletes a failed creation. So a
    # creation that wrote nothing gets no id that stands for a policy.
    physical_id = standing_id
    try:
        request = EditRequest.read(event, environment)
        changed = _patiently(
            lambda: edit(
                request,
                clients_as(request.role),
                account=account,
                pause=pause,
                writing=attempt.begin_to_write,
            ),
            pause,
        )
        physical_id = request.physical_id
        logger.info("%s %s: %s", event["RequestType"], physical_id, "changed" if changed else "as it was")
    except MissingTargetError as error:
        if event["RequestType"] == "Delete":
            # The resource took its policy and our statements with it.
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
    if attempt.wrote:
        physical_id = request.physical_id
    logger.error("%s %s: %s", event["RequestType"], physical_id, failure)
    return answer.body(event, physical_id=physical_id, failure=failure)


def _pause(seconds: float) -> None:
    # Two editors of one policy in step would collide again and again. Spreading them out needs no secret.
    time.sleep(seconds * random.uniform(1, 2))  # noqa: S311


environment = Environment.read(os.environ)
sts = boto3.client("sts", config=_CONFIG)


def handler(event: dict[str, Any], context: Any) -> None:  # noqa: ANN401 - Lambda's context has no types here
    """Answer one request of CloudFormation."""
    account = context.invoked_function_arn.split(":")[4]
    said = respond(
        event,
        environment,
        lambda role_arn: clients_of(session_as(sts, role_arn)),
        account=account,
        pause=_pause,
    )
    answer.send(event["ResponseURL"], said)
