"""Owns why something stays in the deployer's role although no scenario fails without it."""

from __future__ import annotations

from typing import Final

from tests.iam_proof.mutants import Part, Taken

_LAMBDA = (
    "Lambda itself does it with the function's role, outside of the function (Lambda developer guide, "
    "execution roles and asynchronous destinations). "
)
_DESTINATION = _LAMBDA + "`tests/e2e` has an event end in that queue."
_LOGS = _LAMBDA + "The local cloud keeps a function's log without asking."
_SCALING = (
    "Application Auto Scaling may ask for it in the caller's name: SageMaker's developer guide lists it "
    '("endpoint-auto-scaling-prerequisites"). The local cloud asks for what the user guide says is checked.'
)
_NAMESPACE = (
    "A second lock: each dimension allowed begins with `sagemaker:`, so that no well-formed request gets "
    "past it. Both keys are the service's own (service authorization reference)."
)
_DECRYPT = (
    "S3 asks KMS in the reader's name when an object is encrypted with a key (S3 user guide, "
    '"UsingKMSEncryption"). The in-process cloud does not ask.'
)
_BUCKET_KEY = _DECRYPT + " With a bucket key the context is the bucket and not the object."
_CONTEXT: Final = "kms:EncryptionContext:aws:s3:arn = arn:aws:s3:::"
_SAMPLES: Final = "sagemaker-{region}-{account}"

REASONS: Final[dict[Taken, str]] = {
    Taken("SendUnhandled", Part.ACTION, "sqs:SendMessage"): _DESTINATION,
    Taken(
        "SendUnhandled", Part.RESOURCE, "arn:aws:sqs:{region}:{account}:UnhandledQueueFC35D9B5"
    ): _DESTINATION,
    Taken("WriteLogs", Part.ACTION, "logs:CreateLogStream"): _LOGS,
    Taken("WriteLogs", Part.ACTION, "logs:PutLogEvents"): _LOGS,
    Taken(
        "WriteLogs", Part.RESOURCE, "arn:aws:logs:{region}:{account}:log-group:DeployerLogs228AA106:*"
    ): _LOGS,
    Taken(
        "ReadAllSettings", Part.RESOURCE, "arn:aws:ssm:{region}:{account}:parameter/greenlight/endpoints"
    ): (
        "The deployer asks for the path with its last slash. That Systems Manager asks IAM about it with the "
        "slash is not documented; the local cloud does."
    ),
    Taken("EndScaling", Part.CONDITION, "StringEquals application-autoscaling:service-namespace"): _NAMESPACE,
    Taken(
        "ScaleVariants", Part.CONDITION, "StringEquals application-autoscaling:service-namespace"
    ): _NAMESPACE,
    Taken("ScaleOwn", Part.ACTION, "sagemaker:UpdateEndpointWeightsAndCapacities"): _SCALING,
    Taken("ScaleOwn", Part.RESOURCE, "arn:aws:sagemaker:{region}:{account}:endpoint/*"): _SCALING,
    Taken("KeepScalingAlarms", Part.ACTION, "cloudwatch:DeleteAlarms"): _SCALING,
    Taken("DecryptSmokeTests", Part.ACTION, "kms:Decrypt"): _DECRYPT,
    Taken("DecryptSmokeTests", Part.RESOURCE, "arn:aws:kms:{region}:{account}:key/*"): _DECRYPT,
    Taken("DecryptSmokeTests", Part.VALUE, f"{_CONTEXT}checks"): _BUCKET_KEY,
    Taken("DecryptSmokeTests", Part.VALUE, f"{_CONTEXT}checks/one.csv"): _DECRYPT,
    Taken("DecryptSmokeTests", Part.VALUE, f"{_CONTEXT}{_SAMPLES}"): _BUCKET_KEY,
    Taken("DecryptSmokeTests", Part.VALUE, f"{_CONTEXT}{_SAMPLES}/*"): _DECRYPT,
}
"""What is taken, and why it stays nevertheless."""
