"""The IAM permissions of Application Auto Scaling's operations."""

from __future__ import annotations

from typing import Any

import pytest

from iam_evaluator.policies import parse_policy
from iam_evaluator.principals import Principal, PrincipalKind
from local_cloud.application_auto_scaling.authorization import LINKED_ROLE, RULES
from local_cloud.application_auto_scaling.service import OPERATIONS, ApplicationAutoScaling
from local_cloud.sagemaker.errors import ServiceError
from local_cloud.sagemaker.ports import Caller
from local_cloud.sagemaker.switch_settings import TriedAlarm, TriedEndpoint
from local_cloud.sagemaker.switches import Switches
from tests.unit.local_cloud.sagemaker.virtual_cloud import ACCOUNT, ALICE, REGION, VirtualCloud

USER = f"arn:aws:iam::{ACCOUNT}:user/ann"
VARIANT: dict[str, Any] = {
    "ServiceNamespace": "sagemaker",
    "ResourceId": "endpoint/churn/variant/AllTraffic",
    "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
}
BOUNDS = {"MinCapacity": 1, "MaxCapacity": 2}
TRACKING: dict[str, Any] = {
    "PolicyName": "invocations",
    "PolicyType": "TargetTrackingScaling",
    "TargetTrackingScalingPolicyConfiguration": {
        "TargetValue": 100.0,
        "PredefinedMetricSpecification": {"PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"},
    },
}
PREFIX = "application-autoscaling"
MISSING = "User is missing the following permissions: "
TRIED = (
    "sagemaker:DescribeEndpoint",
    "sagemaker:DescribeEndpointConfig",
    "sagemaker:UpdateEndpointWeightsAndCapacities",
    "cloudwatch:PutMetricAlarm",
    "cloudwatch:DescribeAlarms",
    "cloudwatch:DeleteAlarms",
)
"""The calls that a registration tries for the caller, in this order."""


def user(*statements: dict[str, Any]) -> Caller:
    filled = [{"Effect": "Allow", "Resource": "*", **each} for each in statements]
    policies = (parse_policy({"Version": "2012-10-17", "Statement": filled}),) if filled else ()
    return Caller(ACCOUNT, REGION, USER, Principal(PrincipalKind.USER, USER, ACCOUNT, USER, policies))


@pytest.fixture
def cloud() -> VirtualCloud:
    return VirtualCloud()


@pytest.fixture
def service(cloud: VirtualCloud) -> ApplicationAutoScaling:
    cloud.model()
    cloud.config()
    cloud.call("CreateEndpoint", EndpointName="churn", EndpointConfigName="config-1")
    cloud.settle()
    return ApplicationAutoScaling(cloud.control_plane)


def refusal(service: ApplicationAutoScaling, operation: str, caller: Caller, **request: Any) -> str:
    try:
        service.call(operation, request, caller)
    except ServiceError as error:
        is_denied = error.code == "AccessDeniedException" or error.message.startswith(MISSING)
        return error.message if is_denied else ""
    return ""


def test_every_operation_has_a_rule() -> None:
    assert RULES.keys() == OPERATIONS.keys()


def registered(service: ApplicationAutoScaling) -> str:
    arn: str = service.call("RegisterScalableTarget", {**VARIANT, **BOUNDS}, ALICE)["ScalableTargetARN"]
    return arn


@pytest.mark.parametrize(
    ("operation", "members"),
    [
        ("DeregisterScalableTarget", {}),
        ("PutScalingPolicy", TRACKING),
        ("DeleteScalingPolicy", {"PolicyName": "invocations"}),
        ("PutScheduledAction", {"ScheduledActionName": "night", "Schedule": "rate(1 day)"}),
        ("DeleteScheduledAction", {"ScheduledActionName": "night"}),
    ],
)
def test_an_operation_on_a_variant_is_on_its_scalable_target(
    service: ApplicationAutoScaling, operation: str, members: dict[str, Any]
) -> None:
    arn = registered(service)
    request = {**VARIANT, **members}
    alarms = {"Action": "cloudwatch:*"}
    action = f"{PREFIX}:{operation}"
    assert f"{action} on resource: {arn} because" in refusal(service, operation, user(alarms), **request)
    for namespace, is_allowed in (("sagemaker", True), ("dynamodb", False)):
        condition = {
            "StringEquals": {
                f"{PREFIX}:service-namespace": namespace,
                f"{PREFIX}:scalable-dimension": VARIANT["ScalableDimension"],
            }
        }
        caller = user({"Action": action, "Resource": arn, "Condition": condition}, alarms)
        assert (not refusal(service, operation, caller, **request)) is is_allowed


REGISTRATION: dict[str, dict[str, Any]] = {
    f"{PREFIX}:RegisterScalableTarget": {},
    f"{PREFIX}:TagResource": {},
    "iam:CreateServiceLinkedRole": {
        "Resource": f"arn:aws:iam::{ACCOUNT}:{LINKED_ROLE}",
        "Condition": {
            "StringLike": {"iam:AWSServiceName": "sagemaker.application-autoscaling.amazonaws.com"}
        },
    },
}


@pytest.mark.parametrize("missing", [*REGISTRATION, ""])
def test_the_first_registration_needs_more_than_registering(
    service: ApplicationAutoScaling, missing: str
) -> None:
    granted = ({"Action": action, **more} for action, more in REGISTRATION.items() if action != missing)
    caller = user({"Action": list(TRIED)}, *granted)
    refused = refusal(service, "RegisterScalableTarget", caller, **VARIANT, **BOUNDS, Tags={"owner": "us"})

    assert bool(refused) is bool(missing)
    assert missing in refused


