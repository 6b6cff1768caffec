"""The only caller of Parameter Store: reads the endpoints' settings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from deployer.settings import EndpointSettings, InvalidSettingsError

if TYPE_CHECKING:
    from mypy_boto3_ssm import SSMClient


@dataclass(frozen=True, slots=True)
class AllSettings:
    """Every managed endpoint's settings, and the parameters that could not be read."""

    readable: tuple[EndpointSettings, ...]
    invalid: tuple[InvalidSettingsError, ...]


class Parameters:
    """The settings under one prefix, one parameter per endpoint."""

    def __init__(self, client: SSMClient, *, prefix: str) -> None:
        self._client = client
        self._prefix = prefix

    def endpoint_name(self, parameter_name: str) -> str | None:
        """Return the endpoint whose settings a parameter holds, or None for any other parameter."""
        name = parameter_name.removeprefix(self._prefix)
        return name if name and name != parameter_name and "/" not in name else None

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

    def read_all(self) -> AllSettings:
        """Return the settings of every managed endpoint."""
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
