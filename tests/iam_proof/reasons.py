"""Owns why something stays in a policy, or is not kept narrower, although no scenario fails without it."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from tests.iam_proof.mutants import Taken
    from tests.infra.roles import Subject


@dataclass(frozen=True, slots=True)
class Reason:
    """Why some elements stay; in each pattern `*` matches anything, also a literal `*`.

    Attributes:
        why: For people.
        subject: The holder of the policies: stack and holder.
        sid: The statement.
        part: The changed part.
        text: The element in the policy's words.
    """

    why: str
    subject: str = "*"
    sid: str = "*"
    part: str = "*"
    text: str = "*"

    def is_about(self, subject: Subject, taken: Taken) -> bool:
        """Tell whether it says why this stays."""
        pairs = (
            (str(subject), self.subject),
            (taken.sid, self.sid),
            (taken.part.value, self.part),
            (taken.text, self.text),
        )
        return all(fnmatchcase(given, pattern) for given, pattern in pairs)


def reason_for(subject: Subject, taken: Taken) -> Reason | None:
    """Return the first reason that is about something; None if there is none."""
    return next((each for each in REASONS if each.is_about(subject, taken)), None)


_LAMBDA: Final = (
    "Lambda itself does it with the function's role, outside of the function (Lambda guide, execution "
    "roles). The local cloud keeps a function's log without asking."
)
_DECRYPT: Final = (
    "S3 asks KMS in the reader's name when an object is encrypted with a key (S3 user guide, "
    '"UsingKMSEncryption"). For the deployer\'s own reads the in-process cloud does not ask.'
)
_BUCKET_KEY: Final = (
    'With a bucket key, S3 decrypts in the bucket\'s name (S3 user guide, "bucket-key"). MiniStack keeps no '
    "bucket keys."
)
_NOT_MODELLED: Final = (
    'Listed by SageMaker\'s developer guide ("sagemaker-roles"); the local cloud does not ask for it: '
)
_BOTH_SIDES: Final = (
    "Within an account a trust policy that names a role is enough (IAM user guide, "
    '"reference_policies_evaluation-logic"). Said on the caller\'s side too, the role of the function shows '
    "what it may take on."
)

REASONS: Final[tuple[Reason, ...]] = (
    # Functions
    Reason(_LAMBDA, sid="WriteLogs", part="action", subject="*: DeployerRole"),
    Reason(_LAMBDA, sid="WriteLogs", part="resource", subject="*: DeployerRole"),
    Reason(_LAMBDA, sid="WriteLogs", part="action", subject="*: PolicyEditorRole"),
    Reason(_LAMBDA, sid="WriteLogs", part="resource", subject="*: PolicyEditorRole"),
    Reason(_BOTH_SIDES, subject="registry: PolicyEditorRole", sid="#2", part="action"),
    Reason(_BOTH_SIDES, subject="registry: PolicyEditorRole", sid="#2", part="resource"),
    Reason(
        "Each bucket's permission is of its own and leaves with it. While there is another bucket's, "
        "that one allows it too.",
        subject="registry: PolicyEditorRole1",
        sid="#?",
        text="s3:ListAllMyBuckets",
    ),
    Reason(
        "What is listed is the account's buckets: another bucket's permission allows the same.",
        subject="registry: PolicyEditorRole1",
        part="resource",
        text="[*]",
    ),
    # The deployer
    Reason(
        "A second lock: each dimension allowed begins with `sagemaker:`, so that no well-formed request gets "
        "past it. Both keys are the service's own (service authorization reference).",
        part="condition",
        text="StringEquals application-autoscaling:service-namespace",
    ),
    Reason(_BUCKET_KEY, sid="DecryptSmokeTests*", part="value", text="*:s3:::checks"),
    Reason(_BUCKET_KEY, sid="DecryptSmokeTests*", part="value", text="*:s3:::sagemaker-{region}-{account}"),
    Reason(_DECRYPT, sid="DecryptSmokeTests*"),
    Reason(
        "With autoscaling, KeepScalingAlarms allows the same on every alarm. A stack without it has nothing "
        "else: tests/infra/sufficiency/test_alarms.py.",
        subject="one account: DeployerRole",
        sid="[CM]*Alarms",
    ),
    # The models' role
    Reason(_BUCKET_KEY, subject="*: ModelExecutionRole", sid="DecryptArtifacts", part="value"),
    Reason(_BUCKET_KEY, sid="EncryptCallsAndAnswers", part="value"),
    Reason(_BUCKET_KEY, sid="DecryptRequests", part="value"),
    Reason(
        _NOT_MODELLED + "pulling goes on without a check of layers.",
        sid="*Pull*",
        text="ecr:BatchCheckLayerAvailability",
    ),
    Reason(_NOT_MODELLED + "it keeps the logs of models by itself.", subject="*Model*", sid="WriteLogs"),
    Reason(_NOT_MODELLED + "it publishes the metrics of endpoints by itself.", sid="WriteMetrics"),
    Reason(
        "A large answer is written in parts, and given up so (developer guide, "
        '"async-inference-create-endpoint-prerequisites"). The local cloud writes each in one.',
        sid="WriteCallsAndAnswers",
        text="s3:AbortMultipartUpload",
    ),
    Reason(
        "Settings name this key: its use does not rest on what S3 says of the object. What buckets are "
        "granted allows the same as long as S3 says which one it is.",
        sid="EncryptAnswersByAlias",
    ),
    Reason(
        "A publisher to an encrypted topic needs `kms:GenerateDataKey*` (SNS developer guide, "
        '"sns-key-management"). The local cloud asks for one of these actions.',
        sid="Encrypt[NO]*",
        text="kms:GenerateDataKeyWithoutPlaintext",
    ),
    Reason(_NOT_MODELLED + "it makes no network interfaces, and so deletes none.", text="ec2:Delete*"),
    Reason(_NOT_MODELLED + "it looks no networks up.", sid="ReadVpc"),
    # Rules, alarms, topics and queues
    Reason(
        "A second lock: the ARN in the other condition names the account too. AWS's guides have both keys "
        '(SNS developer guide, "sns-key-management").',
        part="condition",
        text="StringEquals aws:SourceAccount",
    ),
    Reason(
        "Without it nobody could change the key any more, or delete it (KMS developer guide, "
        '"key-policy-default"). Nothing in the stack does.',
        subject="registry: AlarmsKey",
        sid="#1",
    ),
)
"""The exact ones before those that are about more."""
