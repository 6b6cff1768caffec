"""Holds where an installation is, and builds the addresses of pages about its endpoints. Pure."""

from __future__ import annotations

from typing import Final
from urllib.parse import quote

from deployer.model.endpoint import log_group
from deployer.value import value

_CONSOLES: Final = {
    "aws": "console.aws.amazon.com",
    "aws-cn": "console.amazonaws.cn",
    "aws-us-gov": "console.amazonaws-us-gov.com",
}
"""The management console, by partition. Other partitions get no links to it."""


@value
class Link:
    """The address of a page, and what is there."""

    label: str
    address: str


@value
class Place:
    """One installation.

    Attributes:
        stack_name: The stack.
        partition: AWS's partition.
        region: The region.
        account: The account.
        studio_url: The address of the Studio domain in which people open the registry, if it is known.
        runbook_url: The address of the folder docs/, where it can be read, if it is known.
    """

    stack_name: str
    partition: str
    region: str
    account: str
    studio_url: str | None = None
    runbook_url: str | None = None

    @classmethod
    def of_topic(
        cls,
        topic_arn: str,
        *,
        stack_name: str,
        studio_url: str | None = None,
        runbook_url: str | None = None,
    ) -> Place:
        """Return the place of the installation with this topic."""
        _, partition, _, region, account, _ = topic_arn.split(":", 5)
        return cls(stack_name, partition, region, account, studio_url, runbook_url)

    def links(self, endpoint_name: str, group_name: str | None, page: str) -> tuple[Link, ...]:
        """Return where to read on: the registry in Studio, the containers' log, the endpoint, the runbook."""
        return (
            *self._in_studio(group_name),
            *self._in_console(endpoint_name),
            Link("Runbook", f"{(self.runbook_url or 'docs').rstrip('/')}/{page}"),
        )

    def _in_studio(self, group_name: str | None) -> list[Link]:
        if self.studio_url is None or group_name is None:
            return []
        # Seen in addresses that people copied from Studio. AWS documents no address of one version's page.
        path = f"models/registered-models/{quote(group_name, safe='')}/versions"
        return [Link("Versions", f"{self.studio_url.rstrip('/')}/{path}")]

    def _in_console(self, endpoint_name: str) -> list[Link]:
        host = _CONSOLES.get(self.partition)
        if host is None:
            return []
        name = quote(endpoint_name, safe="")
        # CloudWatch's page reads its log group's name from the fragment, where "$25" stands for "%".
        group = quote(quote(log_group(endpoint_name), safe=""), safe="").replace("%", "$")
        region = quote(self.region, safe="")
        return [
            Link(
                "Logs",
                f"https://{host}/cloudwatch/home?region={region}#logsV2:log-groups/log-group/{group}",
            ),
            Link("Endpoint", f"https://{host}/sagemaker/home?region={region}#/endpoints/{name}"),
        ]
