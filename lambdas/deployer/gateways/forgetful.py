"""Stand in for the services that a pass writes to, so that a pass can be tried and forgotten."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deployer.gateways.journal import Journal
from deployer.gateways.journal_table import JournalTable
from deployer.gateways.model_registry import ModelRegistry
from deployer.gateways.reporter import Reporter
from deployer.gateways.tags import Tags
from deployer.model.history import covers
from deployer.model.model_version import ApprovedVersion, ModelVersion
from deployer.model.names import same_arn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import datetime

    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_sagemaker import SageMakerClient

    from deployer.gateways.journal_table import Write
    from deployer.model.approval import Approval, HeardApproval
    from deployer.model.life_cycle import LifeCycle
    from deployer.model.model_version import Hidden
    from deployer.model.outcome import Outcome


class ForgetfulTable(JournalTable):
    """The journal's table, which is read and never written: every write seems to be made."""

    def write(self, *writes: Write) -> bool:
        """Drop the writes."""
        assert writes, "a transaction has writes"
        return True


class ForgetfulJournal(Journal):
    """The journal, which is read and never written."""

    def __init__(self, client: DynamoDBClient, *, table_name: str, now: Callable[[], datetime]) -> None:
        super().__init__(client, table_name=table_name, now=now, table_type=ForgetfulTable)

    def record_approval(
        self,
        approval: Approval | HeardApproval,
        replaced: Iterable[Approval | HeardApproval] = (),
        *,
        standing: Iterable[Approval] = (),
    ) -> bool:
        """Tell whether the approval would be written: the same or a later one may be there already."""
        known = self.read(approval.endpoint_name)
        return not covers(known, approval) and super().record_approval(approval, replaced, standing=standing)


class SilentReporter(Reporter):
    """Keeps the outcomes that a pass would report."""

    def __init__(self) -> None:
        self.outcomes: list[Outcome] = []

    def report(self, outcome: Outcome) -> bool:
        """Keep the outcome, and hand it to nobody."""
        self.outcomes.append(outcome)
        return True


class SupposedTags(Tags):
    """Tags as they would be with a few more. It refuses every write.

    Args:
        client: SageMaker's.
        added: The tags that are supposed, by resource.
    """

    def __init__(self, client: SageMakerClient, added: Mapping[str, Mapping[str, str]]) -> None:
        super().__init__(client)
        self._added = added

    def read(self, resource_arn: str) -> dict[str, str]:
        """Return a resource's tags, with those that are supposed."""
        return {**super().read(resource_arn), **self._added.get(resource_arn, {})}

    def change(self, resource_arn: str, *, add: Mapping[str, str], remove: frozenset[str]) -> None:
        """Refuse."""
        raise AssertionError(f"a tried pass tags {resource_arn}: {sorted(add)}, {sorted(remove)}")


class SupposedRegistry(ModelRegistry):
    """The registry as it would be if one version were changed. It refuses every write.

    Args:
        client: SageMaker's.
        version: The version as it would be; None to show the registry as it is.
    """

    def __init__(self, client: SageMakerClient, version: ModelVersion | None = None) -> None:
        super().__init__(client)
        self._version = version

    def describe_version(self, version_arn: str) -> ModelVersion | Hidden | None:
        """Return a version, or what is supposed of it. The name may be an ARN of another account."""
        found = super().describe_version(version_arn)
        supposed = self._version
        if supposed is not None and isinstance(found, ModelVersion) and same_arn(found.arn, supposed.arn):
            return supposed
        return found

    def approved_versions(self, model_package_group: str) -> list[ApprovedVersion]:
        """Return the approved versions, with or without the supposed one."""
        listed, supposed = super().approved_versions(model_package_group), self._version
        if supposed is None or supposed.group_name.lower() != _name(model_package_group):
            return listed
        others = [each for each in listed if not same_arn(each.arn, supposed.arn)]
        if not supposed.deployable:
            return others
        created_at = supposed.creation_time or supposed.last_modified_time
        mine = ApprovedVersion(supposed.arn, supposed.life_cycle, created_at)
        return sorted([*others, mine], key=lambda each: each.creation_time, reverse=True)

    def put_metadata(self, version_arn: str, properties: Mapping[str, str]) -> None:
        """Refuse."""
        raise AssertionError(f"a tried pass writes {sorted(properties)} to {version_arn}")

    def put_life_cycle(
        self, version_arn: str, life_cycle: LifeCycle, description: str, properties: Mapping[str, str]
    ) -> None:
        """Refuse."""
        told = f"{life_cycle}, {description}, {sorted(properties)}"
        raise AssertionError(f"a tried pass writes {told} to {version_arn}")


def _name(group: str) -> str:
    return group.rpartition("/")[2].lower()
