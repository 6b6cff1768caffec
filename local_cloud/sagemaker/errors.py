"""Every refusal of the control plane: code, HTTP status and exact message.

Owns the texts, so that one place shows their origin. Somebody observed "seen" texts on AWS (docs/fidelity.md
has sources). The others are marked "wording ours"; clients must not match on them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

VALIDATION_EXCEPTION = "ValidationException"


class ServiceError(Exception):
    """A refusal as AWS would send it.

    Attributes:
        code: What botocore shows as `Error.Code`.
        message: What botocore shows as `Error.Message`.
        status: The HTTP status.
    """

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status


def validation(message: str) -> ServiceError:
    """Return a ValidationException with this message."""
    return ServiceError(VALIDATION_EXCEPTION, message)


def asynchronous_removed(endpoint_name: str) -> ServiceError:
    """Refuse to make an asynchronous endpoint a real-time one.

    Seen (aws/sagemaker-python-sdk PR #3124), except the end, which the public text cuts off.
    """
    return validation(
        f"The AsyncInferenceConfig parameter cannot be removed from this endpoint {endpoint_name}. To change "
        "the endpoint's type, create another endpoint."
    )


def asynchronous_added(endpoint_name: str) -> ServiceError:
    """Refuse to make a real-time endpoint an asynchronous one. Wording ours, after the reverse case."""
    return validation(
        f"The AsyncInferenceConfig parameter cannot be added to this endpoint {endpoint_name}. To change the "
        "endpoint's type, create another endpoint."
    )


def other_variants(present: Iterable[str]) -> ServiceError:
    """Refuse a guarded update to other variants. Wording ours."""
    return validation(
        "A deployment with a DeploymentConfig requires the new endpoint configuration to have the variant "
        f"names of the present one: {', '.join(present)}."
    )


def serialization(message: str) -> ServiceError:
    """Return the answer to a body that is not JSON of the operation's types."""
    return ServiceError("SerializationException", message)


def unknown_operation(operation: str) -> ServiceError:
    """Refuse an operation that is not modelled here, by name. Wording ours."""
    return ServiceError(
        "UnknownOperationException",
        f"The local cloud does not support the SageMaker operation {operation!r}. "
        "docs/fidelity.md lists what it supports.",
    )


def throttled() -> ServiceError:
    """Refuse a call above the rate; botocore retries it. Seen."""
    return ServiceError("ThrottlingException", "Rate exceeded")


def conflict(message: str) -> ServiceError:
    """Return a ConflictException with this message."""
    return ServiceError("ConflictException", message)


def access_denied(principal_arn: str, action: str, resource_arn: str) -> ServiceError:
    """Refuse cross-account access that no resource policy allows; IAM's own wording."""
    return ServiceError(
        "AccessDeniedException",
        f"User: {principal_arn} is not authorized to perform: {action} on resource: {resource_arn} "
        f"because no resource-based policy allows the {action} action",
    )


def not_authorized(message: str) -> ServiceError:
    """Refuse what IAM does not allow; the message is IAM's own."""
    return ServiceError("AccessDeniedException", message)


def scalable_target_remains() -> ServiceError:
    """Refuse to delete a scaled endpoint to a caller who may not deregister it. Seen."""
    return validation(
        "An Application AutoScaling scalable target exists for a variant being deleted, and the IAM identity "
        "used to invoke DeleteEndpoint does not have application-autoscaling:DeregisterScalableTarget "
        "permission to deregister the scalable target."
    )


def not_modelled(what: str, remedy: str) -> ServiceError:
    """Refuse a member that needs something that is not modelled, instead of ignoring it.

    Wording ours.
    """
    return validation(f"The local cloud does not model {what}. {remedy}")


def could_not_find(noun: str, quoted: str) -> ServiceError:
    """Answer for a missing endpoint, endpoint configuration or model. Seen."""
    return validation(f'Could not find {noun} "{quoted}".')


def already_exists(noun: str, arn: str) -> ServiceError:
    """Refuse to create an endpoint, endpoint configuration or model again. Seen."""
    return validation(f'Cannot create already existing {noun} "{arn}".')


def in_progress(arn: str) -> ServiceError:
    """Refuse any change while the endpoint is changing, its deletion included. Seen."""
    return validation(f'Cannot update in-progress endpoint "{arn}".')


def failed_endpoint(arn: str) -> ServiceError:
    """Refuse everything but DeleteEndpoint on a Failed endpoint. Seen."""
    return validation(f'Cannot update failed endpoint "{arn}".')


def status_refuses(operation: str, status: str, arn: str) -> ServiceError:
    """Refuse an operation in a status; nobody has seen AWS's refusal. Wording ours."""
    return validation(f'Cannot perform {operation} on endpoint "{arn}" in status {status}.')


def does_not_exist(noun: str, arn: str) -> ServiceError:
    """Answer for a missing ModelPackage or ModelPackageGroup. Seen."""
    return validation(f"{noun} {arn} does not exist.")


def group_already_exists(arn: str) -> ServiceError:
    """Refuse to create a model package group again. The beginning was seen."""
    return validation(f"Model Package Group already exists: {arn}")


def group_does_not_exist() -> ServiceError:
    """Refuse CreateModelPackage into a missing group, named by name or ARN. Seen, the whole sentence."""
    return validation("Model Package Group does not exist.")


def package_already_exists(arn: str) -> ServiceError:
    """Refuse to create an unversioned model package again. The beginning was seen."""
    return validation(f"ModelPackage already exists: {arn}")


def other_region(region: str) -> ServiceError:
    """Refuse a package ARN of another region. Seen."""
    return validation(f"ARN should be scoped to correct region: {region}")


def group_is_not_empty(arn: str) -> ServiceError:
    """Refuse to delete a model package group that has versions. Code from the model, wording ours."""
    return conflict(
        f"Cannot delete Model Package Group {arn}: it still contains model packages. Delete them first."
    )


def cannot_find_group(arn: str) -> ServiceError:
    """Answer a policy call for a missing group. Seen."""
    return validation(f"Cannot find Model Package Group: {arn}")


def cannot_find_policy(arn: str) -> ServiceError:
    """Answer for a group without a resource policy. Seen."""
    return validation(f"Cannot find resource policy for: {arn}")


def both_package_names() -> ServiceError:
    """Refuse CreateModelPackage with a package name and a group name. Seen."""
    return validation(
        "Both ModelPackageName and ModelPackageGroupName are provided in the input. "
        "Cannot determine which one to use."
    )


def neither_package_name() -> ServiceError:
    """Refuse CreateModelPackage with neither a package name nor a group name. Seen."""
    return validation("Missing ARN.")


def image_next_to_package() -> ServiceError:
    """Refuse a container with a package and an image or model data, or with none of them. Seen."""
    return validation(
        "Specify one of either Image and Model Data URL or ModelPackageName in container definition."
    )


def invalid_execution_role(role_arn: str) -> ServiceError:
    """Refuse an execution role that SageMaker cannot assume. Seen."""
    return validation(
        f'The execution role ARN "{role_arn}" is invalid. Please ensure that the role exists and that its '
        'trust relationship policy allows the action "sts:AssumeRole" for the service principal '
        '"sagemaker.amazonaws.com".'
    )


def cross_account_role() -> ServiceError:
    """Refuse an execution role of another account. Documented for processing jobs."""
    return validation("RoleArn: Cross-account pass role is not allowed.")


def unreadable_model_data(url: str, role_arn: str, region: str) -> ServiceError:
    """Refuse model data that cannot be read. Seen."""
    return validation(
        f'Could not access model data at {url}. Please ensure that the role "{role_arn}" exists and that '
        'its trust relationship policy allows the action "sts:AssumeRole" for the service principal '
        '"sagemaker.amazonaws.com". '
        'Also ensure that the role has "s3:GetObject" permissions and that the object is located in '
        f"{region}. If your Model uses multiple models or uncompressed models, please ensure that the role "
        'has "s3:ListBucket" permission.'
    )


def no_model_data(url: str) -> ServiceError:
    """Refuse a prefix under which the role finds no model data. Seen."""
    return validation(f"Could not find model data at {url}.")


def role_needed_for_model_data() -> ServiceError:
    """Refuse model data without a role to read them. Wording ours."""
    return validation(
        "ExecutionRoleArn is required for a model whose containers have model data: SageMaker reads the "
        "data with it."
    )


def unapproved_package(arn: str, status: str) -> ServiceError:
    """Refuse to deploy a version that is not Approved. Wording ours."""
    return validation(
        f"Model package {arn} cannot be deployed: its ModelApprovalStatus is {status}, and it must be "
        "Approved."
    )


def incomplete_package(arn: str, status: str) -> ServiceError:
    """Refuse to use a version that is not Completed. Wording ours."""
    return validation(
        f"Model package {arn} cannot be used: its ModelPackageStatus is {status}, not Completed."
    )


def instance_quota(instance_type: str, limit: int, utilization: int, delta: int) -> ServiceError:
    """Refuse instances beyond the account's quota. Seen."""
    return ServiceError(
        "ResourceLimitExceeded",
        f"The account-level service limit '{instance_type} for endpoint usage' is {limit} Instances, with "
        f"current utilization of {utilization} Instances and a request delta of {delta} Instances. Please "
        "use AWS Service Quotas to request an increase for this quota. If AWS Service Quotas is not "
        "available, contact AWS support to request an increase for this quota.",
    )


def missing_alarms(names: Iterable[str]) -> ServiceError:
    """Refuse an update whose rollback alarms do not exist. Whether AWS does is a switch; wording ours."""
    return validation(
        f"The alarm(s) {', '.join(names)} in AutoRollbackConfiguration could not be found. Create them in "
        "this account and Region first."
    )


def alarms_in_alarm(names: Iterable[str]) -> ServiceError:
    """Refuse an update whose rollback alarms are in ALARM. Whether AWS does is a switch; wording ours."""
    return validation(
        f"The alarm(s) {', '.join(names)} in AutoRollbackConfiguration are in ALARM. Update the endpoint "
        "when they are not."
    )


def registered_variants(names: Iterable[str]) -> ServiceError:
    """Refuse to remove registered variants, or to change their instance type.

    AWS documents the refusal, but not its words; clients look for "deregister".
    """
    quoted = ", ".join(f'"{name}"' for name in names)
    return validation(
        f"The variant(s) {quoted} must be deregistered as scalable targets with AWS Auto Scaling before they "
        "can be removed or have their instance type updated."
    )


def volume_size(instance_type: str) -> ServiceError:
    """Refuse a volume's size for instances with NVMe disks. Seen (autogluon-cloud PR #50)."""
    return validation(f"VolumeSize parameter is not allowed for the selected Instance type {instance_type}")


def unknown_variants(names: Iterable[str], endpoint_config_name: str) -> ServiceError:
    """Refuse weights or capacities for variants that the config lacks. Seen."""
    quoted = ", ".join(f'"{name}"' for name in names)
    return validation(
        f"The variant name(s) {quoted} is/are not present within endpoint configuration "
        f'"{endpoint_config_name}".'
    )


def repeated_variant(name: str) -> ServiceError:
    """Refuse a variant that a request names twice. Seen."""
    return validation(f'The variant name "{name}" was non-unique within the request.')


def invalid_token() -> ServiceError:
    """Refuse a NextToken that this call did not hand out. Wording ours."""
    return validation("Invalid NextToken: it was not returned by an earlier call with the same parameters.")


def invalid_policy(why: str) -> ServiceError:
    """Refuse an invalid resource policy. Wording ours."""
    return validation(f"Invalid resource policy: {why}")


def too_many_tags(arn: str, limit: int) -> ServiceError:
    """Refuse more tags than a resource may have. Wording ours."""
    return validation(f"{arn} cannot have more than {limit} tags.")


def repeated_tag(key: str) -> ServiceError:
    """Refuse a tag key that a request names twice. Wording ours."""
    return validation(f"Duplicate tag key {key!r}: tag keys must be unique per resource.")


def reserved_tag(key: str) -> ServiceError:
    """Refuse a tag key with the reserved prefix. Wording ours."""
    return validation(f"The tag key {key!r} cannot be used: the prefix aws: is reserved.")
