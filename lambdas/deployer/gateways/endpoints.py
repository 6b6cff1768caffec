"""Calls SageMaker for endpoints: describes, lists, creates, updates, rescales and deletes them."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from deployer.contract import CONCURRENCY, INSTANCES
from deployer.gateways.refusals import upkeep_refusals
from deployer.gateways.sagemaker_errors import (
    NOT_FOUND_CONFIG,
    NOT_FOUND_ENDPOINT,
    RefusedError,
    denied_as_gone,
    is_error,
    narrowed,
)
from deployer.model.endpoint import Endpoint, EndpointSummary, VariantStatus
from deployer.model.excerpts import excerpt
from deployer.model.variant_properties import COUNT, WEIGHT, in_words

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mypy_boto3_sagemaker import SageMakerClient

    from deployer.model.variant_properties import PropertyToSet


class Endpoints:
    """Endpoints of one account and region."""

    def __init__(self, client: SageMakerClient) -> None:
        self._client = client

    def describe(self, endpoint_name: str) -> Endpoint | None:
        """Return the endpoint, or None if there is none."""
        try:
            answer: Mapping[str, Any] = self._client.describe_endpoint(EndpointName=endpoint_name)
        except ClientError as error:
            # "Could not find endpoint configuration" has the same prefix and another meaning.
            if is_error(error, NOT_FOUND_ENDPOINT) and not is_error(error, NOT_FOUND_CONFIG):
                return None
            raise
        pending = answer.get("PendingDeploymentSummary")
        return Endpoint(
            name=answer["EndpointName"],
            arn=answer["EndpointArn"],
            status=answer["EndpointStatus"],
            endpoint_config_name=answer.get("EndpointConfigName"),
            pending_endpoint_config_name=pending["EndpointConfigName"] if pending else None,
            # Seen with a space before it (bentoml/aws-sagemaker-deploy #2).
            failure_reason=excerpt((answer.get("FailureReason") or "").strip()) or None,
            last_modified_time=answer["LastModifiedTime"].astimezone(UTC),
            created_at=answer["CreationTime"].astimezone(UTC),
            scaled_by={
                each["VariantName"]: CONCURRENCY if "CurrentServerlessConfig" in each else INSTANCES
                for each in answer.get("ProductionVariants", ())
            },
            variant_properties={
                each["VariantName"]: {name: float(each[name]) for name in (COUNT, WEIGHT) if name in each}
                for each in answer.get("ProductionVariants", ())
            },
            pending_statuses=tuple(
                tuple(
                    VariantStatus(status["Status"], status.get("StatusMessage") or "")
                    for status in each.get("VariantStatus") or ()
                )
                for each in (pending or {}).get("ProductionVariants") or ()
            ),
        )

    def summaries(self) -> dict[str, EndpointSummary]:
        """Return every endpoint of the account and region by its name: one call per hundred."""
        found: dict[str, EndpointSummary] = {}
        token: dict[str, Any] = {}
        while True:
            page = self._client.list_endpoints(MaxResults=100, **token)
            for summary in page["Endpoints"]:
                found[summary["EndpointName"]] = EndpointSummary(
                    summary["EndpointStatus"], summary["LastModifiedTime"].astimezone(UTC)
                )
            if "NextToken" not in page:
                return found
            token = {"NextToken": page["NextToken"]}

    def summary(self, endpoint_name: str) -> EndpointSummary | None:
        """Return one endpoint as a list would show it; None if there is none."""
        endpoint = self.describe(endpoint_name)
        return None if endpoint is None else EndpointSummary(endpoint.status, endpoint.last_modified_time)

    def create(self, request: dict[str, Any]) -> None:
        """Create the endpoint.

        Raises:
            BusyError: It exists already.
            RefusedError: The request is refused.
        """
        with narrowed(needs=frozenset({request["EndpointConfigName"]})):
            self._client.create_endpoint(**request)

    def update(self, request: dict[str, Any]) -> None:
        """Update the endpoint.

        Raises:
            BusyError: Another change of it is under way.
            RefusedError: The request is refused.
        """
        with narrowed(needs=frozenset({request["EndpointConfigName"]})):
            self._client.update_endpoint(**request)

    def set_properties(self, endpoint_name: str, to_set: Sequence[PropertyToSet]) -> None:
        """Set counts and weights of an endpoint's variants.

        Raises:
            UpkeepRefusedError: SageMaker refuses it.
        """
        changes: list[Any] = [
            {
                "VariantName": each.variant_name,
                each.name: int(each.value) if each.name == COUNT else each.value,
            }
            for each in to_set
        ]
        with upkeep_refusals(
            f"{endpoint_name} does not have {in_words(to_set)}",
            remedy="Set it yourself, change its YAML, or remove the named cause.",
        ):
            self._client.update_endpoint_weights_and_capacities(
                EndpointName=endpoint_name, DesiredWeightsAndCapacities=changes
            )

    def delete(self, endpoint_name: str) -> None:
        """Delete an endpoint, if it exists.

        Raises:
            BusyError: A change of it is under way.
            RefusedError: The request is refused.
        """
        try:
            with narrowed(), denied_as_gone(lambda: self.describe(endpoint_name) is None):
                self._client.delete_endpoint(EndpointName=endpoint_name)
        except RefusedError as error:
            if NOT_FOUND_ENDPOINT not in str(error):
                raise
