"""Owns the way to AWS: the session, its clients, and what the stack's outputs name.

The endpoint's URL comes from AWS_ENDPOINT_URL, as in every AWS client. So the same words reach the local
cloud.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from deployer.contract import VERSION
from greenlight.errors import Addressee, CommandError, refused, unreached

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

_OUTPUTS: Final = {
    "JournalTableName": "table_name",
    "DeployerFunctionName": "function_name",
    "OutcomeTopicArn": "topic_arn",
    "DeployerLogGroupName": "log_group_name",
    "GreenlightVersion": "version",
}


@dataclass(frozen=True, slots=True)
class DeployedStack:
    """What the outputs of the deployed stack say.

    Attributes:
        name: The stack.
        account: Its account.
        region: Its region.
        table_name: The journal.
        function_name: The deployer.
        topic_arn: Where outcomes go.
        log_group_name: The deployer's log.
        version: Which Greenlight deployed it.
    """

    name: str
    account: str
    region: str
    table_name: str
    function_name: str
    topic_arn: str
    log_group_name: str
    version: str


class Connection:
    """One account and region, as one caller.

    Args:
        whom: Whom the command asks.
        client_of: Makes a service's client, by botocore's name of the service.
    """

    def __init__(self, whom: Addressee, client_of: Callable[[str], Any]) -> None:
        self.whom = whom
        self._client_of = client_of
        self._clients: dict[str, Any] = {}

    def client(self, service: str) -> Any:  # noqa: ANN401 - each service has a client of its own
        """Return a service's client: the same one each time."""
        if service not in self._clients:
            self._clients[service] = self._client_of(service)
        return self._clients[service]

    @cached_property
    def stack(self) -> DeployedStack:
        """What is deployed.

        Raises:
            CommandError: There is no such stack, or it lacks something that the command needs.
        """
        return read_stack(self.described, self.whom)

    @cached_property
    def caller_arn(self) -> str:
        """Who asks, as AWS names them."""
        return str(self.client("sts").get_caller_identity()["Arn"])

    @cached_property
    def described(self) -> Mapping[str, Any] | None:
        """Return what CloudFormation says of the stack; None if there is none."""
        from botocore.exceptions import ClientError  # noqa: PLC0415 - help starts without boto3

        try:
            answer = self.client("cloudformation").describe_stacks(StackName=self.whom.stack)
        except ClientError as error:
            said = error.response["Error"]
            if said["Code"] == "ValidationError" and "does not exist" in said["Message"]:
                return None
            raise
        found: Mapping[str, Any] = answer["Stacks"][0]
        return found


def stack_of(stack: str, stage: str | None) -> str:
    """Return the name of a stage's stack; the stack's own without a stage."""
    return stack if stage is None else f"{stack}-{stage}"


def read_stack(described: Mapping[str, Any] | None, whom: Addressee) -> DeployedStack:
    """Return what a described stack says.

    Raises:
        CommandError: There is none, or an older Greenlight deployed it.
    """
    where = f"in {whom.region or 'this region'}"
    if described is None or described["StackStatus"] == "REVIEW_IN_PROGRESS":
        raise CommandError(
            f"There is no stack {whom.stack} {where}.",
            "CloudFormation knows no stack of this name in the account of your credentials.",
            "Name another with --stack, --region or --profile. Or deploy it: npx cdk deploy --all",
        )
    outputs = {each["OutputKey"]: each["OutputValue"] for each in described.get("Outputs", ())}
    missing = [name for name in _OUTPUTS if name not in outputs]
    if "JournalTableName" in missing:
        raise CommandError(
            f"The stack {whom.stack} {where} is not Greenlight's.",
            f"It has no output JournalTableName; its state is {described['StackStatus']}.",
            "Name Greenlight's with --stack, or deploy it: npx cdk deploy --all",
        )
    if missing:
        raise CommandError(
            f"The stack {whom.stack} {where} is older than this command.",
            f"It lacks the outputs {', '.join(missing)}; the command is {VERSION}.",
            "Deploy the stack again with this version: npx cdk deploy --all",
        )
    _, _, _, region, account, _ = described["StackId"].split(":", 5)
    named = {field: outputs[name] for name, field in _OUTPUTS.items()}
    return DeployedStack(whom.stack, account, region, **named)


@contextmanager
def connected(profile: str | None, region: str | None, stack: str) -> Iterator[Connection]:
    """Connect, and explain whatever AWS refuses meanwhile.

    Raises:
        CommandError: AWS refused a call or could not be reached.
    """
    # boto3 takes a sixth of a second to import, which help and checks need not wait for.
    import boto3  # noqa: PLC0415
    import botocore.session  # noqa: PLC0415
    from botocore.config import Config  # noqa: PLC0415
    from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError  # noqa: PLC0415

    whom = Addressee(profile, region, stack)
    patience = Config(
        connect_timeout=5,
        read_timeout=30,
        retries={"mode": "standard", "max_attempts": 4},
        user_agent_extra=f"greenlight-command/{VERSION}",
    )
    try:
        core = botocore.session.Session(profile=profile)
        core.set_default_client_config(patience)
        session = boto3.Session(botocore_session=core, region_name=region)
        whom = Addressee(profile, session.region_name, stack)
        clients: Any = session.client
        yield Connection(whom, clients)
    except ClientError as error:
        raise refused(error, whom) from error
    except (BotoCoreError, HTTPClientError) as error:
        raise unreached(error, whom) from error
