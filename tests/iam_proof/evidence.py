"""Owns the evidence that AWS accepts the permissions as written, beyond the service's reference.

The service authorization reference settles most questions: the resource types of an action, and the condition
keys of its requests (`reference.py`). This module has what the reference does not settle, or gets wrong. Each
entry has the form that a page or an observation shows to be enough. A narrower statement is a defect, which
`verdicts.py` finds.

A form is an ARN. `{name}` stands for a part that a policy may name one by one or with wildcards. `<name>`
stands for a part that it must name one by one. Only a wildcard covers `*`: `alarm:{alarm}` may be one alarm,
`alarm:*` must be every alarm.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Kind(StrEnum):
    """Where evidence comes from."""

    PAGE = "page"
    """AWS's documentation."""
    SEEN = "seen"
    """Somebody saw it on an account, and wrote it down in public."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where evidence stands.

    Attributes:
        kind: Page or observation.
        where: Guide and page, or repository and issue.
        date: When the page was read, or when it was observed.
    """

    kind: Kind
    where: str
    date: str

    def __str__(self) -> str:
        return f"{self.kind.value}: {self.where}, {self.date}"


@dataclass(frozen=True, slots=True)
class Open:
    """A question that nobody could settle.

    Attributes:
        question: What a probe on a real account has to settle.
        hedge: Why the product is right under every answer.
    """

    question: str
    hedge: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """A permission's form that is shown to be enough.

    Attributes:
        actions: The actions.
        form: The resources.
        source: The evidence.
        keys: The shown condition keys of such a request, with `*` as a wildcard; None for the reference's
            keys.
        subject: The holders of the policies, with `*` as a wildcard.
        sid: The statements in those policies, with `*` as a wildcard.
        open: The open question, if the form is a hedge.
    """

    actions: tuple[str, ...]
    form: str
    source: Source
    keys: tuple[str, ...] | None = None
    subject: str = "*"
    sid: str = "*"
    open: Open | None = None


@dataclass(frozen=True, slots=True)
class KeyEvidence:
    """A condition key about a request's origin, and its shown values.

    Attributes:
        actions: The actions, with `*` as a wildcard.
        key: The key.
        values: Patterns for each value of a condition.
        source: The evidence.
        service: The admitted service; empty for a statement that admits none.
        open: The open question.
    """

    actions: tuple[str, ...]
    key: str
    values: tuple[str, ...]
    source: Source
    service: str = ""
    open: Open | None = None


@dataclass(frozen=True, slots=True)
class ServiceEvidence:
    """A service that uses an action on a resource, or assumes a role, as itself.

    Attributes:
        service: Its principal.
        actions: Its actions.
        source: The evidence.
    """

    service: str
    actions: tuple[str, ...]
    source: Source


_READ: Final = "2026-11-29"
"""When somebody last read the pages that are named here."""


def _page(where: str) -> Source:
    return Source(Kind.PAGE, where, _READ)


def _seen(where: str, date: str) -> Source:
    return Source(Kind.SEEN, where, date)


def _arn(service: str, resource: str, account: str = "{account}") -> str:
    return f"arn:{{partition}}:{service}:{{region}}:{account}:{resource}"


_ROLES: Final = _page('SageMaker developer guide, "sagemaker-roles"')
_VALIDATION: Final = _page(
    'Application Auto Scaling user guide, "Permissions validation for Application Auto Scaling API calls on '
    'target resources"'
)
_RANDOM_NAME: Final = _seen("aws-controllers-k8s/community #2110 (CloudTrail)", "2024-07")
_EVERY_ALARM: Final = _seen(
    "mattclay/aws-terminator #63, aws-samples/amazon-cloudwatch-auto-alarms #1 (both ask for all alarms)",
    "2019-10",
)
_TAGGED_ALARMS: Final = _page('CloudWatch user guide, "CloudWatch_alarms_and_tagging"')
_TAGS_OF_CONFIGS: Final = Open(
    "Are the request's tags, and a new config's own, known when the config of CreateEndpoint and "
    "UpdateEndpoint is authorised?",
    "The config has no tag condition; the endpoint, which is what changes, has one.",
)
_KMS_THROUGH: Final = _page('KMS developer guide, "conditions-kms" (kms:ViaService, list of services)')
_BY_EVENTBRIDGE: Final = _page('EventBridge user guide, "eb-use-resource-based"')
_BY_ALARMS: Final = _page('SNS developer guide, "sns-access-policy-use-cases" (CloudWatch alarms)')
_KEY_OF_TOPIC: Final = _page('SNS developer guide, "sns-key-management"')

_KEYS_ELSEWHERE: Final = _page('KMS developer guide, "key-policy-modifying-external-accounts"')
_USING_KEYS: Final = (
    "kms:CreateGrant",
    "kms:Decrypt",
    "kms:DescribeKey",
    "kms:GenerateDataKey",
    "kms:GenerateDataKeyWithoutPlaintext",
)

