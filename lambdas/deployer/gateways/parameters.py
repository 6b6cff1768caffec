"""The only caller of Parameter Store: reads the endpoints' settings."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from deployer.model.settings import EndpointSettings, InvalidSettingsError

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_ssm import SSMClient


@dataclass(frozen=True, slots=True)
class AllSettings:
    """Every managed endpoint's settings, and the parameters that could not be read."""

    readable: tuple[EndpointSettings, ...]
    invalid: tuple[InvalidSettingsError, ...]


LISTED_FOR: Final = timedelta(minutes=1)
"""How long an execution environment remembers the list of endpoints. A list costs a call for every ten
endpoints, and each approval of each group would need one."""


class Parameters:
    """The settings under one prefix, one parameter per endpoint."""

    def __init__(self, client: SSMClient, *, prefix: str, now: Callable[[], datetime]) -> None:
        self._client = client
        self._prefix = prefix
        self._now = now
        self._foreign: set[str] = set()
        self._listed: AllSettings | None = None
        self._listed_at = datetime.min.replace(tzinfo=UTC)

    def endpoint_name(self, parameter_name: str) -> str | None:
        """Return the endpoint whose settings a parameter holds, or None for any other parameter."""
        name = parameter_name.removeprefix(self._prefix)
        return name if name and name != parameter_name and "/" not in name else None

    def is_news(self, foreign: EndpointSettings) -> bool:
        """Tell whether this execution environment sees another stack's settings for the first time."""
        news = foreign.endpoint_name not in self._foreign
        self._foreign.add(foreign.endpoint_name)
        return news

    def read(self, endpoint_name: str) -> EndpointSettings | None:
        """Return an endpoint's settings, or None if nobody manages it.

        Raises:
            InvalidSettingsError: The parameter holds something else.
        """
        try:
            answer = self._client.get_parameter(Name=self._prefix + endpoint_name)
        except ClientError as error:
            if error.response["Error"]["Code"] == "ParameterNotFound":
                return None
            raise
        return EndpointSettings.parse(endpoint_name, answer["Parameter"]["Value"])

    def read_those(self, follow: Callable[[EndpointSettings], bool]) -> AllSettings:
        """Return the settings of the endpoints that follow something.

        Settings that were created or changed within `LISTED_FOR` may be missed: their own event and the sweep
        make up for that. Returned settings are always current.
        """
        if self._listed is None or self._now() - self._listed_at >= LISTED_FOR:
            listed = self.read_all()
            return AllSettings(tuple(filter(follow, listed.readable)), listed.invalid)
        readable: list[EndpointSettings] = []
        invalid: list[InvalidSettingsError] = []
        for remembered in filter(follow, self._listed.readable):
            try:
                fresh = self.read(remembered.endpoint_name)
            except InvalidSettingsError as error:
                invalid.append(error)
            else:
                readable.extend([fresh] if fresh is not None and follow(fresh) else [])
        return AllSettings(tuple(readable), tuple(invalid))

    def read_all(self) -> AllSettings:
        """Return the settings of every managed endpoint."""
        self._listed = self._list()
        self._listed_at = self._now()
        return self._listed

    def _list(self) -> AllSettings:
        readable: list[EndpointSettings] = []
        invalid: list[InvalidSettingsError] = []
        token: dict[str, Any] = {}
        while True:
            page = self._client.get_parameters_by_path(Path=self._prefix, Recursive=False, **token)
            for parameter in page["Parameters"]:
                name = self.endpoint_name(parameter["Name"])
                if name is None:
                    continue
                try:
                    readable.append(EndpointSettings.parse(name, parameter["Value"]))
                except InvalidSettingsError as error:
                    invalid.append(error)
            if "NextToken" not in page:
                return AllSettings(tuple(readable), tuple(invalid))
            token = {"NextToken": page["NextToken"]}
