"""Decides whether a former release may be put back. Pure.

Its versions must be unchanged and still be approved, and nobody may have re-created it since it served.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from deployer.decisions.eligibility import changed, obstacle
from deployer.model.model_version import Hidden, ModelVersion

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from deployer.decisions.facts import Facts
    from deployer.model.approval import Approval
    from deployer.model.attempt import Deployment
    from deployer.model.history import History
    from deployer.model.release import Release

CLOCKS_DIFFER: Final = timedelta(seconds=10)
"""How far SageMaker's clock may be ahead of the deployer's. Assumed: AWS runs both and documents no bound."""

_TO_PUT_BACK: Final = (
    "Write the settings back with which the version served, and approve it again; or approve another one."
)


def may_serve_again(facts: Facts, former: Deployment, approval: Approval, *, serves: bool) -> bool | Hidden:
    """Tell whether the versions of a former deployment may serve again, and are unchanged.

    Nobody can tell while one of them is hidden, and nothing else speaks against them.

    Args:
        facts: What was read.
        former: The deployment.
        approval: The approval of its version.
        serves: Whether that version serves now, with another config.
    """
    versions = [facts.version(each) for each in former.version_arns]
    obstacles = [found for each in versions if (found := obstacle(facts, each)) is not None]
    if obstacles:
        hidden = [each for each in obstacles if isinstance(each, Hidden)]
        return hidden[0] if len(hidden) == len(obstacles) else False
    version = versions[0]
    assert isinstance(version, ModelVersion), "nothing else is without an obstacle"
    in_stage = facts.settings.stage_name is not None
    if serves and not (in_stage and former.artifact_digest is not None):
        return True
    digest = facts.digest(version)
    if isinstance(digest, Hidden):
        return digest
    if not serves and changed(facts, approval, version) is not None:
        return False
    # Outside of stages, or without a digest, nobody can tell whether the artifacts are the same.
    return not in_stage or former.artifact_digest in {None, digest}


def refusal_to_put_back(
    history: History, release: Release, created_at: Mapping[str, datetime | None]
) -> str | None:
    """Return why a former release may not be put back; None if it may.

    The journal has only the names of its config and models. Neither can be changed, so one that existed when
    the release served is the one that served.

    Args:
        history: The endpoint's.
        release: A former release.
        created_at: By name of its config and models, when each was created, by SageMaker's clock; None if it
            was deleted.
    """
    kinds = {release.endpoint_config_name: "endpoint config", **dict.fromkeys(release.model_names, "model")}
    for name, kind in kinds.items():
        made_at = created_at[name]
        if made_at is None:
            return f"Its {kind} {name} was deleted. {_TO_PUT_BACK}"
        vouched_until = history.vouched_until(name)
        if vouched_until is None or made_at > vouched_until + CLOCKS_DIFFER:
            return (
                f"Its {kind} {name} was deleted and made again at {made_at.isoformat(timespec='seconds')}, "
                "after it had served here. Somebody else may have made it, so it is not put back. "
                f"{_TO_PUT_BACK}"
            )
    return None
