"""Owns how the command fails: three lines for a person, and an exit code for a script.

Every error says a fact, its cause, and the next step. No traceback reaches anybody.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Any, Final

from greenlight.addressing import addressed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from botocore.exceptions import BotoCoreError, ClientError


class ExitCode(IntEnum):
    """The command's exit codes; docs/command.md explains them."""

    FINE = 0
    BAD_NEWS = 1
    """The answer is bad news: a rollout failed, or something is not in sync where that was asked."""

    USAGE = 2
    """The words or the input are wrong."""

    AWS = 3
    """AWS refused a call, or could not be reached."""

    TIMEOUT = 4
    INTERRUPTED = 130


class CommandError(Exception):
    """Say in three lines why the command cannot go on.

    Args:
        fact: What is so.
        cause: Why.
        next_step: What to do now.
        code: The exit code.
    """

    def __init__(self, fact: str, cause: str, next_step: str, *, code: ExitCode = ExitCode.USAGE) -> None:
        super().__init__(fact)
        self.fact = fact
        self.cause = cause
        self.next_step = next_step
        self.code = code

    def document(self) -> dict[str, Any]:
        """Return the error as `--json` shows it."""
        step = addressed(self.next_step)
        error = {"fact": self.fact, "cause": self.cause, "next": step, "exit_code": int(self.code)}
        return {"format": 1, "error": error}


@dataclass(frozen=True, slots=True)
class Addressee:
    """Whom the command asks, for messages.

    Attributes:
        profile: The AWS profile; None for the default one.
        region: The region; None if none is known.
        stack: The stack's name.
    """

    profile: str | None
    region: str | None
    stack: str

    @property
    def options(self) -> str:
        """The AWS CLI's options for the same profile, with a space before them."""
        return f" --profile {self.profile}" if self.profile else ""


_EXPIRED: Final = frozenset({"ExpiredToken", "ExpiredTokenException", "RequestExpired"})
_UNKNOWN_KEYS: Final = frozenset(
    {
        *("InvalidClientTokenId", "UnrecognizedClientException", "InvalidAccessKeyId", "AuthFailure"),
        *("SignatureDoesNotMatch", "InvalidSignatureException", "InvalidSignature", "IncompleteSignature"),
    }
)
DENIED: Final = frozenset(
    {"AccessDenied", "AccessDeniedException", "AuthorizationError", "UnauthorizedOperation"}
)
THROTTLED: Final = frozenset(
    {
        *("Throttling", "ThrottlingException", "ThrottledException", "RequestLimitExceeded"),
        *(
            "TooManyRequestsException",
            "ProvisionedThroughputExceededException",
            "RequestThrottled",
            "SlowDown",
        ),
    }
)


def refused(error: ClientError, whom: Addressee) -> CommandError:
    """Explain an answer of AWS's that is an error."""
    answer: Mapping[str, Any] = error.response.get("Error", {})
    code, said = str(answer.get("Code", "")), str(answer.get("Message", "")).strip()
    operation = error.operation_name
    why = f"AWS answers {code}: {said}" if said else f"AWS answers {code}."
    if code in _EXPIRED:
        fact, step = (
            "Your AWS credentials have expired.",
            f"Get new ones, such as by: aws sso login{whom.options}",
        )
    elif code in _UNKNOWN_KEYS:
        fact = "AWS does not accept your credentials."
        step = f"See whose they are: aws sts get-caller-identity{whom.options}"
    elif code in DENIED:
        fact = f"You may not call {operation}."
        step = (
            "Have a policy attached to your role: the outputs ViewerPolicyArn and OperatorPolicyArn of the "
            f"stack {whom.stack} name them. docs/command.md lists what each verb calls."
        )
    elif code in THROTTLED:
        fact = f"AWS throttles {operation}, and four tries did not help."
        step = "Try again in a minute. Others may be calling the same service."
    else:
        fact, step = (
            f"AWS refuses {operation}.",
            "Try again. If AWS repeats its answer, remove the cause that it names.",
        )
    return CommandError(fact, why, step, code=ExitCode.AWS)


def unreached(error: BotoCoreError, whom: Addressee) -> CommandError:
    """Explain why a call did not even reach AWS, or why no answer came."""
    kind, said = type(error).__name__, " ".join(str(error).split())
    region = whom.region or "no region"
    match kind:
        case "NoCredentialsError" | "PartialCredentialsError" | "CredentialRetrievalError":
            fact, step = (
                "There are no AWS credentials.",
                "Name a profile with --profile, or run: aws configure sso",
            )
        case "ProfileNotFound":
            fact, step = (
                f"There is no AWS profile {whom.profile}.",
                "See which there are: aws configure list-profiles",
            )
        case "NoRegionError" | "InvalidRegionError":
            fact, step = (
                "No usable AWS region is known.",
                "Name it with --region, such as: --region eu-central-1",
            )
        case _ if "SSO" in kind or "Token" in kind:
            fact, step = "Your sign-in to AWS has ended.", f"Sign in again: aws sso login{whom.options}"
        case _:
            fact = f"AWS cannot be reached ({region})."
            step = (
                "Check the network, the proxy and the region. AWS_ENDPOINT_URL, if set, has to be up as well."
            )
    return CommandError(fact, said or kind, step, code=ExitCode.AWS)
