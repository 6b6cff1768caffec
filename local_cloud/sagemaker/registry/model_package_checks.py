"""Refusals when a model package is registered or changed, beyond its shape."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from local_cloud.sagemaker import errors
from local_cloud.sagemaker.switch_settings import Answer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from local_cloud.sagemaker.registry.model_package import ModelPackage
    from local_cloud.sagemaker.state import Scope, State


_VERSION_ONLY_MEMBERS = ("ModelApprovalStatus", "ModelLifeCycle")


def check_unversioned(state: State, scope: Scope, request: Mapping[str, Any]) -> None:
    """Refuse to register an unversioned package under a name that is taken, or with members of versions."""
    name = request["ModelPackageName"]
    if name.lower() in scope.model_packages:
        raise errors.package_already_exists(state.arn(scope, "model-package", name))
    for member in _VERSION_ONLY_MEMBERS:
        if member in request:
            raise errors.validation(f"{member} does not apply to unversioned model packages.")
    specification = request.get("InferenceSpecification")
    if specification is None:
        raise errors.validation("InferenceSpecification is required for unversioned model packages.")
    for member in ("SupportedRealtimeInferenceInstanceTypes", "SupportedTransformInstanceTypes"):
        if member not in specification:
            raise errors.validation(
                f"InferenceSpecification.{member} is required for unversioned model packages."
            )


def check_update(state: State, package: ModelPackage, request: Mapping[str, Any]) -> None:
    """Refuse changes of members that cannot change."""
    if package.version is None:
        for member in _VERSION_ONLY_MEMBERS:
            if member in request:
                raise errors.validation(f"{member} does not apply to unversioned model packages.")
    if (
        request.get("ModelApprovalStatus") == "PendingManualApproval"
        and package.approval_status != "PendingManualApproval"
        and state.switches.return_to_pending is Answer.REFUSE
    ):
        raise errors.validation(
            f"ModelApprovalStatus of {package.arn} cannot change from {package.approval_status} "
            "to PendingManualApproval."
        )


def refuse_what_is_not_modelled(request: Mapping[str, Any]) -> None:
    """Refuse members of a registration that the local cloud does not model."""
    if request.get("ValidationSpecification"):
        raise errors.not_modelled(
            "ValidationSpecification", "Register the package without validation profiles."
        )
    if request.get("SourceAlgorithmSpecification"):
        raise errors.not_modelled(
            "algorithms", "Use InferenceSpecification instead of SourceAlgorithmSpecification."
        )
    if request.get("CertifyForMarketplace"):
        raise errors.not_modelled("the Marketplace", "Leave CertifyForMarketplace out.")
