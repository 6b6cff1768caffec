"""Assumes the roles that may edit: the function's own role may edit nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import boto3

if TYPE_CHECKING:
    from mypy_boto3_sts import STSClient

_SESSION_NAME: Final = "greenlight-policy-editor"
_SESSION_SECONDS: Final = 900
"""The shortest duration (botocore: sts AssumeRoleRequest), and longer than the function runs."""


def session_as(client: STSClient, role_arn: str) -> boto3.Session:
    """Assume a role.

    Raises:
        ClientError: STS denies it. Right after the role was created, that passes.
    """
    taken = client.assume_role(
        RoleArn=role_arn, RoleSessionName=_SESSION_NAME, DurationSeconds=_SESSION_SECONDS
    )
    credentials = taken["Credentials"]
    return boto3.Session(
        aws_access_key_id=credentials["AccessKeyId"],
        aws_secret_access_key=credentials["SecretAccessKey"],
        aws_session_token=credentials["SessionToken"],
    )
