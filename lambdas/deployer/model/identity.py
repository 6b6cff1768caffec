"""Holds who changed a model version, as SageMaker shows it. Pure."""

from __future__ import annotations

from typing import Final

from deployer.value import value

UNKNOWN: Final = "unknown"
"""The name of an identity that SageMaker does not show."""


@value
class Identity:
    """Who registered or changed a version. Source: `UserContext` (botocore).

    Attributes:
        user_profile_arn: The Studio user profile, if the person worked in Studio.
        iam_arn: The IAM identity; all users of a Studio domain may share one.
    """

    user_profile_arn: str | None = None
    iam_arn: str | None = None

    @property
    def name(self) -> str:
        """The ARN that names the person best, or `UNKNOWN`."""
        return self.user_profile_arn or self.iam_arn or UNKNOWN

    @property
    def arns(self) -> tuple[str, ...]:
        """Every ARN that SageMaker shows."""
        return tuple(each for each in (self.user_profile_arn, self.iam_arn) if each)

    def may_be(self, other: Identity) -> bool:
        """Tell whether both may be the same person.

        Two user profiles are two people, even under one IAM role. If only one has a profile, their IAM
        identities are compared: a person may work in Studio once and with the role's credentials another
        time. An identity without ARNs may be anybody.
        """
        if self.user_profile_arn and other.user_profile_arn:
            return self.user_profile_arn == other.user_profile_arn
        if self.iam_arn and other.iam_arn:
            return self.iam_arn == other.iam_arn
        return not self.arns or not other.arns
