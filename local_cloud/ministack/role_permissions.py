"""SageMaker's actions in the name of a model's role, on MiniStack's S3, ECR and IAM.

Owns the necessary actions and their order; `iam.py` decides about the role. Source: SageMaker developer
guide, "sagemaker-roles"; S3 user guide, "UsingKMSEncryption".
"""
# ruff: noqa: SLF001 - touching MiniStack's internals is what this module is for; RELIED_ON lists them.

from __future__ import annotations

import importlib
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from iam_evaluator.decision import AccessRequest
from iam_evaluator.evaluation import evaluate
from iam_evaluator.principals import service
from local_cloud.sagemaker import arns

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from iam_evaluator.principals import Principal
    from iam_evaluator.request_context import Values
    from local_cloud.ministack.iam import MiniStackIam

RELIED_ON: tuple[tuple[str, str], ...] = (
    ("ministack.core.responses", "request_scope"),
    ("ministack.services.ec2", "_security_groups"),
    ("ministack.services.ec2", "_subnets"),
    ("ministack.services.s3", "_buckets"),
    ("ministack.services.s3", "_resolve_sse_write_headers"),
    ("ministack.services.s3", "_stored_sse_headers"),
    ("ministack.services.s3", "bucket_region"),
    ("ministack.services.sns", "_topics"),
)

_ECR_IMAGE = re.compile(
    r"(?P<account>\d{12})\.dkr\.ecr\.(?P<region>[^.]+)\.amazonaws\.com(\.cn)?/(?P<name>[^:@]+)([:@].*)?"
)

_ENCRYPTION = "x-amz-server-side-encryption"
_KEY = f"{_ENCRYPTION}-aws-kms-key-id"


