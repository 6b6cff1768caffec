"""Narrows SageMaker's errors. Message prefixes: see the error catalogue in docs/fidelity.md."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from botocore.exceptions import ClientError

from deployer.model.cause import Cause, of_refusal
from deployer.model.excerpts import excerpt

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class RefusedError(Exception):
    """SageMaker refused a request for good: the same request would be refused again."""

    @property
    def cause(self) -> Cause:
        """Whose fault it is."""
        return of_refusal(str(self))


class BusyError(Exception):
    """SageMaker refused a change because another one is under way, or has just been made."""


class NotVisibleYetError(Exception):
    """SageMaker does not see an existing resource yet (documented eventual consistency): a retry helps."""


class ThrottledError(Exception):
    """SageMaker throttled a write and all of botocore's retries. Nothing has changed."""


NOT_FOUND_ENDPOINT: Final = "Could not find endpoint "
NOT_FOUND_CONFIG: Final = "Could not find endpoint configuration "
NOT_FOUND_MODEL: Final = "Could not find model "
_NOT_FOUND_IN_REGISTRY: Final = "does not exist"
_ALREADY_EXISTS: Final = "Cannot create already existing "
_BUSY: Final = "Cannot update in-progress endpoint "

_THROTTLED: Final = frozenset({"ThrottlingException", "Throttling", "TooManyRequestsException"})

_REFUSALS: Final = frozenset(
    {
        "AccessDeniedException",
        "ValidationException",
        "ResourceLimitExceeded",
        "ResourceInUse",
        "ResourceNotFound",
    }
)
"""Codes that no retry of the same request cures within seconds. botocore and Lambda retry service faults."""


@contextmanager
def narrowed(*, needs: frozenset[str] = frozenset()) -> Iterator[None]:
    """Turn SageMaker's refusals of a write into the deployer's errors.

    Args:
        needs: The names of the resources that the request uses, created a moment ago.
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
        if error_code(error) in _REFUSALS:
            raise RefusedError(refusal_text(error)) from error
        raise


@contextmanager
def throttling_told() -> Iterator[None]:
    """Turn a throttled write into a `ThrottledError`."""
    try:
        yield
    except ClientError as error:
        if error_code(error) in _THROTTLED:
            raise ThrottledError(error_message(error)) from error
        raise


@contextmanager
def already_gone(not_found: str) -> Iterator[None]:
    """Accept that a resource to delete does not exist."""
    try:
        yield
    except ClientError as error:
        if not is_error(error, not_found):
            raise


@contextmanager
def denied_as_gone(is_gone: Callable[[], bool]) -> Iterator[None]:
    """Accept a denied deletion if its resource does not exist.

    IAM answers before SageMaker does, and a missing resource has no tag that permits the deletion.
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
    """Tell whether SageMaker refused a request with a message of this beginning."""
    return error_code(error) == "ValidationException" and error_message(error).startswith(prefix)


def is_missing_from_registry(error: ClientError) -> bool:
    """Tell whether the registry has no such version or group.

    Seen from Describe calls: a ValidationException with this end. The answer of ListModelPackages for a
    missing group is not known, so ResourceNotFound and another spelling count, too.
    """
    missing = _NOT_FOUND_IN_REGISTRY in error_message(error).lower()
    return error_code(error) == "ResourceNotFound" or (error_code(error) == "ValidationException" and missing)


def error_code(error: ClientError) -> str:
    """Return the error's code."""
    return error.response["Error"]["Code"]


def error_message(error: ClientError) -> str:
    """Return the error's message."""
    return error.response["Error"]["Message"]


def refusal_text(error: ClientError) -> str:
    """Return the text to report for a refusal, cut, as it can quote what others wrote."""
    return excerpt(f"{error_code(error)}: {error_message(error)}")
