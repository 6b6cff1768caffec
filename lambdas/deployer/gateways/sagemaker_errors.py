"""Narrows SageMaker's errors. Message prefixes: see the error catalogue in docs/fidelity.md."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from botocore.exceptions import ClientError

from deployer.model.excerpts import excerpt

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class RefusedError(Exception):
    """SageMaker refused a request for good: the same request would be refused again."""


class BusyError(Exception):
    """SageMaker refused a change because another one is under way, or has just been made."""


class NotVisibleYetError(Exception):
    """SageMaker does not see what is there already: documented eventual consistency, cured by a retry."""


class ThrottledError(Exception):
    """SageMaker takes no more writes at the moment, botocore's repetitions included; nothing happened."""


NOT_FOUND_ENDPOINT: Final = "Could not find endpoint "
NOT_FOUND_CONFIG: Final = "Could not find endpoint configuration "
NOT_FOUND_MODEL: Final = "Could not find model "
_NOT_FOUND_IN_REGISTRY: Final = "does not exist"
_ALREADY_EXISTS: Final = "Cannot create already existing "
_BUSY: Final = "Cannot update in-progress endpoint "

_THROTTLED: Final = frozenset({"ThrottlingException", "Throttling", "TooManyRequestsException"})

_REFUSALS: Final = frozenset(
    {"ValidationException", "ResourceLimitExceeded", "ResourceInUse", "ResourceNotFound"}
)
"""Codes that a retry of the same request does not cure. Service faults stay botocore's and Lambda's."""


@contextmanager
def narrowed(*, needs: frozenset[str] = frozenset()) -> Iterator[None]:
    """Turn SageMaker's refusals of a write into the deployer's errors.

    Args:
        needs: The names of what the request is built upon, which was created a moment ago.
    """
    try:
        with throttling_told():
            yield
    except ClientError as error:
        if is_error(error, _ALREADY_EXISTS) or is_error(error, _BUSY):
            raise BusyError(excerpt(error_message(error))) from error
        missing = is_error(error, NOT_FOUND_CONFIG) or is_error(error, NOT_FOUND_MODEL)
        if missing and any(each.lower() in error_message(error).lower() for each in needs):
            raise NotVisibleYetError(error_message(error)) from error
        if error_code(error) in _REFUSALS or _is_denied_elsewhere(error):
            raise RefusedError(refusal_text(error)) from error
        raise


@contextmanager
def throttling_told() -> Iterator[None]:
    """Tell a write that was throttled from one that failed."""
    try:
        yield
    except ClientError as error:
        if error_code(error) in _THROTTLED:
            raise ThrottledError(error_message(error)) from error
        raise


@contextmanager
def already_gone(not_found: str) -> Iterator[None]:
    """Take what is not there for what it is: nothing left to do with it."""
    try:
        yield
    except ClientError as error:
        if not is_error(error, not_found):
            raise


@contextmanager
def denied_as_gone(is_gone: Callable[[], bool]) -> Iterator[None]:
    """Take a deletion that is denied for done if what was to be deleted is gone.

    IAM answers before SageMaker does, and what is gone has no tag by which the role may delete it.
    """
    try:
        yield
    except ClientError as error:
        if error_code(error) != "AccessDeniedException" or not is_gone():
            raise


@contextmanager
def registry_refusals() -> Iterator[None]:
    """Turn the registry's refusals into the deployer's error."""
    try:
        yield
    except ClientError as error:
        if error_code(error) in {"ValidationException", "AccessDeniedException", "ConflictException"}:
            raise RefusedError(refusal_text(error)) from error
        raise


def is_error(error: ClientError, prefix: str) -> bool:
    """Tell whether SageMaker refused a request with a message that begins so."""
    return error_code(error) == "ValidationException" and error_message(error).startswith(prefix)


def is_missing_from_registry(error: ClientError) -> bool:
    """Tell whether the registry has no such version or group.

    Seen: a ValidationException that ends so, of Describe calls. What ListModelPackages answers for a group
    that is not there is not known: ResourceNotFound and another spelling mean the same.
    """
    missing = _NOT_FOUND_IN_REGISTRY in error_message(error).lower()
    return error_code(error) == "ResourceNotFound" or (error_code(error) == "ValidationException" and missing)


def _is_denied_elsewhere(error: ClientError) -> bool:
    """Tell whether IAM denies what a request needs of a key or of the models' role, not the request itself.

    Sources: botocore, CreateEndpointConfig (KmsKeyId: the caller's kms:CreateGrant) and CreateModel (the
    caller's iam:PassRole).
    """
    needed = any(each in error_message(error) for each in (" kms:", " iam:PassRole"))
    return error_code(error) == "AccessDeniedException" and needed


def error_code(error: ClientError) -> str:
    """Return the error's code."""
    return error.response["Error"]["Code"]


def error_message(error: ClientError) -> str:
    """Return the error's message."""
    return error.response["Error"]["Message"]


def refusal_text(error: ClientError) -> str:
    """Return the text to report for a refusal. It is cut, as it can quote what others wrote."""
    return excerpt(f"{error_code(error)}: {error_message(error)}")
