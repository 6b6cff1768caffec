"""A registry, a staging and a production account: the example that every test of several accounts shares."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from pathlib import Path

REGISTRY: Final = "111122223333"
STAGING: Final = "222233334444"
PRODUCTION: Final = "333344445555"
REGION: Final = "eu-central-1"
KEY: Final = f"arn:aws:kms:{REGION}:{REGISTRY}:key/1234abcd-12ab-34cd-56ef-1234567890ab"
OTHER_KEY: Final = f"arn:aws:kms:{REGION}:{REGISTRY}:key/9999abcd-12ab-34cd-56ef-1234567890ab"
OPERATOR: Final = f"arn:aws:iam::{PRODUCTION}:role/aws-reserved/sso.amazonaws.com/*/Platform_*"
MODELS_OF_PRODUCTION: Final = f"arn:aws:iam::{PRODUCTION}:role/service/models"
SKLEARN: Final = f"492215442770.dkr.ecr.{REGION}.amazonaws.com/sagemaker-scikit-learn"


def example_context() -> dict[str, Any]:
    """The context keys, new for each caller: every kind of policy, and a stage with each choice."""
    return {
        "registry": {
            "account": REGISTRY,
            "region": REGION,
            "groups": {
                "Churn-Models": {
                    "artifacts": ["s3://models/churn/"],
                    "images": [f"{REGISTRY}.dkr.ecr.{REGION}.amazonaws.com/team/churn"],
                    "keys": [{"arn": KEY}, {"arn": OTHER_KEY, "by": "grant"}],
                },
                "fraud": {"artifacts": ["s3://models/fraud/", "s3://more-models/"], "images": [SKLEARN]},
                "unused": {"artifacts": ["s3://unused/"], "images": [SKLEARN]},
            },
        },
        "stages": {
            "staging": {
                "account": STAGING,
                "endpoints": "staging",
                "soak_seconds": 600,
                "promotion": {"stage": "Production", "stage_status": "PendingApproval"},
            },
            "production": {
                "account": PRODUCTION,
                "region": REGION,
                "endpoints": ["churn", "shared/fraud"],
                "gate": {"stage": "Production", "stage_status": "Approved"},
                "execution_role_arn": MODELS_OF_PRODUCTION,
                "operators": [OPERATOR],
            },
            "lab": {"account": REGISTRY, "endpoints": "lab"},
        },
    }


def write_endpoints(directory: Path) -> Path:
    """Write the endpoints that the stages carry, and return their directory."""
    churn = "model_package_group: Churn-Models\ninstance_type: ml.m5.large\n"
    fraud = "model_package_group: fraud\ninstance_type: ml.m5.large\n"
    for file, content in {
        "staging/churn.yaml": churn,
        "churn.yaml": churn,
        "shared/fraud.yaml": fraud,
        "lab/fraud.yaml": fraud,
    }.items():
        path = directory / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return directory
