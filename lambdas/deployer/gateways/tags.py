"""Reads and changes the tags of SageMaker's resources."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from deployer.gateways.refusals import upkeep_refusals

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mypy_boto3_sagemaker import SageMakerClient


class Tags:
    """Tags of endpoints, endpoint configs and models."""

    def __init__(self, client: SageMakerClient) -> None:
        self._client = client

    def read(self, resource_arn: str) -> dict[str, str]:
        """Return a resource's tags."""
        tags: dict[str, str] = {}
        token: dict[str, Any] = {}
        while True:
            page = self._client.list_tags(ResourceArn=resource_arn, **token)
            tags |= {each["Key"]: each["Value"] for each in page["Tags"]}
            if "NextToken" not in page:
                return tags
            token = {"NextToken": page["NextToken"]}

    def change(self, resource_arn: str, *, add: Mapping[str, str], remove: frozenset[str]) -> None:
        """Add tags to a resource, overwriting those of the same keys, and remove others.

        Raises:
            UpkeepRefusedError: SageMaker refuses some.
        """
        with upkeep_refusals(
            f"The tags of {resource_arn} are not as its settings say",
            remedy="Change `tags` in its YAML, or remove the named cause.",
        ):
            if remove:
                self._client.delete_tags(ResourceArn=resource_arn, TagKeys=sorted(remove))
            if add:
                self._client.add_tags(
                    ResourceArn=resource_arn,
                    Tags=[{"Key": key, "Value": value} for key, value in add.items()],
                )
