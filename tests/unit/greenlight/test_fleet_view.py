"""The fleet's table at common widths, and its JSON document."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, timedelta

from greenlight.connection import DeployedStack
from greenlight.fleet.document import fleet_document
from greenlight.fleet.progress import Progress, Stage
from greenlight.fleet.served import Served
from greenlight.fleet.state import Standing, State
from greenlight.fleet.view import FleetView, Scene
from greenlight.output import ASCII, Symbols
from tests.unit.deployer.builders import NOW, minutes, version_arn
from tests.unit.greenlight.schemas import mistakes
from tests.unit.greenlight.snapshots import check, rendered

SCENE = Scene(NOW, UTC, Symbols())
STACK = DeployedStack("Greenlight", "111122223333", "eu-central-1", "t", "f", "a", "l", "0.1.0")
LEAD = "arn:aws:sts::111122223333:assumed-role/ds-lead/anna"


def version(number: int, since: float | None = None, by: str = LEAD) -> Served:
    at = minutes(-since) if since is not None else None
    return Served(number, version_arn(number), f"config-{number}", at, by, minutes(-9000))


STANDINGS = [
    Standing("churn", State.IN_SYNC, version(1, 12)),
    Standing("empty", State.EMPTY, why="no version of empty-models was approved yet"),
    Standing(
        "fraud",
        State.ROLLOUT,
        version(12, 9000),
        version(13, by="arn:aws:iam::111122223333:user/ml-eng"),
        Progress(Stage.BAKING, "canary", 25, minutes(-250 / 60), 600),
    ),
    Standing("fresh", State.ROLLOUT, None, version(1), Progress(Stage.CREATING, "first", None, minutes(-2))),
    Standing(
        "legacy",
        State.FAILED,
        version(1, 4400),
        version(3),
        why="The primary container for production variant AllTraffic did not pass the ping health check. "
        "Please check CloudWatch logs for this endpoint.",
        at=minutes(-44),
    ),
    Standing(
        "quota",
        State.FAILED,
        version(2, 300),
        version(4),
        why="The account-level service limit 'ml.m5.large for endpoint usage' is 2 Instances.",
        at=minutes(-44),
        retry_at=minutes(6),
    ),
    Standing(
        "risk",
        State.HELD,
        version(7, 130),
        version(8),
        why="v8 waits for a pause of this endpoint by ada, until Mon 08:00: INC-42",
        at=NOW + timedelta(hours=20),
    ),
    Standing(
        "recommendations-of-the-front-page-for-new-customers-europe-west",
        State.ATTENTION,
        version(31, 60),
        why="Its scaling was changed by somebody else. Remove the change, or take it into the YAML.",
    ),
    Standing("returning", State.ROLLING_BACK, version(4, 50), version(5), why="its approval was taken back"),
    Standing("settings", State.WAITING, version(4, 50), why="its new settings are next"),
    Standing("sold", State.UNMANAGED, version(4, 50), why="its YAML was removed; it serves on"),
]


def test_the_fleet_at_common_widths() -> None:
    check("fleet", FleetView(STANDINGS, SCENE), 50, 80, 120)


def test_a_fleet_of_nothing_says_how_to_begin() -> None:
    check("no-fleet", FleetView([], SCENE), 80)


def test_a_fleet_of_trouble_names_the_first_of_it() -> None:
    many = [replace(STANDINGS[4], name=f"legacy-{number}") for number in range(9)]

    assert rendered(FleetView(many, SCENE), 80).splitlines()[-1] == "  and 4 more"


def test_where_the_signs_cannot_be_written_there_are_others() -> None:
    shown = rendered(FleetView(STANDINGS, replace(SCENE, symbols=ASCII)), 80)

    assert shown.isascii()


def test_the_document_fits_its_schema() -> None:
    assert mistakes(fleet_document(STANDINGS, STACK, NOW), "status") == []
