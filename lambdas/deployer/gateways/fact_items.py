"""Names the records of an endpoint's facts, and reads them together. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from deployer.contract import JOURNAL_PARTITION_KEY, JOURNAL_SORT_KEY
from deployer.gateways.approval_items import read_approval, read_heard
from deployer.gateways.journal_items import (
    attempt_item,
    read_attempt,
    read_last_observed,
    read_time,
    without_keys,
)
from deployer.gateways.journal_table import stored_time
from deployer.model.attempt import Attempt, Deployment, Promotion
from deployer.model.history import History, LastObserved, ReleaseRecord

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from deployer.model.approval import Approval, HeardApproval, Weight

FACT: Final = "fact#"
LATEST_ATTEMPT: Final = f"{FACT}attempt"
LAST_OBSERVED: Final = f"{FACT}endpoint"
_FACT_APPROVAL: Final = f"{FACT}approval#"
LAST_DEPLOYMENT: Final = f"{FACT}deployment"
LAST_PROMOTION: Final = f"{FACT}promotion"
_FACT_RELEASE: Final = f"{FACT}release#"
_FACT_UNANNOUNCED: Final = f"{FACT}unannounced#"


def standing_key(approval: Approval | HeardApproval, weight: Weight | None = None) -> str:
    """Return the key of the record of an approval that may stand: one per version and weight.

    Args:
        approval: The approval.
        weight: Another weight than its own.
    """
    return standing_key_of(approval.version_arn, weight or approval.weight)


def standing_key_of(version_arn: str, weight: Weight) -> str:
    """Return the same key, by the version and the weight."""
    return f"{approvals_prefix(version_arn)}{weight.value}"


def approvals_prefix(version_arn: str) -> str:
    """Return how the keys of the records of a version's approvals begin."""
    return f"{_FACT_APPROVAL}{version_arn.lower()}#"


def release_key(endpoint_config_name: str) -> str:
    """Return the key of a release's record."""
    return f"{_FACT_RELEASE}{endpoint_config_name}"


def unannounced_key(number: int) -> str:
    """Return the key of the copy of an attempt whose end was not announced."""
    return f"{_FACT_UNANNOUNCED}{number:09d}"


def promotion_key(version_arn: str) -> str:
    """Return the key of a version's last promotion."""
    return f"promotion#{version_arn.lower()}"


def read_facts(items: Iterable[Mapping[str, Any]]) -> History:
    """Return what the records of one endpoint say, in any order."""
    approvals: list[Approval] = []
    heard: list[HeardApproval] = []
    releases: dict[str, ReleaseRecord] = {}
    unannounced: list[Attempt] = []
    promotions: list[Attempt] = []
    latest: Attempt | None = None
    last_deployment: Attempt | None = None
    last_observed = LastObserved()
    for item in items:
        key = item[JOURNAL_SORT_KEY]["S"]
        if key == LATEST_ATTEMPT:
            latest = read_attempt(item)
        elif key == LAST_OBSERVED:
            last_observed = read_last_observed(item)
        elif key == LAST_DEPLOYMENT:
            last_deployment = read_attempt(item)
        elif key == LAST_PROMOTION:
            promotions.append(read_attempt(item))
        elif key.startswith(_FACT_UNANNOUNCED):
            unannounced.append(read_attempt(item))
        elif key.startswith(_FACT_RELEASE):
            record = read_release(item)
            releases[record.endpoint_config_name] = record
        elif "unread" in item:
            heard.append(read_heard(item))
        else:
            approvals.append(read_approval(item))
    return History(
        approvals=tuple(sorted(approvals, key=lambda each: each.order, reverse=True)),
        heard=tuple(heard),
        releases=releases,
        latest_attempt=latest,
        unannounced=tuple(sorted(unannounced, key=lambda each: each.number, reverse=True)),
        last_deployment=last_deployment if isinstance(last_deployment, Deployment) else None,
        promotions=tuple(each for each in promotions if isinstance(each, Promotion)),
        last_observed=last_observed,
    )


def release_item(endpoint_name: str, record: ReleaseRecord) -> dict[str, Any]:
    """Return the item of a release's record."""
    until = record.vouched_until
    return {
        JOURNAL_PARTITION_KEY: {"S": endpoint_name},
        JOURNAL_SORT_KEY: {"S": release_key(record.endpoint_config_name)},
        "deployments": {"L": [{"M": without_keys(attempt_item(each))} for each in record.deployments]},
        "made": {"BOOL": record.made},
        **({"vouched_until": {"S": stored_time(until)}} if until is not None else {}),
    }


def read_release(item: Mapping[str, Any]) -> ReleaseRecord:
    """Return the release's record that an item holds."""
    partition = {JOURNAL_PARTITION_KEY: item[JOURNAL_PARTITION_KEY]}
    deployments = (read_attempt({**partition, **each["M"]}) for each in item["deployments"]["L"])
    return ReleaseRecord(
        tuple(each for each in deployments if isinstance(each, Deployment)),
        read_time(item, "vouched_until"),
        item["made"]["BOOL"],
    )
