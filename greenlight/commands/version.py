"""`greenlight version`: whether the command and the deployed stack belong together."""

from dataclasses import dataclass
from typing import Any

from deployer.contract import VERSION
from greenlight.errors import ExitCode
from greenlight.options import STACK, Json, Profile, Region, Stack, Stage


def version(
    *,
    profile: Profile = None,
    region: Region = None,
    stack: Stack = STACK,
    stage: Stage = None,
    as_json: Json = False,
) -> int:
    """Compare this command with the deployed stack, which also fixes the settings' format."""
    from greenlight.connection import connected, stack_of
    from greenlight.output import Output

    with connected(profile, region, stack_of(stack, stage)) as connection:
        deployed = connection.stack
        found = Versions(VERSION, deployed.version, deployed.name, deployed.account, deployed.region)
    Output(as_json=as_json).tell(found.document(), lambda _: found.text())
    return ExitCode.FINE if found.in_step else ExitCode.BAD_NEWS


@dataclass(frozen=True, slots=True)
class Versions:
    """The command's version and the stack's, and where that is."""

    command: str
    deployed: str
    stack: str
    account: str
    region: str

    @property
    def in_step(self) -> bool:
        """Whether they are the same: the journal and the settings have one format then."""
        return self.command == self.deployed

    def document(self) -> dict[str, Any]:
        """Return the JSON document."""
        return {
            "format": 1,
            "command": self.command,
            "stack": {
                "name": self.stack,
                "version": self.deployed,
                "account": self.account,
                "region": self.region,
            },
            "in_step": self.in_step,
        }

    def text(self) -> str:
        """Return the text."""
        lines = [
            f"command  {self.command}",
            f"stack    {self.deployed}  {self.stack}, account {self.account}, {self.region}",
        ]
        if not self.in_step:
            lines.append("They differ. Deploy the stack with this command's version: npx cdk deploy --all")
        return "\n".join(lines)
