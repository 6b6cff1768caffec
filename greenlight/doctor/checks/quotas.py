"""Check that the account may run the instances that endpoints ask for. Pure."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

from greenlight.doctor.facts import Absent, Found
from greenlight.doctor.findings import judge, told

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from greenlight.doctor.facts import Quota, Reading
    from greenlight.doctor.findings import Finding


def check_quotas(
    account: str,
    region: str,
    configs: Iterable[Mapping[str, Any]],
    quotas: Mapping[str, Reading[Quota]],
) -> Iterator[Finding]:
    """Check quotas for endpoints' instances, and for as many again during the largest update.

    Args:
        account: The account.
        region: The region.
        configs: The endpoints' requests of CreateEndpointConfig.
        quotas: For each instance type, its quota for endpoint usage.
    """
    counts: dict[str, list[int]] = {}
    for config in configs:
        for kind in ("ProductionVariants", "ShadowProductionVariants"):
            for variant in config.get(kind, ()):
                if variant.get("InstanceType"):
                    count = int(variant.get("InitialInstanceCount", 1))
                    counts.setdefault(variant["InstanceType"], []).append(count)
    for instance_type, each in sorted(counts.items()):
        subject = f"the quota of {instance_type} for endpoint usage"
        needed = sum(each) + max(each)
        why = "SageMaker answers ResourceLimitExceeded, and the rollout fails."
        where = f"In account {account}, {region}: ask for more; AWS takes hours to days to grant it."
        reading = quotas.get(instance_type, Absent())
        absent = "there is no such quota: is it a type that endpoints may have?"
        yield from judge(reading, "quota", subject, absent=absent, why=why, where=where)
        if isinstance(reading, Found):
            quota = reading.value
            found = f"it is {quota.value:g}; {needed} are needed, with the largest variant twice"
            request = ["aws", "service-quotas", "request-service-quota-increase", "--region", region]
            request += ["--service-code", "sagemaker", "--quota-code", quota.code]
            command = shlex.join([*request, "--desired-value", str(needed)])
            yield told("quota", subject, quota.value >= needed, found, why, where, command)
