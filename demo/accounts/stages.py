"""The deployed stages: a view of each, and of their results in the registry."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from demo.accounts.team import GATE
from demo.scene import ENDPOINT, NotAsItShouldBeError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mypy_boto3_sagemaker import SageMakerClient
    from mypy_boto3_sagemaker.type_defs import ModelLifeCycleTypeDef

    from demo.accounts.team import Team
    from demo.registry import Registry
    from demo.scene import Scene
    from demo.timeline import Timeline

_SECONDS_FOR_STAMPS: Final = 90.0
_SECONDS_BETWEEN_LOOKS: Final = 0.5
_SECONDS_FOR_A_SWEEP: Final = 90.0


@dataclass(frozen=True, slots=True)
class Stages:
    """The deployed stages, as chapters use them.

    Attributes:
        timeline: The console's account of the run.
        team: The owner of their accounts.
        of: Each stage's own scene.
        registry: The data scientist's view of the registry.
        release_manager: Approves for production.
    """

    timeline: Timeline
    team: Team
    of: Mapping[str, Scene]
    registry: Registry
    release_manager: SageMakerClient

    def version(self, version_arn: str) -> dict[str, Any]:
        """Read a version as Studio shows it."""
        return {**self.release_manager.describe_model_package(ModelPackageName=version_arn)}

    def life_cycle(self, version_arn: str) -> str:
        """Read a version's place, as `<stage>/<status>`."""
        found = self.version(version_arn).get("ModelLifeCycle")
        return f"{found['Stage']}/{found['StageStatus']}" if found else "nowhere"

    def stamp(self, version_arn: str, stage: str, what: str) -> str:
        """Read a stage's stamp on a version: `digest`, or `endpoint:<name>`; empty without a stamp."""
        stamps: dict[str, str] = self.version(version_arn).get("CustomerMetadataProperties", {})
        return stamps.get(f"greenlight:{stage}:{what}", "")

    def wait_for_stamp(self, version_arn: str, stage: str, begins: str) -> str:
        """Wait until a stage's stamp on a version begins with a text, and return it.

        Raises:
            NotAsItShouldBeError: It never did.
        """
        what = f"endpoint:{ENDPOINT}"
        return _eventually(
            lambda: self.stamp(version_arn, stage, what),
            lambda seen: seen.startswith(begins),
            f"stamp of {stage} that begins with {begins!r}",
            _SECONDS_FOR_STAMPS,
        )

    def wait_for_sweeps(self) -> None:
        """Wait until every stage has begun another sweep.

        Raises:
            NotAsItShouldBeError: A stage did not.
        """
        before = {name: self.team.sweeps(name) for name in self.of}
        with self.timeline.waiting("the next sweep of both stages"):
            for name, made in before.items():
                _eventually(
                    lambda name=name: str(self.team.sweeps(name)),  # type: ignore[misc] # each its own
                    lambda seen, made=made: int(seen) > made,  # type: ignore[misc] # likewise
                    f"sweep of {name}",
                    _SECONDS_FOR_A_SWEEP,
                )

    def let_into_production(self, version_arn: str) -> None:
        """Release a version to production, as the release manager."""
        life_cycle = as_life_cycle(GATE)
        self.release_manager.update_model_package(ModelPackageArn=version_arn, ModelLifeCycle=life_cycle)
        number = version_arn.rpartition("/")[2]
        self.timeline.say(
            f"The release manager set {'/'.join(GATE.values())} on version {number}", style="bold"
        )


def as_life_cycle(wanted: Mapping[str, str]) -> ModelLifeCycleTypeDef:
    """Return a version's desired stage and status, in SageMaker's form."""
    return {"Stage": wanted["stage"], "StageStatus": wanted["stage_status"]}


def _eventually(look: Callable[[], str], good: Callable[[str], bool], what: str, seconds: float) -> str:
    deadline = time.monotonic() + seconds
    while not good(seen := look()):
        if time.monotonic() > deadline:
            raise NotAsItShouldBeError(f"No {what} within {seconds:.0f} s, but {seen!r}.")
        time.sleep(_SECONDS_BETWEEN_LOOKS)
    return seen