EVIDENCE: Final = (
    # Automatic scaling: RegisterScalableTarget tries these in the caller's name, on names that do not exist.
    Evidence(
        ("cloudwatch:DeleteAlarms", "cloudwatch:PutMetricAlarm"),
        _arn("cloudwatch", "alarm:*"),
        _VALIDATION,
        (),
    ),
    Evidence(
        ("sagemaker:UpdateEndpointWeightsAndCapacities",),
        _arn("sagemaker", "endpoint/*"),
        _RANDOM_NAME,
        (),
        sid="ScaleEndpoints",
        open=Open(
            "Does RegisterScalableTarget try UpdateEndpointWeightsAndCapacities on a name that does not "
            "exist, as it does DescribeEndpointConfig? Does such a call have aws:ViaAWSService?",
            "Granted on every endpoint, without a tag: right whatever the name is.",
        ),
    ),
    Evidence(
        ("sagemaker:DescribeEndpoint", "sagemaker:DescribeEndpointConfig"),
        _arn("sagemaker", "{type}/*"),
        _RANDOM_NAME,
        (),
        subject="*: DeployerRole",
    ),
    # Alarms
    Evidence(
        ("cloudwatch:DescribeAlarms",),
        _arn("cloudwatch", "alarm:*"),
        _EVERY_ALARM,
        (),
        open=Open(
            "Is DescribeAlarms with names authorised on those alarms, or on every alarm?",
            "Granted on every alarm, which covers both; only states are read.",
        ),
    ),
    Evidence(
        ("cloudwatch:DeleteAlarms", "cloudwatch:PutMetricAlarm"),
        _arn("cloudwatch", "alarm:{alarm}"),
        _TAGGED_ALARMS,
        sid="[CM]*Alarms",
        open=Open(
            "Does IAM see the tags of a PutMetricAlarm that changes an alarm?",
            "Permitted by the request's tag, and also by the alarm's own.",
        ),
    ),
    Evidence(("cloudwatch:TagResource",), _arn("cloudwatch", "alarm:{alarm}"), _TAGGED_ALARMS),
    Evidence(
        ("cloudwatch:TagResource",),
        _arn("cloudwatch", "alarm:{alarm}"),
        _seen("cisagov/cool-assessment-terraform #245 (making an alarm with tags)", "2024-08"),
    ),
    Evidence(
        ("cloudwatch:SetAlarmState",),
        _arn("cloudwatch", "alarm:{alarm}"),
        _page('service authorization reference, "Amazon CloudWatch" (resource types of SetAlarmState)'),
        open=Open(
            "How soon does IAM know the tags of an alarm that was just made?",
            "Setting a state is permitted by the alarm's name. A denied deletion is tried again.",
        ),
    ),
    # Creating and updating endpoints
    Evidence(
        ("sagemaker:UpdateEndpoint",),
        _arn("sagemaker", "endpoint-config/*"),
        _seen("aws-controllers-k8s/community #1889", "2023-09"),
        (),
        open=_TAGS_OF_CONFIGS,
    ),
    Evidence(
        ("sagemaker:CreateEndpoint",),
        _arn("sagemaker", "endpoint-config/*"),
        _page('service authorization reference, "Amazon SageMaker AI" (resource types of CreateEndpoint)'),
        (),
        open=_TAGS_OF_CONFIGS,
    ),
    Evidence(
        ("sagemaker:CreateModel",),
        _arn("sagemaker", "model-package/{version}"),
        _page('SageMaker developer guide, "model-registry-deploy"'),
        ("aws:PrincipalArn",),
        open=Open(
            "Within an account, is CreateModel authorised on the model package too?",
            "Granted on it, without a condition; the model itself is held to the owner's tag.",
        ),
    ),
    # The registry
    Evidence(
        ("sagemaker:UpdateModelPackage",),
        _arn("sagemaker", "model-package/{version}"),
        _page(
            'service authorization reference, "Amazon SageMaker AI" (condition keys of UpdateModelPackage)'
        ),
        ("aws:PrincipalArn",),
        subject="*: statements in group *",
        open=Open(
            "Does PutModelPackageGroupPolicy accept conditions on `sagemaker:` keys?",
            "Without an answer a stage in another account may be unable to promote; it deploys all the same.",
        ),
    ),
    # Networks: a shared subnet's ARN, and a shared security group's, have their owner's account.
    Evidence(
        ("ec2:CreateNetworkInterface",),
        _arn("ec2", "subnet/{subnet}", "*"),
        _page('VPC user guide, "vpc-sharing"; SageMaker developer guide, "sagemaker-roles"'),
        (),
    ),
    Evidence(
        ("ec2:CreateNetworkInterface",),
        _arn("ec2", "security-group/{group}", "*"),
        _page('VPC user guide, "security-group-sharing"; SageMaker developer guide, "sagemaker-roles"'),
        (),
    ),
    # Keys: which account's key a bucket uses is its owner's affair. Named ones have their account.
    Evidence(_USING_KEYS, _arn("kms", "key/*", "*"), _KEYS_ELSEWHERE),
    Evidence(_USING_KEYS, _arn("kms", "key/<key>"), _KEYS_ELSEWHERE),
    # The models' role, as SageMaker uses it
    Evidence(
        ("ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"),
        _arn("ecr", "repository/{repository}"),
        _ROLES,
        ("aws:PrincipalArn",),
    ),
    Evidence(
        ("logs:CreateLogGroup", "logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"),
        _arn("logs", "log-group:/aws/sagemaker/Endpoints/*"),
        _ROLES,
        (),
        subject="*: ModelExecutionRole",
    ),
    Evidence(
        ("s3:GetObject",),
        "arn:{partition}:s3:::{object}",
        _ROLES,
        ("aws:PrincipalArn", "aws:ResourceAccount"),
    ),
    Evidence(
        ("s3:AbortMultipartUpload", "s3:PutObject"),
        "arn:{partition}:s3:::{object}",
        _page('SageMaker developer guide, "async-inference-create-endpoint-prerequisites"'),
        ("aws:ResourceAccount",),
        subject="*: ModelExecutionRole",
    ),
)
"""Evidence for actions beyond the reference. An entry about an action and a resource decides."""

