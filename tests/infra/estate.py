"""The app in several accounts, as if its stacks were deployed: a registry's account, and its stages.

`staging` has its own account, and promotes. `production` too, with a gate and its own role. `lab` is in the
registry's account. Names with a stage's name in them are replaced by those of a single account, so that the
same stories apply.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from tests.infra.roles import Deployed
from tests.unit.deployer.builders import GROUP
from tests.unit.deployer.pipeline import TABLE, TOPIC, TOPIC_KEY

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.infra.conftest import Synthesised

# The stories' names for resources that the stack names after its logical ids.
NAMES: Final = {
    ("AWS::DynamoDB::GlobalTable", "Journal"): TABLE,
    ("AWS::DynamoDB::Table", "Journal"): TABLE,
    ("AWS::IAM::Role", "ModelExecutionRole"): "models",
    ("AWS::KMS::Key", "OutcomesKey"): TOPIC_KEY,
    ("AWS::SNS::Topic", "OutcomesTopic"): TOPIC,
}

REGISTRY: Final = "111122223333"
STAGING: Final = "222233334444"
PRODUCTION: Final = "333344445555"
REGION: Final = "eu-central-1"
BUCKET: Final = "churn-artifacts"
OTHER_BUCKET: Final = "fraud-artifacts"
PREFIX: Final = "churn"
REPOSITORY: Final = "team/churn"
OTHER_REPOSITORY: Final = "team/fraud"
OTHER_GROUP: Final = "fraud"
KEY: Final = "11111111-12ab-34cd-56ef-1234567890ab"
GRANTED_KEY: Final = "22222222-12ab-34cd-56ef-1234567890ab"
OPERATOR: Final = "platform/*"
MODELS_OF_PRODUCTION: Final = "service/models"


@dataclass(frozen=True)
class Estate:
    """The stacks of several accounts, by the names of their stages; `registry` is the registry's."""

    stacks: Mapping[str, Synthesised]

    def deployed(
        self,
        stack: str,
        *,
        registry: str = REGISTRY,
        staging: str = STAGING,
        production: str = PRODUCTION,
        region: str = REGION,
        renamed: Mapping[str, str] | None = None,
    ) -> Deployed:
        """Return a stack as if deployed in these accounts; `renamed` replaces names."""
        accounts = {"registry": registry, "staging": staging, "production": production, "lab": registry}
        editor = self.stacks["registry"].one("AWS::Lambda::Function", "PolicyEditor")
        owner = editor["Environment"]["Variables"]["OWNER"]
        meant = {
            owner: "Greenlight",
            **{f"Greenlight-{stage}": "Greenlight" for stage in ("staging", "lab")},
            **{f"Greenlight{stage}": "Greenlight" for stage in ("staging", "lab")},
            **{f"endpoints/{stage}": "endpoints" for stage in ("staging", "lab")},
            REGISTRY: registry,
            STAGING: staging,
            PRODUCTION: production,
            REGION: region,
            **(renamed or {}),
        }
        names = {place: name for place, name in NAMES.items() if stack == "lab" or "Role" not in place[0]}
        return Deployed(self.stacks[stack], accounts[stack], region, names, stack, meant)


ENDPOINTS: Final = {
    "staging/churn.yaml": f"model_package_group: {GROUP}\ninstance_type: ml.m5.large\n"
    "smoke_test: {requests: [{sample_payload: true}]}\n",
    "churn.yaml": f"model_package_group: {GROUP}\ninstance_type: ml.m5.large\n",
    "fraud.yaml": f"model_package_group: {OTHER_GROUP}\ninstance_type: ml.m5.large\n",
    "lab/churn.yaml": f"model_package_group: {GROUP}\ninstance_type: ml.m5.large\n"
    "rollout: {kind: all_at_once, alarms: {existing: [errors]}}\n",
}
"""The settings that the stages carry, by file."""


def context() -> dict[str, Any]:
    """Return the context keys that the app is synthesised with."""
    image = f"{REGISTRY}.dkr.ecr.{REGION}.amazonaws.com"
    key = f"arn:aws:kms:{REGION}:{REGISTRY}:key"
    promotion = {"stage": "Production", "stage_status": "PendingApproval"}
    return {
        "registry": {
            "account": REGISTRY,
            "region": REGION,
            "groups": {
                GROUP: {
                    "artifacts": [f"s3://{BUCKET}/{PREFIX}/"],
                    "images": [f"{image}/{REPOSITORY}"],
                    "keys": [{"arn": f"{key}/{KEY}"}, {"arn": f"{key}/{GRANTED_KEY}", "by": "grant"}],
                },
                OTHER_GROUP: {
                    "artifacts": [f"s3://{OTHER_BUCKET}/fraud/"],
                    "images": [f"{image}/{OTHER_REPOSITORY}"],
                },
            },
        },
        "stages": {
            "staging": {
                "account": STAGING,
                "endpoints": "staging",
                "soak_seconds": 3600,
                "promotion": promotion,
            },
            "production": {
                "account": PRODUCTION,
                "endpoints": ["churn", "fraud"],
                "gate": {"stage": "Production", "stage_status": "Approved"},
                "execution_role_arn": f"arn:aws:iam::{PRODUCTION}:role/{MODELS_OF_PRODUCTION}",
                "operators": [f"arn:aws:iam::{PRODUCTION}:role/{OPERATOR}"],
            },
            "lab": {
                "account": REGISTRY,
                "endpoints": "lab",
                "soak_seconds": 3600,
                "promotion": promotion,
            },
        },
    }