class ExecutionRoles:
    """Models' roles: their trust policies, and their permissions."""

    def __init__(self, iam: MiniStackIam) -> None:
        """Ask this IAM about roles and about policies of resources."""
        self._iam = iam
        self._responses: Any = importlib.import_module("ministack.core.responses")
        self._ec2: Any = importlib.import_module("ministack.services.ec2")
        self._s3: Any = importlib.import_module("ministack.services.s3")
        self._sns: Any = importlib.import_module("ministack.services.sns")

    def trusts(self, role_arn: str, service_name: str) -> bool:
        """Tell whether the role exists and its trust policy admits the service for its account."""
        trust = self._iam.trust_policy(role_arn)
        by = service(service_name, source_account=role_arn.split(":")[4], source_arn=None)
        return trust is not None and bool(
            evaluate(by, AccessRequest("sts:AssumeRole", role_arn), resource_policy=trust).is_allowed
        )

    def may_read(self, s3_url: str, *, role_arn: str, region: str) -> bool:
        """Tell whether an object exists in `region`, and the role may read and decrypt it.

        For a URL that ends in `/`, any object below it is enough, and the role must be able to list them.
        """
        role = self._iam.session_of(role_arn, "SageMaker")
        bucket, key = bucket_and_key(s3_url)
        owner = self.bucket_owner(bucket, preferred=role_arn.split(":")[4]) if role else None
        found = self._found(owner, bucket, key, region)
        if role is None or owner is None or not found:
            return False
        with self._responses.request_scope(owner, region):
            encryption = self._s3._stored_sse_headers(self._s3._buckets[bucket]["objects"][found[0]])
        object_arn = f"arn:{arns.partition(region)}:s3:::{bucket}/{key}"
        with self._responses.request_scope(role.account_id, region):
            if key.endswith("/") and not self._may_list(role, bucket, key, region):
                return False
            if not self._iam.decide(role, "s3:GetObject", object_arn, region=region).is_allowed:
                return False
            key_id = encryption.get(_KEY, "")
            context: Mapping[str, Values] = {"kms:encryptioncontext:aws:s3:arn": object_arn}
            return not key_id or not self._refusal_of_key(
                role, "kms:Decrypt", key_id, "s3", context, holder=owner, region=region
            )

    def finds_nothing(self, s3_url: str, *, role_arn: str, region: str) -> bool:
        """Tell whether the role may list below a URL that ends in `/`, and nothing is there."""
        role = self._iam.session_of(role_arn, "SageMaker")
        bucket, key = bucket_and_key(s3_url)
        owner = self.bucket_owner(bucket, preferred=role_arn.split(":")[4]) if role else None
        if role is None or owner is None or not key.endswith("/"):
            return False
        with self._responses.request_scope(owner, region):
            if self._s3.bucket_region(bucket) != region:
                return False
        with self._responses.request_scope(role.account_id, region):
            is_listed = self._may_list(role, bucket, key, region)
        return is_listed and not self._found(owner, bucket, key, region)

    def _found(self, owner: str | None, bucket: str, key: str, region: str) -> list[str]:
        """Return the keys of the objects at a URL, if the bucket is in this region."""
        if owner is None:
            return []
        with self._responses.request_scope(owner, region):
            if self._s3.bucket_region(bucket) != region:
                return []
            names = list(self._s3._buckets[bucket]["objects"])
        return [name for name in names if name == key or (key.endswith("/") and name.startswith(key))]

    def _may_list(self, role: Principal, bucket: str, prefix: str, region: str) -> bool:
        bucket_arn = f"arn:{arns.partition(region)}:s3:::{bucket}"
        keys = {"s3:prefix": prefix}
        return self._iam.decide(role, "s3:ListBucket", bucket_arn, region=region, keys=keys).is_allowed

    def refusal_to_read(self, s3_url: str, *, role_arn: str, region: str) -> str | None:
        """Say why the role may not read and decrypt an object; None if it may, or if there is none."""
        role = self._iam.session_of(role_arn, "SageMaker")
        bucket, key = bucket_and_key(s3_url)
        owner = self.bucket_owner(bucket, preferred=role_arn.split(":")[4])
        if role is None:
            return f"SageMaker cannot assume {role_arn}."
        if owner is None:
            return None
        with self._responses.request_scope(owner, region):
            record = self._s3._buckets[bucket]["objects"].get(key)
            key_id = self._s3._stored_sse_headers(record).get(_KEY, "") if record else ""
        bucket_arn = f"arn:{arns.partition(region)}:s3:::{bucket}"
        object_arn = f"{bucket_arn}/{key}"
        with self._responses.request_scope(role.account_id, region):
            refused = self._refusal(role, "s3:GetObject", object_arn, region)
            if refused is None and record is None:
                # S3 reports a missing object only to callers who may list the bucket.
                refused = self._refusal(role, "s3:ListBucket", bucket_arn, region)
            if refused is None and key_id:
                context: Mapping[str, Values] = {"kms:encryptioncontext:aws:s3:arn": object_arn}
                refused = self._refusal_of_key(
                    role, "kms:Decrypt", key_id, "s3", context, holder=owner, region=region
                )
            return refused

    def refusal_to_write(
        self, s3_url: str, *, role_arn: str, region: str, kms_key_id: str | None
    ) -> str | None:
        """Say why the role may not write an object, with this key or the bucket's default."""
        role = self._iam.session_of(role_arn, "SageMaker")
        bucket, key = bucket_and_key(s3_url)
        if role is None:
            return f"SageMaker cannot assume {role_arn}."
        owner = self.bucket_owner(bucket, preferred=role.account_id)
        if owner is None:
            return None
        with self._responses.request_scope(owner, region):
            found, _ = self._s3._resolve_sse_write_headers(encrypted_with(kms_key_id or ""), bucket)
        object_arn = f"arn:{arns.partition(region)}:s3:::{bucket}/{key}"
        with self._responses.request_scope(role.account_id, region):
            refused = self._refusal(role, "s3:PutObject", object_arn, region)
            if refused is None and (key_id := (found or {}).get(_KEY, "")):
                context: Mapping[str, Values] = {"kms:encryptioncontext:aws:s3:arn": object_arn}
                holder = role.account_id if kms_key_id else owner
                refused = self._refusal_of_key(
                    role, "kms:GenerateDataKey", key_id, "s3", context, holder=holder, region=region
                )
            return refused

    def refusal_to_publish(self, topic_arn: str, *, role_arn: str, region: str) -> str | None:
        """Say why the role may not publish to a topic, or use its key."""
        role = self._iam.session_of(role_arn, "SageMaker")
        if role is None:
            return f"SageMaker cannot assume {role_arn}."
        owner, topics_region = topic_arn.split(":")[4], topic_arn.split(":")[3]
        with self._responses.request_scope(owner, topics_region):
            topic = self._sns._topics.get(topic_arn) or {}
            key_id = (topic.get("attributes") or {}).get("KmsMasterKeyId", "")
        with self._responses.request_scope(role.account_id, region):
            refused = self._refusal(role, "sns:Publish", topic_arn, region)
            for action in ("kms:GenerateDataKey", "kms:Decrypt") if key_id else ():
                refused = refused or self._refusal_of_key(
                    role, action, key_id, "sns", {}, holder=owner, region=topics_region
                )
            return refused

    def _refusal(
        self,
        role: Principal,
        action: str,
        resource_arn: str,
        region: str,
        keys: Mapping[str, Values] | None = None,
    ) -> str | None:
        decision = self._iam.decide(role, action, resource_arn, region=region, keys=keys)
        return None if decision.is_allowed else decision.message(role, AccessRequest(action, resource_arn))

    def _refusal_of_key(
        self,
        role: Principal,
        action: str,
        key_id: str,
        via: str,
        context: Mapping[str, Values],
        *,
        holder: str,
        region: str,
    ) -> str | None:
        """Say why a service may not use a key for a role; without an ARN, the key is the holder's."""
        account_id = key_id.split(":")[4] if key_id.startswith("arn:") else holder
        key_arn, _, aliases = self._iam.key(account_id, region, key_id)
        if not key_arn:
            return f"The key {key_id} does not exist."
        keys: dict[str, Values] = {
            "kms:viaservice": f"{via}.{region}.{arns.dns_suffix(region)}",
            "kms:resourcealiases": aliases,
            **context,
        }
        given = {name: value for name, value in keys.items() if value}
        return self._refusal(role, action, key_arn, region, given)

    def may_pull(self, image: str, *, role_arn: str) -> bool:
        """Tell whether a role may pull an image from ECR; other registries are not checked.

        AWS's own images, and repositories outside this cloud, are open to all accounts: only the role's
        policies decide.
        """
        found = _ECR_IMAGE.fullmatch(image)
        role = self._iam.session_of(role_arn, "SageMaker")
        if found is None or role is None:
            return found is None
        account_id, region, name = found["account"], found["region"], found["name"]
        repository = f"arn:{arns.partition(region)}:ecr:{region}:{account_id}:repository/{name}"
        is_known = self._iam.has_repository(account_id, region, name)
        with self._responses.request_scope(role.account_id, region):
            if not self._iam.decide(role, "ecr:GetAuthorizationToken", "*", region=region).is_allowed:
                return False
            for action in ("ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"):
                request = AccessRequest(action, repository)
                decision = (
                    self._iam.decide(role, action, repository, region=region)
                    if is_known
                    else evaluate(role, request)
                )
                if not decision.is_allowed:
                    return False
        return True

    def may_watch(self, alarm_name: str, *, role_arn: str, region: str) -> bool:
        """Tell whether a role may read the state of an alarm of its account."""
        role = self._iam.session_of(role_arn, "SageMaker")
        if role is None:
            return False
        with self._responses.request_scope(role.account_id, region):
            return self._iam.may_describe_alarm(role, alarm_name, region=region)

    def refusal_to_join(
        self, subnets: Sequence[str], security_groups: Sequence[str], *, role_arn: str, region: str
    ) -> str | None:
        """Say why a role may not make network interfaces in subnets; None if it may.

        The interfaces are in the role's account. MiniStack's EC2 knows the owners of subnets and security
        groups; one that another account shares has that account in its ARN. Unknown ones count as the role's
        account's.
        """
        role = self._iam.session_of(role_arn, "SageMaker")
        if role is None:
            return f"SageMaker cannot assume {role_arn}."
        place = f"arn:{arns.partition(region)}:ec2:{region}"
        interfaces = f"{place}:{role.account_id}:network-interface/*"
        named = [
            f"{place}:{_network_owner(kept, each, region, role.account_id)}:{kind}/{each}"
            for kind, kept, ids in (
                ("subnet", self._ec2._subnets, subnets),
                ("security-group", self._ec2._security_groups, security_groups),
            )
            for each in ids
        ]
        create = "ec2:CreateNetworkInterface"
        for action, arn in (
            *((create, arn) for arn in (interfaces, *named)),
            (f"{create}Permission", interfaces),
        ):
            # EC2 has no resource policies: RAM shares resources, and the role's own policies decide.
            decision = evaluate(role, AccessRequest(action, arn))
            if not decision.is_allowed:
                return decision.message(role, AccessRequest(action, arn))
        return None

    def bucket_owner(self, bucket: str, *, preferred: str) -> str | None:
        """Return the account that owns a bucket; None if nobody does."""
        # AWS's bucket names are unique over all accounts; MiniStack has one name space per account.
        owners = [account for account, name in list(self._s3._buckets._data) if name == bucket]
        return preferred if preferred in owners else next(iter(owners), None)


def encrypted_with(key_id: str) -> dict[str, str]:
    """Return the headers of a write that is encrypted with a key; none without one."""
    return {_ENCRYPTION: "aws:kms", _KEY: key_id} if key_id else {}


def bucket_and_key(s3_url: str) -> tuple[str, str]:
    """Split a URL `s3://bucket/key`."""
    parts = urlsplit(s3_url, allow_fragments=False)
    return parts.netloc, parts.path.removeprefix("/")


def _network_owner(kept: Any, name: str, region: str, preferred: str) -> str:  # noqa: ANN401 - MiniStack's
    owners = [account for account, place, each in list(kept._data) if (place, each) == (region, name)]
    return preferred if preferred in owners else next(iter(owners), preferred)
