"""The policies of MiniStack's resources, and of KMS's keys with their grants."""
# ruff: noqa: SLF001 - touching MiniStack's internals is what this module is for; RELIED_ON lists them.

from __future__ import annotations

import importlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from iam_evaluator.grammar import PolicyType
from iam_evaluator.policies import EVERYTHING, Policy
from local_cloud.ministack.policy_parsing import parsed
from local_cloud.sagemaker import arns

if TYPE_CHECKING:
    from collections.abc import Mapping

    from iam_evaluator.request_context import Values
    from local_cloud.ministack.propagation import Propagation

RELIED_ON: tuple[tuple[str, str], ...] = (
    ("ministack.core.iam_evaluator", "_resource_policy"),
    ("ministack.core.responses", "get_account_id"),
    ("ministack.core.responses", "request_scope"),
    ("ministack.services.ecr", "_repo_policies"),
    ("ministack.services.ecr", "_repositories"),
    ("ministack.services.eventbridge", "_event_bus_policies"),
    ("ministack.services.kms", "_aliases"),
    ("ministack.services.kms", "_grants"),
    ("ministack.services.kms", "_resolve_key"),
    ("ministack.services.s3", "_bucket_policies"),
    ("ministack.services.s3", "_buckets"),
    ("ministack.services.sns", "_topic_by_arn_any_scope"),
)


class ResourcePolicies:
    """Policies of buckets, buses, repositories, keys, topics and queues.

    Attributes:
        propagation: The known state of edited policies.
    """

    def __init__(self, propagation: Propagation) -> None:
        self.propagation = propagation
        self._evaluator: Any = importlib.import_module("ministack.core.iam_evaluator")
        self._responses: Any = importlib.import_module("ministack.core.responses")
        self._ecr: Any = importlib.import_module("ministack.services.ecr")
        self._eventbridge: Any = importlib.import_module("ministack.services.eventbridge")
        self._kms: Any = importlib.import_module("ministack.services.kms")
        self._s3: Any = importlib.import_module("ministack.services.s3")
        self._sns: Any = importlib.import_module("ministack.services.sns")

    def resource_policy(self, service: str, resource_arn: str) -> tuple[Policy | None, str | None]:
        """Return the known state of a resource's own policy, and its owner, as far as MiniStack has them."""
        policy, owner = self._newest_resource_policy(service, resource_arn)
        # An object has its bucket's policy.
        of = resource_arn.partition("/")[0] if service == "s3" else resource_arn
        return self.propagation.known((service, owner, of), policy, before=None), owner

    def _newest_resource_policy(self, service: str, resource_arn: str) -> tuple[Policy | None, str | None]:
        fields = resource_arn.split(":", 5)
        if len(fields) < 6:  # noqa: PLR2004 - an ARN's fields
            return None, None
        owner = fields[4] or None
        if service == "s3":
            return self._bucket_policy(fields[5].partition("/")[0])
        if service == "events" and fields[5].startswith("event-bus/"):
            bus = fields[5].removeprefix("event-bus/")
            document = self._eventbridge._event_bus_policies.get_scoped(owner, fields[3], bus)
            return parsed(document, resource_arn), owner
        if service == "ecr" and owner is not None:
            name = fields[5].removeprefix("repository/")
            document = self._ecr._repo_policies.get_scoped(owner, fields[3], name)
            return parsed(document, resource_arn), owner
        if service == "kms" and owner is not None:
            return self.key(owner, fields[3], resource_arn)[1], owner
        found = self._evaluator._resource_policy(service, resource_arn)
        if found is None:
            return None, owner if owner and owner.isdecimal() else None
        return parsed(found[0], resource_arn), found[1]

    def key(self, account_id: str, region: str, key_id: str) -> tuple[str, Policy | None, tuple[str, ...]]:
        """Return a key's ARN, policy (with its grants) and aliases; an empty ARN if there is none."""
        with self._responses.request_scope(account_id, region):
            record = self._kms._resolve_key(key_id)
            if record is None:
                return "", None, ()
            aliases = tuple(
                arn.rpartition(":")[2]
                for arn, target in self._kms._aliases.items()
                if target == record["KeyId"]
            )
            grants = [grant for grant in self._kms._grants.values() if grant["KeyId"] == record["Arn"]]
        # A key without its own policy has KMS's default one, which defers to the account.
        policy = parsed(record.get("Policy"), record["Arn"], PolicyType.KEY) or _of_account(account_id)
        granted = (statement for grant in grants for statement in _of_grant(grant).statements)
        return str(record["Arn"]), Policy((*policy.statements, *granted)), aliases

    def uses_of_topics_key(self, topic_arn: str) -> list[tuple[str, str, dict[str, Values]]]:
        """Return what a publisher to an encrypted topic needs from KMS: action, key, and condition keys.

        Source: SNS developer guide, "sns-key-management". The key's ARN is empty if there is no such key.
        """
        topic = self._sns._topic_by_arn_any_scope(topic_arn)
        key_id = "" if topic is None else (topic.get("attributes") or {}).get("KmsMasterKeyId", "")
        if not key_id:
            return []
        _, _, _, region, owner, _ = topic_arn.split(":")
        key_arn, _, _ = self.key(owner, region, key_id)
        keys: dict[str, Values] = {
            "kms:viaservice": f"sns.{region}.{arns.dns_suffix(region)}",
            "kms:encryptioncontext:aws:sns:topicarn": topic_arn,
        }
        return [(action, key_arn, keys) for action in ("kms:GenerateDataKey", "kms:Decrypt")]

    def has_repository(self, account_id: str, region: str, name: str) -> bool:
        """Tell whether MiniStack's ECR has a repository."""
        return bool(self._ecr._repositories.contains_scoped(account_id, region, name))

    def _bucket_policy(self, bucket: str) -> tuple[Policy | None, str | None]:
        owners = [account for account, name in list(self._s3._buckets._data) if name == bucket]
        here = self._responses.get_account_id()
        owner = here if here in owners else next(iter(owners), None)
        if owner is None:
            return None, None
        return parsed(self._s3._bucket_policies.get_scoped(owner, None, bucket), bucket), owner


def _of_account(account_id: str) -> Policy:
    statement = replace(EVERYTHING.statements[0], principals=(("AWS", account_id),))
    return Policy((statement,))


def _of_grant(grant: Mapping[str, Any]) -> Policy:
    """Return a grant's permissions as a statement of the key's policy."""
    constraints = grant.get("Constraints") or {}
    pairs = {
        **constraints.get("EncryptionContextSubset", {}),
        **constraints.get("EncryptionContextEquals", {}),
    }
    grantee: str = grant["GranteePrincipal"]
    statement = {
        "Effect": "Allow",
        "Principal": {"Service" if grantee.endswith(".amazonaws.com") else "AWS": grantee},
        "Action": [f"kms:{operation}" for operation in grant["Operations"]],
        "Resource": "*",
        "Condition": {
            "StringEquals": {f"kms:EncryptionContext:{key}": value for key, value in pairs.items()}
        },
    }
    return parsed({"Version": "2012-10-17", "Statement": statement}, "a grant") or Policy(())