def test_later_registrations_find_the_linked_role(service: ApplicationAutoScaling) -> None:
    registered(service)
    caller = user({"Action": [f"{PREFIX}:RegisterScalableTarget", *TRIED]})

    assert not refusal(service, "RegisterScalableTarget", caller, **VARIANT, **BOUNDS)


@pytest.mark.parametrize("missing", [*((each,) for each in TRIED), TRIED[:2], TRIED[3:], TRIED])
def test_a_registration_says_all_that_is_missing_of_what_is_tried(
    service: ApplicationAutoScaling, missing: tuple[str, ...]
) -> None:
    registered(service)
    caller = user({"Action": [f"{PREFIX}:RegisterScalableTarget", *(set(TRIED) - set(missing))]})

    refused = refusal(service, "RegisterScalableTarget", caller, **VARIANT, **BOUNDS)

    assert refused == MISSING + ", ".join(missing)


CLOUDWATCH = f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm"
SAGEMAKER = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}"
NARROW: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "alarms by the prefix that target tracking gives them": (
        {"Action": "cloudwatch:*", "Resource": f"{CLOUDWATCH}:TargetTracking-endpoint/*"},
        ("cloudwatch:PutMetricAlarm", "cloudwatch:DescribeAlarms", "cloudwatch:DeleteAlarms"),
    ),
    "the endpoint's own config": (
        {"Action": "sagemaker:DescribeEndpointConfig", "Resource": f"{SAGEMAKER}:endpoint-config/config-1"},
        ("sagemaker:DescribeEndpointConfig",),
    ),
    "tagged endpoints": (
        {
            "Action": ["sagemaker:DescribeEndpoint", "sagemaker:UpdateEndpointWeightsAndCapacities"],
            "Condition": {"StringEquals": {"aws:ResourceTag/owner": "us"}},
        },
        ("sagemaker:DescribeEndpoint", "sagemaker:UpdateEndpointWeightsAndCapacities"),
    ),
}
SETTINGS = [(alarm, endpoint) for alarm in TriedAlarm for endpoint in TriedEndpoint]


@pytest.mark.parametrize(("tried_alarm", "tried_endpoint"), SETTINGS)
@pytest.mark.parametrize("narrow", NARROW)
def test_what_names_or_tags_narrow_is_missing_where_neither_is_there(
    service: ApplicationAutoScaling,
    cloud: VirtualCloud,
    narrow: str,
    tried_alarm: TriedAlarm,
    tried_endpoint: TriedEndpoint,
) -> None:
    registered(service)
    cloud.control_plane.switches = Switches(tried_alarm=tried_alarm, tried_endpoint=tried_endpoint)
    statement, missing = NARROW[narrow]
    others = sorted(set(TRIED) - set(missing))
    caller = user({"Action": [f"{PREFIX}:RegisterScalableTarget", *others]}, statement)

    refused = refusal(service, "RegisterScalableTarget", caller, **VARIANT, **BOUNDS)

    assert refused == MISSING + ", ".join(missing)
    # AND what names every alarm and every endpoint is enough.
    forms = (
        {"Action": "cloudwatch:*", "Resource": f"{CLOUDWATCH}:*"},
        {
            "Action": "sagemaker:*",
            "Resource": [f"{SAGEMAKER}:endpoint/*", f"{SAGEMAKER}:endpoint-config/*"],
        },
    )
    caller = user({"Action": f"{PREFIX}:*"}, *forms)
    assert not refusal(service, "RegisterScalableTarget", caller, **VARIANT, **BOUNDS)


@pytest.mark.parametrize("action", ["cloudwatch:DescribeAlarms", "cloudwatch:PutMetricAlarm"])
def test_target_tracking_needs_its_alarms(service: ApplicationAutoScaling, action: str) -> None:
    registered(service)
    others = {"cloudwatch:DescribeAlarms", "cloudwatch:PutMetricAlarm"} - {action}
    caller = user({"Action": [f"{PREFIX}:PutScalingPolicy", *others]})

    assert action in refusal(service, "PutScalingPolicy", caller, **VARIANT, **TRACKING)


@pytest.mark.parametrize("operation", ["TagResource", "UntagResource", "ListTagsForResource"])
def test_tagging_is_on_the_arn_that_it_names(service: ApplicationAutoScaling, operation: str) -> None:
    arn = registered(service)
    more: dict[str, dict[str, Any]] = {
        "TagResource": {"Tags": {"a": "b"}},
        "UntagResource": {"TagKeys": ["a"]},
        "ListTagsForResource": {},
    }
    request = {"ResourceARN": arn, **more[operation]}
    action = f"{PREFIX}:{operation}"

    assert not refusal(service, operation, user({"Action": action, "Resource": arn}), **request)
    assert refusal(service, operation, user({"Action": action, "Resource": f"{arn}x"}), **request)


@pytest.mark.parametrize("operation", [name for name in OPERATIONS if name.startswith("Describe")])
def test_describing_knows_no_resource(service: ApplicationAutoScaling, operation: str) -> None:
    action = f"{PREFIX}:{operation}"
    target = {"Action": action, "Resource": f"arn:aws:{PREFIX}:{REGION}:{ACCOUNT}:scalable-target/*"}

    assert refusal(service, operation, user(target), ServiceNamespace="sagemaker")
    assert not refusal(service, operation, user({"Action": action}), ServiceNamespace="sagemaker")
