"""Give MiniStack's S3 the key that AWS manages in every account, `aws/s3`, and report keys by ARN.

Owns the name of an object's KMS key; nothing is encrypted. Only `emulator.py` creates one. Changes to
MiniStack, and reasons:

`s3._resolve_sse_write_headers` becomes `_of_write`
    With SSE-KMS and no key, by request or bucket default, S3 uses the account's `aws/s3`, which KMS then
    creates (S3 user guide, "UsingKMSEncryption"). MiniStack refuses such a request, and has no key for such a
    default. S3 answers with a key's ARN; MiniStack repeats the name that was sent.
`kms._key_metadata` becomes `_metadata`
    DescribeKey says who manages a key; in MiniStack, every key is the customer's.
"""
# ruff: noqa: SLF001 - touching MiniStack's internals is what this module is for; RELIED_ON lists them.

from __future__ import annotations

import importlib
import json
from typing import TYPE_CHECKING, Any, Final

from local_cloud.sagemaker import arns

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

RELIED_ON: tuple[tuple[str, str], ...] = (
    ("ministack.core.responses", "get_account_id"),
    ("ministack.core.responses", "get_region"),
    ("ministack.services.kms", "_alias_arn"),
    ("ministack.services.kms", "_aliases"),
    ("ministack.services.kms", "_create_key"),
    ("ministack.services.kms", "_key_metadata"),
    ("ministack.services.kms", "_resolve_key"),
    ("ministack.services.s3", "_resolve_sse_write_headers"),
)

_ALIAS: Final = "alias/aws/s3"
_ENCRYPTION: Final = "x-amz-server-side-encryption"
_KEY: Final = f"{_ENCRYPTION}-aws-kms-key-id"


class Encryption:
    """The keys of S3's objects."""

    def __init__(self) -> None:
        self._responses: Any = importlib.import_module("ministack.core.responses")
        self._kms: Any = importlib.import_module("ministack.services.kms")
        self._s3: Any = importlib.import_module("ministack.services.s3")

    def install(self) -> None:
        """Name keys this way from now on."""
        self._resolve: Callable[..., Any] = self._s3._resolve_sse_write_headers
        self._s3._resolve_sse_write_headers = self._of_write
        self._metadata_of_customers: Callable[[Any], dict[str, Any]] = self._kms._key_metadata
        self._kms._key_metadata = self._metadata

    def _of_write(self, headers: Mapping[str, str], bucket: str) -> Any:  # noqa: ANN401 - as MiniStack answers
        if headers.get(_ENCRYPTION) == "aws:kms" and not headers.get(_KEY):
            headers = {**headers, _KEY: self._managed_key()}
        found, error = self._resolve(headers, bucket)
        if error is None and found.get(_ENCRYPTION) == "aws:kms":
            name = found.get(_KEY) or self._managed_key()
            key = self._kms._resolve_key(name)
            found = {**found, _KEY: key["Arn"] if key else name}
        return found, error

    def _managed_key(self) -> str:
        """Return the ARN of the present account's key, created on first use."""
        if not (key := self._kms._resolve_key(_ALIAS)):
            account, region = self._responses.get_account_id(), self._responses.get_region()
            made = self._kms._create_key({"Policy": json.dumps(_policy(account, region))})
            self._kms._aliases[self._kms._alias_arn(_ALIAS)] = json.loads(made[2])["KeyMetadata"]["KeyId"]
            key = self._kms._resolve_key(_ALIAS)
        return str(key["Arn"])

    def _metadata(self, record: dict[str, Any]) -> dict[str, Any]:
        managed = self._kms._resolve_key(_ALIAS)
        by_aws = {"KeyManager": "AWS"} if managed is record else {}
        return {**self._metadata_of_customers(record), **by_aws}


def _policy(account: str, region: str) -> dict[str, Any]:
    """Return the policy of `aws/s3`: S3 uses the key for everybody in the account; nobody can change it.

    Seen in GetKeyPolicy's answers (FogSecurity/aws-managed-kms-keys).
    """
    partition = arns.partition(region)
    everybody = {
        "StringEquals": {
            "kms:CallerAccount": account,
            "kms:ViaService": f"s3.{region}.{arns.dns_suffix(region)}",
        }
    }
    using = ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey"]
    looking = ["kms:Describe*", "kms:Get*", "kms:List*"]
    return {
        "Version": "2012-10-17",
        "Id": "auto-s3-2",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"AWS": "*"},
                "Action": using,
                "Resource": "*",
                "Condition": everybody,
            },
            {
                "Effect": "Allow",
                "Principal": {"AWS": f"arn:{partition}:iam::{account}:root"},
                "Action": looking,
                "Resource": "*",
            },
        ],
    }
