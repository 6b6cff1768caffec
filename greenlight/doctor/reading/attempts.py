"""Owns what becomes of a read: a fact, an absence, or why nobody could read it.

A failed read becomes `Unreadable`, with the service's message. So one missing permission costs one fact, not
all.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from greenlight.doctor.facts import Absent, Found, Unreadable
from greenlight.errors import DENIED, THROTTLED, CommandError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from greenlight.doctor.facts import Reading

T = TypeVar("T")

_NOT_THERE: Final = frozenset(
    {
        "404",
        "ImageNotFoundException",
        "NoSuchBucket",
        "NoSuchBucketPolicy",
        "NoSuchEntity",
        "NoSuchKey",
        "NotFoundException",
        "RepositoryNotFoundException",
        "RepositoryPolicyNotFoundException",
        "ResourceNotFoundException",
    }
)
_FORBIDDEN: Final = DENIED | {"403"}
_REFUSAL: Final = re.compile(
    r"not authorized to perform: (?P<action>[\w-]+:\w+)"
    r"(?: on resource: \"?(?P<resource>[^\s\"]+)\"?)?(?: because (?P<because>.*))?"
)
"""IAM user guide, "Troubleshoot access denied error messages"."""

_NOT_THERE_BY_WORDS: Final = {
    "ValidationError": ("does not exist",),
    "ValidationException": ("does not exist", "Cannot find ", "Could not find "),
}
"""CloudFormation and SageMaker use one code for every mistake, including missing things."""


def attempt(call: Callable[[], T | None], *, needs: Mapping[str, Any] | None = None) -> Reading[T]:
    """Make one or several calls, and return the result; None if the thing does not exist.

    Args:
        call: Makes them.
        needs: The statement that allows them, where AWS's refusal does not say what is missing.
    """
    try:
        value = call()
    except ClientError as error:
        code, message = error.response["Error"].get("Code", ""), error.response["Error"].get("Message", "")
        missing = any(words in message for words in _NOT_THERE_BY_WORDS.get(code, ()))
        if code in _NOT_THERE or missing:
            return Absent()
        if code not in _FORBIDDEN:
            return Unreadable(str(error), _remedy(code))
        return _denied(str(error), message, needs)
    except BotoCoreError as error:
        return Unreadable(str(error), "Look after the credentials and the network, and ask again.")
    except CommandError as error:
        return Unreadable(f"{error.fact} {error.cause}", error.next_step)
    return Absent() if value is None else Found(value)


def allowing(resource: str, *actions: str) -> dict[str, Any]:
    """Return a statement that allows actions on a resource."""
    return {"Effect": "Allow", "Action": list(actions), "Resource": resource}


def _denied(error: str, message: str, needs: Mapping[str, Any] | None) -> Unreadable:
    """Say what the caller may not read: AWS names the action, mostly the resource, and sometimes why."""
    found = _REFUSAL.search(message)
    statement = allowing(found["resource"] or "*", found["action"]) if found is not None else needs
    if found is not None:
        on = f" on {found['resource']}" if found["resource"] else ""
        because = f", because {found['because']}" if found["because"] else ""
        error = f"you may not call {found['action']}{on}{because}"
    if statement is None:
        return Unreadable(error, _remedy("AccessDenied"))
    return Unreadable(error, "Add the statement to a policy of your role. Then ask again.", statement)


def _remedy(code: str) -> str:
    """Say what the caller can do about an error."""
    if code in _FORBIDDEN:
        return (
            "Let who runs the doctor read it: docs/accounts.md has the policy for stages, and "
            "docs/command.md the one for a single account. Then ask again."
        )
    if code in THROTTLED:
        return "The service was asked too much at once: ask again in a minute."
    return "Look after what the service says, and ask again."
