"""Reads AWS's refusals of calls for an endpoint's upkeep: tags, scaling, alarms. Pure, but for logging.

None of these calls changes what an endpoint serves, so a refusal stops nothing else. It becomes an
`UpkeepRefusedError`, which says what was not done, AWS's reason, and what a person can do.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from botocore.exceptions import ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as Unreachable

from deployer.model.cause import DRAWN, Cause, of_refusal
from deployer.model.excerpts import sentence
from deployer.value import value

if TYPE_CHECKING:
    from collections.abc import Iterator


_BUSY: Final = "Cannot update in-progress endpoint "
"""SageMaker's refusal to change an endpoint while another change is under way: its end brings the deployer
back."""

_MISSING: Final = re.compile(
    r"missing the following permissions?: *(?P<names>[\w:*-]+(?:, *[\w:*-]+)*)", re.IGNORECASE
)
"""Application Auto Scaling tries the caller's permissions, and reports IAM's denials in a
ValidationException. Seen: hashicorp/terraform-provider-aws #46385."""

_ACTION: Final = re.compile(r"not authorized to perform: (?P<name>[\w:*-]+)")
"""Seen in every service's AccessDenied (IAM user guide, "troubleshoot_access-denied")."""


AGAIN: Final = "The deployer tries again by itself, less and less often, and at once after an approval."


@value
class Refusal:
    """What AWS answered.

    Attributes:
        cause: Whose fault it is.
        text: AWS's own words, without random identifiers.
        permissions: The denied actions that the answer names.
    """

    cause: Cause
    text: str
    permissions: tuple[str, ...] = ()

    @classmethod
    def read(cls, error: ClientError | HTTPClientError | Unreachable) -> Refusal:
        """Read an error of botocore's."""
        if not isinstance(error, ClientError):
            return cls(Cause.PASSING, f"{type(error).__name__}: {error}")
        code, message = error.response["Error"]["Code"], error.response["Error"].get("Message", "")
        text = f"{code}: {DRAWN.sub('…', message)}"
        cause = of_refusal(text)
        permissions: tuple[str, ...] = ()
        if found := _MISSING.search(message):
            permissions = tuple(re.split(r", *", found["names"]))
        elif action := _ACTION.search(message):
            permissions = (action["name"],)
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR or message.startswith(_BUSY):
            cause = Cause.PASSING
        return cls(cause, text, permissions)


class UpkeepRefusedError(Exception):
    """Neither the version nor its settings are at fault; the endpoint serves as before.

    AWS refused a call for the endpoint's upkeep, or somebody else holds a name that the deployer needs.

    Attributes:
        refusal: AWS's answer, or the obstacle.
    """

    def __init__(self, message: str, refusal: Refusal) -> None:
        super().__init__(message)
        self.refusal = refusal

    @property
    def is_passing(self) -> bool:
        """Whether it passes by itself, so that no person need act."""
        return self.refusal.cause is Cause.PASSING


def denial(error: Exception) -> str | None:
    """Return the message of AWS's denial of a call that a pass cannot go on without; None for other errors.

    A denial by the journal's table is none of these: nobody could note that it was told.
    """
    if not isinstance(error, ClientError) or error.operation_name in _OF_THE_JOURNAL:
        return None
    refusal = Refusal.read(error)
    if refusal.cause is not Cause.SURROUNDINGS:
        return None
    return f"{error.operation_name} is denied: {sentence(refusal.text)} {_remedy(refusal, '')}"


_OF_THE_JOURNAL: Final = frozenset({"GetItem", "PutItem", "Query", "TransactWriteItems", "UpdateItem"})


@contextmanager
def upkeep_refusals(what: str, *, remedy: str) -> Iterator[None]:
    """Turn a refusal of an upkeep call into the deployer's error.

    Args:
        what: What was not done: a sentence without its full stop.
        remedy: What a person can do if AWS refused the request's content: sentences.

    Raises:
        UpkeepRefusedError: AWS refused it, or did not answer.
    """
    try:
        yield
    except (ClientError, HTTPClientError, Unreachable) as error:
        refusal = Refusal.read(error)
        raise UpkeepRefusedError(
            f"{what}: {sentence(refusal.text)} {_remedy(refusal, remedy)}", refusal
        ) from error


def _remedy(refusal: Refusal, remedy: str) -> str:
    if refusal.cause is not Cause.SURROUNDINGS:
        return f"{remedy} {AGAIN}"
    names = ", ".join(refusal.permissions) or "the action"
    return (
        f"Allow {names} to the deployer's role: deploy the stack again, in case its policy was changed, and "
        f"look for a service control policy or a permissions boundary that denies it. {AGAIN}"
    )
