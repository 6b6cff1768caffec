"""Owns the key `freeze`: when nothing new is rolled out."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import Field

from infra.settings.keys.base_model import StrictModel

LONGEST_HOURS: Final = 24 * 366


class FreezeWindow(StrictModel):
    """Let rollouts of anything new wait from time to time.

    It begins by `rule` or by `cron`; with neither, once, at `start`.
    """

    reason: Annotated[
        str,
        Field(
            min_length=1,
            max_length=200,
            description="why, at most 200 characters; reports of what waits contain it",
        ),
    ]
    rule: Annotated[
        str | None,
        Field(
            description="when it begins, as a recurrence rule of RFC 5545, such as "
            "FREQ=MONTHLY;BYDAY=-1FR;BYHOUR=17",
        ),
    ] = None
    cron: Annotated[
        str | None,
        Field(
            description="when it begins, in place of rule, as the five fields of cron, such as "
            '"0 17 * * FRI", quoted',
        ),
    ] = None
    start: Annotated[
        str | None,
        Field(
            description='the first beginning, such as "2026-12-18T17:00", quoted, by the clock of timezone; '
            "rule counts from it"
        ),
    ] = None
    duration_hours: Annotated[
        float,
        Field(
            gt=0,
            le=LONGEST_HOURS,
            description=f"how long it lasts by the clock on the wall, in hours, above 0 and at most "
            f"{LONGEST_HOURS}",
        ),
    ]
    timezone: Annotated[
        str,
        Field(description="the time zone of rule, cron and start, such as Europe/Berlin; UTC is one, too"),
    ]
