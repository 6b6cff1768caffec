"""Tells from SageMaker's reasons whether a retry may help, in every spelling seen. Pure."""

from __future__ import annotations

from typing import Final

TROUBLE: Final = {
    "InsufficientInstanceCapacity": "seen: aws/deep-learning-containers PR #6673",
    "Unable to provision requested ML compute capacity": "seen: DIAGNijmegen/rse-grand-challenge #2631",
    "CapacityError": "seen: DIAGNijmegen/rse-grand-challenge #2631, for jobs",
    "does not have sufficient capacity": "EC2 user guide, InsufficientInstanceCapacity",
    "ResourceLimitExceeded": "botocore: UpdateEndpoint; seen: aws/amazon-sagemaker-examples #307",
    "account-level service limit": "seen: aws/amazon-sagemaker-examples #307, the same without its code",
    "Request to service failed": 'SageMaker developer guide, "troubleshooting"',
    "InternalServerError": "seen: aws/sagemaker-python-sdk #70, for jobs",
    "InternalServerException": "spelling of other AWS services",
    "InternalFailure": 'AWS, "Common errors"',
    "We encountered an internal error": "seen: aws/sagemaker-python-sdk #70, for jobs",
    "ServiceUnavailable": 'AWS, "Common errors"',
    "ThrottlingException": "botocore: retries/standard.py",
    "Rate exceeded": "botocore: retries/standard.py",
}
"""Words for capacity, quotas and service faults, in any letter case, with their sources."""

ACCESS: Final = {
    "Could not access model data": "seen: CreateModel, philschmid/llm-sagemaker-sample #2",
    "Failed to download model data": (
        "seen: an endpoint, aws-solutions-library-samples/fraud-detection-using-machine-learning #9"
    ),
    "The execution role ARN": "seen: CreateModel, bentoml/BentoML #892",
    "Could not assume role": "seen: awslabs/predictive-maintenance-using-machine-learning #3, for jobs",
    "unable to assume the role": "seen: aws/sagemaker-python-sdk #43, for jobs",
    "sts:AssumeRole": "seen: astronomer/docs #1695, for jobs",
    "does not have BatchGetImage permission": "seen: an endpoint, aws/deep-learning-containers #759",
    "Please make sure all images included in the model": (
        "seen: an endpoint, aws/amazon-sagemaker-examples #275; the image may as well be missing"
    ),
    "is not authorized to perform": 'IAM user guide, "troubleshoot_access-denied", for every service',
    "You are not authorized to perform this operation": "seen: EC2, serverless/serverless #1966",
    "UnauthorizedOperation": "EC2 API reference, common errors",
    "AccessDenied": 'AWS, "Common errors", S3 and KMS included',
    "CreateNetworkInterface": (
        'SageMaker developer guide, "host-vpc": what a role needs for subnets; the words are not known'
    ),
    "kms:": 'botocore: CreateEndpointConfig KmsKeyId, "key-management": actions that are asked for',
    "ecr:": 'SageMaker developer guide, "sagemaker-roles": actions that are asked for',
    "s3:GetObject": 'SageMaker developer guide, "sagemaker-roles": an action that is asked for',
    "s3:ListBucket": 'SageMaker developer guide, "sagemaker-roles": an action that is asked for',
}
"""Words for permissions and trust, in any letter case, with their sources. IAM's edits take a while to be
known everywhere, so SageMaker may say this for some time after the stack's deployment. A missing permission
reads the same; so tries are few."""

_TROUBLE: Final = tuple(each.lower() for each in TROUBLE)
_ACCESS: Final = tuple(each.lower() for each in ACCESS)


def may_pass(reason: str) -> bool:
    """Tell whether a request that failed for this reason may succeed later, unchanged."""
    said = reason.lower()
    return any(each in said for each in _TROUBLE) or may_be_early(reason)


def may_be_early(reason: str) -> bool:
    """Tell whether the reason is a permission that may be granted and not known everywhere yet."""
    said = reason.lower()
    return any(each in said for each in _ACCESS)
