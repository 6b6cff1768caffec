"""Check the keys that really encrypt a version's artifacts, independent of the context.

Pure. S3 encrypts with the key of the upload, or with the bucket's default; neither is in the context. A model
without permission on the key fails when its instances start.
"""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Final

from greenlight.doctor.facts import Found, KmsKey
from greenlight.doctor.findings import Finding, Status, judge

if TYPE_CHECKING:
    from collections.abc import Iterator

    from greenlight.doctor.facts import Facts
    from infra.stages.access import StageAccess

_CHECK: Final = "encryption"
_WHY: Final = "SageMaker cannot decrypt the artifact as the models' role: no instance comes up."


def check_encryption(access: StageAccess, group: str, facts: Facts) -> Iterator[Finding]:
    """Check that stages may use, and do use, every key that encrypts artifacts."""
    for uri, reading in facts.encryption.items():
        objects = facts.artifacts[uri]
        looked_at = len(objects.value) if isinstance(objects, Found) else 0
        what = uri if looked_at == 1 else f"the first {looked_at} objects of {uri}"
        yield from judge(
            reading,
            _CHECK,
            uri,
            absent="an object of it went while it was looked at",
            why=_WHY,
            where="Ask again.",
        )
        if not isinstance(reading, Found):
            continue
        gaps = [gap for name in reading.value for gap in _key(access, group, uri, name, facts)]
        yield from gaps or [Finding(_CHECK, Status.OK, what)]


def _key(access: StageAccess, group: str, uri: str, name: str, facts: Facts) -> Iterator[Finding]:
    """Check one key of an artifact, by S3's name for it."""
    account = access.registry.account
    # Only the key's own account can see whether AWS manages it.
    reading = facts.keys.get(name, Found(KmsKey(name, is_managed_by_aws=False)))
    yield from judge(
        reading,
        _CHECK,
        f"the key {name} of {uri}",
        absent="there is no such key any more: nothing can be decrypted that it encrypted",
        why=_WHY,
        where=f"In account {account}: upload the artifact again, or approve another version.",
    )
    if not isinstance(reading, Found):
        return
    key = reading.value
    if key.is_managed_by_aws:
        # Within its account, S3 uses it for everybody who may read the object.
        if not access.at_home:
            yield _managed_by_aws(access, uri, key)
    elif key.arn not in access.keys:
        owner = key.arn.split(":")[4]
        where = (
            f"In cdk.json, add it to registry.groups.{group}.keys; then deploy the registry's stack and the "
            "stage's."
        )
        if owner != account:
            where += (
                f" If it is {owner}'s aws/s3, nobody else can be let in to it: copy the artifact over itself "
                "with another key."
            )
        yield Finding(
            _CHECK,
            Status.GAP,
            uri,
            f"it is encrypted with {key.arn}, and keys does not have it",
            _WHY,
            where,
            {"arn": key.arn} if owner == account else {"arn": key.arn, "by": "owner"},
        )


def _managed_by_aws(access: StageAccess, uri: str, key: KmsKey) -> Finding:
    """Say what to do about a key that works only within its account.

    AWS owns its policy, which nobody can change (KMS developer guide, "key-policy-modifying"). For other
    accounts, use a customer managed key (S3 user guide, "bucket-encryption").
    """
    own = [each for each in access.keys if each.split(":")[4] == access.registry.account]
    with_key = ["--sse", "aws:kms", "--sse-kms-key-id", own[0]] if own else ["--sse", "AES256"]
    below = ["--recursive"] if uri.endswith("/") else []
    return Finding(
        _CHECK,
        Status.GAP,
        uri,
        f"it is encrypted with {key.arn}, which AWS manages: no other account can be let in to it",
        _WHY,
        f"In account {access.registry.account}: copy the artifact over itself with another key, as below; "
        "then approve the version again, as its artifact is another. For versions to come, name a key of "
        "your own in the bucket's default encryption, or in what training jobs write.",
        command=shlex.join(["aws", "s3", "cp", uri, uri, *below, *with_key]),
    )
