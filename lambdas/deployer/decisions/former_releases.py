"""Decides whether a former release may be put back: only if nobody re-created it since it served. Pure."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from deployer.model.history import History
    from deployer.model.release import Release

CLOCKS_DIFFER: Final = timedelta(seconds=10)
"""How far SageMaker's clock may be ahead of the deployer's. Assumed: AWS runs both and documents no bound."""

_TO_PUT_BACK: Final = (
    "Write the settings back with which the version served, and approve it again; or approve another one."
)


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
