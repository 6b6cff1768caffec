"""Holds who did something to a model version, as SageMaker tells it. Pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Identity:
    """Who registered or changed a version. Source: `UserContext` (botocore).

    Attributes:
        user_profile_arn: The Studio user profile, if it was done in Studio.
        iam_arn: The IAM identity; all users of a Studio domain may share one.
    """

    user_profile_arn: str | None = None
    iam_arn: str | None = None

    @property
    def name(self) -> str:
        """The ARN that names the person best, or "unknown"."""
        return self.user_profile_arn or self.iam_arn or "unknown"

    @property
    def arns(self) -> tuple[str, ...]:
        """Every ARN that SageMaker tells."""
        return tuple(each for each in (self.user_profile_arn, self.iam_arn) if each)

    def may_be(self, other: Identity) -> bool:
        """Tell whether both may be the same person's.

        Two user profiles tell people apart even where both work under one IAM role. Whoever works in Studio
        once and with the role's own credentials another time is known by the role; who is not told at all
        may be anybody.
        """
        if self.user_profile_arn and other.user_profile_arn:
            return self.user_profile_arn == other.user_profile_arn
        if self.iam_arn and other.iam_arn:
            return self.iam_arn == other.iam_arn
        return not self.arns or not other.arns