KEYS: Final = (
    KeyEvidence(("kms:*",), "kms:ViaService", ("s3.*", "sagemaker.*", "sns.*"), _KMS_THROUGH),
    KeyEvidence(
        ("kms:Decrypt", "kms:GenerateDataKey"),
        "kms:EncryptionContext:aws:s3:arn",
        ("arn:*:s3:::*",),
        _page('S3 user guide, "UsingKMSEncryption" (encryption context) and "bucket-key"'),
    ),
    KeyEvidence(
        ("*",),
        "aws:PrincipalArn",
        ("arn:*:iam::*:role/*",),
        _page('IAM user guide, "AWS global condition context keys" (in every signed request)'),
    ),
    KeyEvidence(
        ("events:PutEvents",),
        "aws:PrincipalOrgID",
        ("o-*",),
        _page('IAM user guide, "AWS global condition context keys" (if the account is in an organization)'),
    ),
    KeyEvidence(
        ("s3:*",),
        "aws:ResourceAccount",
        ("*",),
        _page(
            'IAM user guide, "AWS global condition context keys" (in every request but for a few services)'
        ),
    ),
    KeyEvidence(("sns:Publish",), "aws:SourceAccount", ("*",), _BY_ALARMS, "cloudwatch.amazonaws.com"),
    KeyEvidence(
        ("sns:Publish",),
        "aws:SourceArn",
        ("arn:*:cloudwatch:*:*:alarm:*",),
        _BY_ALARMS,
        "cloudwatch.amazonaws.com",
    ),
    KeyEvidence(("kms:*",), "aws:SourceAccount", ("*",), _KEY_OF_TOPIC, "cloudwatch.amazonaws.com"),
    KeyEvidence(
        ("kms:*",),
        "aws:SourceArn",
        ("arn:*:cloudwatch:*:*:alarm:*",),
        _KEY_OF_TOPIC,
        "cloudwatch.amazonaws.com",
    ),
    KeyEvidence(
        ("lambda:InvokeFunction", "sqs:SendMessage", "sns:Publish"),
        "aws:SourceArn",
        ("arn:*:events:*:*:rule/*",),
        _BY_EVENTBRIDGE,
        "events.amazonaws.com",
    ),
    KeyEvidence(
        ("sts:AssumeRole",),
        "aws:SourceAccount",
        ("*",),
        _page('EventBridge user guide, "cross-service-confused-deputy-prevention"'),
        "events.amazonaws.com",
    ),
    KeyEvidence(
        ("sts:AssumeRole",),
        "aws:SourceAccount",
        ("*",),
        _page('SageMaker developer guide, "security-confused-deputy-prevention"'),
        "sagemaker.amazonaws.com",
        Open(
            "Does SageMaker say for whose account it takes on the models' role, for endpoints as for jobs?",
            "Documented for SageMaker in general, and seen in one project. `execution_role_arn` may name a "
            "role with another trust policy.",
        ),
    ),
)
"""Evidence for keys where the reference does not say when a request has them."""

SERVICES: Final = (
    ServiceEvidence(
        "chatbot.amazonaws.com",
        ("sts:AssumeRole",),
        _seen("gist mikebroberts/e248d657f44655514d3e87f20409bea8 (a channel's role)", "2020-03"),
    ),
    ServiceEvidence("cloudwatch.amazonaws.com", ("sns:Publish",), _BY_ALARMS),
    ServiceEvidence("cloudwatch.amazonaws.com", ("kms:Decrypt", "kms:GenerateDataKey*"), _KEY_OF_TOPIC),
    ServiceEvidence(
        "events.amazonaws.com", ("lambda:InvokeFunction", "sns:Publish", "sqs:SendMessage"), _BY_EVENTBRIDGE
    ),
    ServiceEvidence(
        "events.amazonaws.com",
        ("sts:AssumeRole",),
        _page('EventBridge user guide, "eb-use-identity-based" (execution roles of targets)'),
    ),
    ServiceEvidence(
        "lambda.amazonaws.com",
        ("sts:AssumeRole",),
        _page('Lambda developer guide, "lambda-intro-execution-role"'),
    ),
    ServiceEvidence("sagemaker.amazonaws.com", ("sts:AssumeRole",), _ROLES),
)
"""Which services do what as themselves."""
