"""The requests that an endpoint's settings require of the roles, read from the YAML, not from the stack.

Each is a request as AWS would authorise it, with AWS's condition keys.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from tests.infra.fleet import ACCOUNT, REGION

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from iam_evaluator.request_context import Values

DEPLOYER: Final = "DeployerRole"
MODELS: Final = "ModelExecutionRole"
_OWNER: Final = {"aws:resourcetag/greenlight:stack": "Greenlight"}


class Ask(NamedTuple):
    """One request of one role: the beginning of its logical id, the action, the resource and the keys."""

    role: str
    action: str
    resource: str
    keys: Mapping[str, Values]


def asks(settings: dict[str, Any]) -> Iterator[Ask]:
    """Yield an endpoint's requests of the deployer's role and, if its model runs as it, the models' role."""
    group = settings["model_package_group"]
    account = group.split(":")[4] if group.startswith("arn:") else ACCOUNT
    version = f"arn:aws:sagemaker:{REGION}:{account}:model-package/{group.rpartition('/')[2]}/1"
    yield Ask(DEPLOYER, "sagemaker:CreateModel", version, {})
    yield Ask(DEPLOYER, "sagemaker:DescribeModelPackage", version, {})
    if settings.get("version_metadata", True) and not group.startswith("arn:"):
        yield Ask(DEPLOYER, "sagemaker:UpdateModelPackage", version, {})
    if role := settings.get("execution_role_arn"):
        yield Ask(DEPLOYER, "iam:PassRole", role, {"iam:passedtoservice": "sagemaker.amazonaws.com"})
    if key := settings.get("kms_key_id"):
        for action in ("kms:CreateGrant", "kms:DescribeKey"):
            yield _key(DEPLOYER, action, key, "sagemaker")
    for request in settings.get("smoke_test", {}).get("requests", ()):
        endpoint = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:endpoint/any"
        yield Ask(DEPLOYER, "sagemaker:InvokeEndpoint", endpoint, _OWNER)
        uri = request.get("body_from") or f"s3://sagemaker-{REGION}-{ACCOUNT}/sample"
        yield from _reading(DEPLOYER, uri)
    if role is None:
        yield from _of_models(settings)


def _of_models(settings: dict[str, Any]) -> Iterator[Ask]:
    vpc = settings.get("vpc", {})
    for kind, ids in (("subnet", vpc.get("subnets", ())), ("security-group", vpc.get("security_groups", ()))):
        for each in ids:
            resource = f"arn:aws:ec2:{REGION}:222233334444:{kind}/{each}"
            yield Ask(MODELS, "ec2:CreateNetworkInterface", resource, {})
    if capture := settings.get("data_capture"):
        yield from _writing(f"{capture['destination']}/2026/call.jsonl", capture.get("kms_key_id"))
    if (baseline := settings.get("explainer")) is not None:
        yield from _reading(MODELS, baseline["shap"]["baseline_uri"])
    if (queue := settings.get("asynchronous")) is not None:
        for place in (queue["output_path"], queue["failure_path"]):
            yield from _writing(f"{place}/an/answer", queue.get("kms_key_id"))
        for place in queue.get("input_paths", [queue["output_path"]]):
            yield from _reading(MODELS, f"{place}/a-request")
            yield Ask(MODELS, "s3:ListBucket", f"arn:aws:s3:::{_object(place).partition('/')[0]}", {})
        for topic in (queue["success_topic_arn"], queue["error_topic_arn"]):
            yield Ask(MODELS, "sns:Publish", topic, {})


def _reading(role: str, uri: str) -> Iterator[Ask]:
    arn = f"arn:aws:s3:::{_object(uri)}"
    yield Ask(role, "s3:GetObject", arn, {"aws:resourceaccount": ACCOUNT})
    yield _bucket_key(role, "kms:Decrypt", arn)


def _writing(uri: str, key: str | None) -> Iterator[Ask]:
    arn = f"arn:aws:s3:::{_object(uri)}"
    for action in ("s3:PutObject", "s3:AbortMultipartUpload"):
        yield Ask(MODELS, action, arn, {})
    for action in ("kms:GenerateDataKey", "kms:Decrypt"):
        yield _bucket_key(MODELS, action, arn)
        if key:
            yield _key(MODELS, action, key, "s3")


def _bucket_key(role: str, action: str, arn: str) -> Ask:
    """Ask for the key of an object's bucket, which may be another account's."""
    keys = {"kms:viaservice": f"s3.{REGION}.amazonaws.com", "kms:encryptioncontext:aws:s3:arn": arn}
    return Ask(role, action, f"arn:aws:kms:{REGION}:555566667777:key/theirs", keys)


def _key(role: str, action: str, key: str, via: str) -> Ask:
    keys: dict[str, Values] = {"kms:viaservice": f"{via}.{REGION}.amazonaws.com"}
    if key.startswith("alias/"):
        keys["kms:resourcealiases"] = ("alias/another", key)
        key = "behind-the-alias"
    arn = key if key.startswith("arn:") else f"arn:aws:kms:{REGION}:{ACCOUNT}:key/{key}"
    return Ask(role, action, arn, keys)


def _object(uri: str) -> str:
    return uri.removeprefix("s3://")
