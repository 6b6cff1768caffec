"""Test several variants and the shadow: stored settings, and variants that could never exist or change."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from infra.settings.compiling.field_mapping import field_mappings
from tests.infra.settings.builders import load, problems

if TYPE_CHECKING:
    from pathlib import Path

BASE = "model_package_group: churn\n"
ONE = BASE + "instance_type: ml.m5.large\ninstance_count: 4\n"
APPROVERS = "approvers: ['arn:aws:iam::111122223333:role/release-manager']\n"
SHADOWED = ONE + APPROVERS
A = "name: A, weight: 9, version: 12, instance_type: ml.m5.large, instance_count: 6"
B = "name: B, weight: 1, instance_type: ml.c5.large, instance_count: 2"


def variants(*each: str) -> str:
    return "".join(["variants:\n", *(f"- {{{keys}}}\n" for keys in each)])


def shadow(keys: str = "") -> str:
    return f"shadow: {{instance_type: ml.m5.large{', ' if keys else ''}{keys}}}\n"


def override(member: str) -> str:
    return f"overrides: {{endpoint_config: {{{member}}}}}\n"


def all_at_once(alarms: str) -> str:
    return f"rollout: {{kind: all_at_once, alarms: {{{alarms}}}}}\n"


def compiled(directory: Path, text: str) -> dict[str, Any]:
    [spec], found = load(directory, churn=text)
    assert found == []
    return dict(spec.compiled)


def alarms_of(spec: dict[str, Any]) -> list[str]:
    return [each["AlarmName"] for each in spec["DeploymentConfig"]["AutoRollbackConfiguration"]["Alarms"]]


def test_each_variant_has_a_template_and_a_pin_if_it_stays_on_a_version(tmp_path: Path) -> None:
    more = ", routing: random, volume_size_in_gb: 64, model_data_download_timeout_in_seconds: 60"

    spec = compiled(tmp_path, BASE + variants(A, B + more, "name: C, weight: 0, instance_type: ml.m5.large"))

    assert spec["CreateEndpointConfig"] == {
        "ProductionVariants": [
            {
                "VariantName": "A",
                "InitialVariantWeight": 9,
                "InstanceType": "ml.m5.large",
                "InitialInstanceCount": 6,
            },
            {
                "VariantName": "B",
                "InitialVariantWeight": 1,
                "InstanceType": "ml.c5.large",
                "InitialInstanceCount": 2,
                "RoutingConfig": {"RoutingStrategy": "RANDOM"},
                "VolumeSizeInGB": 64,
                "ModelDataDownloadTimeoutInSeconds": 60,
            },
            {
                "VariantName": "C",
                "InitialVariantWeight": 0,
                "InstanceType": "ml.m5.large",
                "InitialInstanceCount": 1,
            },
        ]
    }
    assert spec["Pins"] == {"A": 12}
    assert "Shadow" not in spec


def test_one_variant_that_follows_needs_no_pin(tmp_path: Path) -> None:
    assert "Pins" not in compiled(tmp_path, BASE + variants(B))


def test_each_variant_scales_by_itself(tmp_path: Path) -> None:
    tracked = "target_tracking: [{metric: invocations_per_instance, target: 100}]"
    scaled = f"name: B, weight: 1, instance_type: ml.m5.large, autoscaling: {{min: 3, max: 5, {tracked}}}"

    spec = compiled(tmp_path, BASE + variants(A, scaled))

    assert list(spec["AutoScaling"]) == ["B"]
    assert spec["AutoScaling"]["B"]["MinCapacity"] == 3
    assert spec["CreateEndpointConfig"]["ProductionVariants"][1]["InitialInstanceCount"] == 3


def test_overrides_are_merged_over_the_variant_at_the_same_place(tmp_path: Path) -> None:
    text = BASE + variants(A, B) + override("ProductionVariants: [{}, {EnableSSMAccess: true}]")

    first, second = compiled(tmp_path, text)["CreateEndpointConfig"]["ProductionVariants"]

    assert "EnableSSMAccess" not in first
    assert second["EnableSSMAccess"] is True
    assert second["VariantName"] == "B"


def test_every_variant_that_follows_has_alarms_of_its_own_and_a_pinned_one_has_none(tmp_path: Path) -> None:
    c = "name: C, weight: 1, instance_type: ml.m5.large, instance_count: 2"
    rollout = (
        "rollout: {kind: canary, size_percent: 50, alarms: {error_ratio_percent: 5, invocations_floor: 1}}\n"
    )

    [spec], found = load(tmp_path, churn=BASE + variants(A, B, c) + rollout)

    assert found == []
    assert alarms_of(dict(spec.compiled)) == [
        "Greenlight.churn.abort",
        "Greenlight.churn.B.error-ratio",
        "Greenlight.churn.B.invocations-floor",
        "Greenlight.churn.C.error-ratio",
        "Greenlight.churn.C.invocations-floor",
    ]
    made = spec.compiled["RollbackAlarms"]
    assert [alarm["AlarmName"] for alarm in made] == alarms_of(dict(spec.compiled))
    watched = [re.findall(r"'VariantName', 'Value': '(\w+)'", str(each)) for each in made]
    assert [set(each) for each in watched] == [set(), {"B"}, {"B"}, {"C"}, {"C"}]
    assert "churn (variant B)" in made[1]["AlarmDescription"]


def test_an_only_variants_alarms_are_named_after_the_endpoint_alone(tmp_path: Path) -> None:
    rollout = "rollout: {kind: all_at_once, alarms: {error_ratio_percent: 5}}\n"

    spec = compiled(tmp_path, BASE + variants(B) + rollout)

    assert alarms_of(spec) == ["Greenlight.churn.abort", "Greenlight.churn.error-ratio"]


def test_a_shadow_is_a_variant_of_its_own_beside_whose_approvals_it_runs(tmp_path: Path) -> None:
    scientist = "arn:aws:iam::111122223333:role/data-scientist"

    spec = compiled(
        tmp_path, SHADOWED + shadow(f"instance_count: 2, sampling_percent: 25, approvers: ['{scientist}']")
    )

    assert spec["CreateEndpointConfig"]["ShadowProductionVariants"] == [
        {
            "VariantName": "Shadow",
            "InitialVariantWeight": 0.25,
            "InstanceType": "ml.m5.large",
            "InitialInstanceCount": 2,
        }
    ]
    assert spec["Shadow"] == {
        "Approvers": [scientist, "arn:aws:sts::111122223333:assumed-role/data-scientist/*"]
    }
    assert spec["ApprovalPolicy"]["Approvers"][0].endswith("role/release-manager")


def test_a_shadow_of_anyones_approvals_gets_every_call(tmp_path: Path) -> None:
    spec = compiled(tmp_path, ONE + "four_eyes: true\n" + shadow())

    assert spec["Shadow"] == {}
    [variant] = spec["CreateEndpointConfig"]["ShadowProductionVariants"]
    assert (variant["InitialVariantWeight"], variant["InitialInstanceCount"]) == (1.0, 1)


@pytest.mark.parametrize(
    "production",
    [
        ONE + override("ProductionVariants: [{InitialVariantWeight: 4}]"),
        BASE + variants("name: Live, weight: 4, instance_type: ml.m5.large"),
    ],
)
def test_a_shadows_weight_is_its_share_of_the_production_variants(production: str, tmp_path: Path) -> None:
    spec = compiled(tmp_path, production + APPROVERS + shadow("sampling_percent: 50"))

    [variant] = spec["CreateEndpointConfig"]["ShadowProductionVariants"]
    assert variant["InitialVariantWeight"] == 2


def test_overrides_reach_what_the_shadow_has_no_key_for(tmp_path: Path) -> None:
    text = SHADOWED + shadow() + override("ShadowProductionVariants: [{InitialVariantWeight: 0.7}]")

    [variant] = compiled(tmp_path, text)["CreateEndpointConfig"]["ShadowProductionVariants"]

    assert (variant["VariantName"], variant["InitialVariantWeight"]) == ("Shadow", 0.7)


def test_a_guarded_endpoint_watches_its_live_variant_and_not_the_shadow(tmp_path: Path) -> None:
    rollout = "rollout: {kind: canary, size_percent: 25, alarms: {error_ratio_percent: 5}}\n"

    spec = compiled(tmp_path, SHADOWED + shadow() + rollout)

    assert alarms_of(spec) == ["Greenlight.churn.abort", "Greenlight.churn.error-ratio"]


TRACKED = "target_tracking: [{metric: invocations_per_instance, target: 100}]"
BACKLOG = TRACKED.replace("invocations", "backlog")
ROLLING = "rollout: {kind: rolling, size_percent: 50}\n"
FOUR_THRESHOLDS = (
    "error_ratio_percent: 5, model_latency_p90_ms: 10, model_latency_p99_ms: 20, invocations_floor: 1"
)
CALLS = "smoke_test: {requests: [{body: a, content_type: text/csv, repeat: 80}"
QUEUE = "asynchronous: {output_path: 's3://b/p'}\n"
SERVERLESS = "serverless: {memory_size_in_mb: 1024, max_concurrency: 1}\n"
C = "name: C, weight: 1, instance_type: ml.m5.large, instance_count: 2"

REFUSED: dict[str, tuple[str, str, str, str, str]] = {
    "serverless beside variants": (
        BASE + SERVERLESS + variants(A, B),
        "serverless",
        "beside variants",
        "run on instances",
        "remove serverless or variants",
    ),
    "a hosting key beside variants": (
        BASE + variants(A, B) + "routing: random\n",
        "routing",
        "beside variants",
        "each with its own keys",
        "move it",
    ),
    "all pinned": (
        BASE + variants(A, B + ", version: 13"),
        "variants",
        "all stay",
        "nothing is left to approve",
        "remove version",
    ),
    "a name twice": (
        BASE + variants(A, B, A),
        "variants[2].name",
        "a second time",
        "a name of its own",
        "rename",
    ),
    "a name that is none": (
        BASE + variants(A, C.replace("C", "C_1")),
        "variants[1].name",
        "'C_1'",
        "matches",
        "pattern",
    ),
    "no weight": (
        BASE + variants(B.replace("1", "0", 1), C.replace("1", "0", 1)),
        "variants[0].weight",
        "every other",
        "above 0",
        "write 1",
    ),
    "a variant that is none": (
        BASE + "variants:\n- A\n",
        "variants[0]",
        "'A'",
        "a mapping of name, weight",
        "key: value lines",
    ),
    "a weight below 0": (
        BASE + variants(A, B.replace("weight: 1", "weight: -1")),
        "variants[1].weight",
        "-1",
        "at least 0",
        "0",
    ),
    "a version that is none": (
        BASE + variants(B, C + ", version: 0"),
        "variants[1].version",
        "0",
        "at least 1",
        "1",
    ),
    "a misspelt key": (
        BASE + variants(B + ", wieght: 1"),
        "variants[0].wieght",
        "unknown key",
        "one of name",
        "did you mean weight?",
    ),
    "an instance type that there is not": (
        BASE + variants(B.replace("ml.c5.large", "ml.t3.medium")),
        "variants[0].instance_type",
        "ml.t3.medium",
        "hosts on",
        "did you mean",
    ),
    "more than ten": (
        BASE + variants(*(C.replace("C", f"C{number}") for number in range(11))),
        "variants",
        "11 items",
        "at most 10",
        "",
    ),
    "asynchronous": (
        BASE + variants(A, B) + QUEUE,
        "variants",
        "2 variants, for an asynchronous",
        "one variant",
        "keep one",
    ),
    "rolling": (BASE + variants(A, B) + ROLLING, "rollout", "2 variants", "of one variant", "another kind"),
    "a canary of one instance": (
        BASE
        + variants(A, B.replace("instance_count: 2", "instance_count: 1"))
        + "rollout: {kind: canary, size_percent: 50}\n",
        "rollout.size_percent",
        "1 instance",
        "at least 2",
        "raise instance_count",
    ),
    "more alarms than are watched": (
        BASE + variants(A, B, C) + all_at_once(f"{FOUR_THRESHOLDS}, existing: [x, y]"),
        "rollout.alarms.existing",
        "8 of 4 thresholds for each of 2 variants that follow, and 2 existing",
        "at most 10",
        "remove 1",
    ),
    "more alarms than are watched, without existing ones": (
        BASE + variants(B, C, C.replace("name: C", "name: D")) + all_at_once(FOUR_THRESHOLDS),
        "rollout.alarms",
        "13 alarms: one that aborts, 12 of 4 thresholds for each of 3 variants",
        "at most 10",
        "remove 3",
    ),
    "a floor where there are no calls": (
        BASE + variants(A, B, C.replace("weight: 1", "weight: 0")) + all_at_once("invocations_floor: 5"),
        "rollout.alarms.invocations_floor",
        "the variant C of weight 0",
        "stops every rollout",
        "give the variant a weight",
    ),
    "a name that is a list": (
        ONE + all_at_once("error_ratio_percent: 5") + override("ProductionVariants: [{VariantName: [a]}]"),
        "overrides.endpoint_config.ProductionVariants[0].VariantName",
        "a list of 1",
        "a string",
        "",
    ),
    "capacity outside its own limits": (
        BASE + variants(A, B + f", autoscaling: {{min: 3, max: 4, {TRACKED}}}"),
        "variants[1].instance_count",
        "2",
        "from autoscaling's min, 3",
        "change it",
    ),
    "a metric that there is not": (
        BASE + variants(B + f", autoscaling: {{min: 1, max: 4, {BACKLOG}}}"),
        "variants[0].autoscaling.target_tracking[0].metric",
        "backlog_per_instance",
        "invocations_per_instance",
        "use",
    ),
    "a key and an override of one variant": (
        BASE + variants(A, B) + override("ProductionVariants: [{}, {VariantName: X}]"),
        "overrides.endpoint_config.ProductionVariants[1].VariantName",
        "beside the key variants[1].name",
        "one of the two",
        "remove this override",
    ),
    "more calls than a smoke test has": (
        BASE + variants(A, B, C) + CALLS + ", {body: b, content_type: text/csv, repeat: 30}]}\n",
        "smoke_test.requests",
        "220 calls in all, to 2 variants",
        "at most 200",
        "lower repeat",
    ),
    "a volume beside local storage": (
        BASE + variants(A, B.replace("ml.c5.large", "ml.m5d.large") + ", volume_size_in_gb: 9"),
        "variants[1].volume_size_in_gb",
        "ml.m5d.large",
        "its size is fixed",
        "without local storage",
    ),
    "a shadow that nothing could reach": (
        ONE + shadow(),
        "shadow",
        "neither approvers nor four_eyes",
        "nothing is left for the shadow",
        "add approvers",
    ),
    "a shadow of several variants": (
        BASE + APPROVERS + variants(A, B) + shadow(),
        "shadow",
        "2 variants",
        "copies the calls of one",
        "remove the shadow",
    ),
    "a shadow of an asynchronous endpoint": (
        SHADOWED + QUEUE + shadow(),
        "shadow",
        "asynchronous",
        "answers at once",
        "without the key asynchronous",
    ),
    "a shadow of a serverless endpoint": (
        BASE + APPROVERS + SERVERLESS + shadow(),
        "shadow",
        "a shadow, for a serverless endpoint",
        "serverless endpoints support",
        "instance_type",
    ),
    "a shadow of a rolling rollout": (
        SHADOWED + shadow() + ROLLING,
        "rollout",
        "beside a shadow",
        "of one variant",
        "another kind",
    ),
    "a shadow's name for the live variant": (
        BASE + APPROVERS + variants(B.replace("name: B", "name: Shadow")) + shadow(),
        "variants[0].name",
        "Shadow a second time",
        "a name of its own",
        "rename",
    ),
    "a share that is none": (
        SHADOWED + shadow("sampling_percent: 101"),
        "shadow.sampling_percent",
        "101",
        "from 1 to 100",
        "100",
    ),
    "a shadow that scales": (
        SHADOWED + shadow(f"autoscaling: {{min: 1, max: 2, {TRACKED}}}"),
        "shadow.autoscaling",
        "unknown key",
        "one of approvers",
        "remove it",
    ),
    "a shadow's approver by name": (
        SHADOWED + shadow("approvers: [alice]"),
        "shadow.approvers[0]",
        "alice",
        "the ARN of an IAM user",
        "role/alice",
    ),
    "copies of no calls": (
        SHADOWED + shadow() + override("ProductionVariants: [{InitialVariantWeight: 0}]"),
        "overrides.endpoint_config.ProductionVariants[0].InitialVariantWeight",
        "0, with a shadow",
        "above 0",
        "write 1",
    ),
    "a shadow without its key": (
        ONE + override("ShadowProductionVariants: [{VolumeSizeInGB: 8}]"),
        "overrides.endpoint_config.ShadowProductionVariants",
        "no key describes",
        "the key shadow",
        "add shadow",
    ),
    "a second shadow": (
        SHADOWED
        + shadow()
        + override("ShadowProductionVariants: [{}, {InstanceType: ml.m5.large, InitialInstanceCount: 1}]"),
        "overrides.endpoint_config.ShadowProductionVariants",
        "2 shadow variants",
        "one shadow variant",
        "remove this override",
    ),
    "a shadow's other name": (
        SHADOWED + shadow() + override("ShadowProductionVariants: [{VariantName: x}]"),
        "overrides.endpoint_config.ShadowProductionVariants[0].VariantName",
        "'x'",
        "no VariantName here",
        "keeps its name",
    ),
    "a shadow's model": (
        SHADOWED + shadow() + override("ShadowProductionVariants: [{ModelName: x}]"),
        "overrides.endpoint_config.ShadowProductionVariants[0].ModelName",
        "'x'",
        "no ModelName here",
        "Greenlight names",
    ),
    "a shadow's key and an override": (
        SHADOWED
        + shadow("routing: random")
        + override("ShadowProductionVariants: [{RoutingConfig: {RoutingStrategy: RANDOM}}]"),
        "overrides.endpoint_config.ShadowProductionVariants[0].RoutingConfig.RoutingStrategy",
        "beside the key shadow.routing",
        "one of the two",
        "remove this override",
    ),
    "a managed shadow": (
        SHADOWED
        + shadow()
        + override("ShadowProductionVariants: [{ManagedInstanceScaling: {Status: ENABLED}}]"),
        "overrides.endpoint_config.ShadowProductionVariants[0].ManagedInstanceScaling",
        "managed instance scaling",
        "inference components only",
        "remove it",
    ),
}


@pytest.mark.parametrize(("text", "field", "got", "expected", "fix"), REFUSED.values(), ids=REFUSED)
def test_a_mistake_is_reported_once_with_its_place_and_its_fix(
    text: str, field: str, got: str, expected: str, fix: str, tmp_path: Path
) -> None:
    [problem] = problems(tmp_path, text)

    assert problem.field == field
    assert got in problem.got
    assert expected in problem.expected
    assert fix in problem.fix
    assert problem.line > 0


def test_a_misspelt_choice_is_not_reported_as_missing_too(tmp_path: Path) -> None:
    [problem] = problems(tmp_path, BASE + variants(B).replace("variants", "varaints"))

    assert (problem.field, problem.fix) == ("varaints", "did you mean variants?")


def test_settings_may_be_as_long_as_their_variants_make_them(tmp_path: Path) -> None:
    actions = ", ".join(f"{{name: n{n}, schedule: 'cron(0 22 * * ? *)', min: 2, max: 2}}" for n in range(80))
    scaled = f"{B}, autoscaling: {{min: 1, max: 4, scheduled: [{actions}]}}"

    assert problems(tmp_path, BASE + variants(scaled)) == []


def test_mappings_are_of_each_variant_that_there_is() -> None:
    names = [mapping.path for mapping in field_mappings(2) if mapping.key[-1] == "name"]

    assert names == [("ProductionVariants", 0, "VariantName"), ("ProductionVariants", 1, "VariantName")]
    assert not [mapping for mapping in field_mappings(0) if "variants" in mapping.key]
