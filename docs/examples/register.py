"""Train a small model and register it as the next version of its group, as a training pipeline does.

    python docs/examples/register.py
    python docs/examples/register.py --break answers     # a version that serves, and answers nonsense
    python docs/examples/register.py --break start       # a version that cannot be loaded

For a model of your own, change GROUP, INFERENCE and train. Data: the diabetes study of Efron, Hastie,
Johnstone and Tibshirani, "Least Angle Regression" (2004), as in scikit-learn.
"""

from __future__ import annotations

import argparse
import io
import tarfile
import uuid
from contextlib import suppress

import boto3
import joblib
from sklearn.datasets import load_diabetes
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import train_test_split

GROUP = "diabetes-progression"
IMAGE = "492215442770.dkr.ecr.eu-central-1.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3"

INFERENCE = """\
from pathlib import Path

import joblib


def model_fn(model_dir):
    return joblib.load(Path(model_dir) / "model.joblib")


def predict_fn(rows, model):
    return model.predict(rows).tolist()
"""
ANSWERS_NONSENSE = INFERENCE.replace("model.predict(rows).tolist()", "[0.0 for _ in rows]")
CANNOT_START = "import a_package_that_only_the_notebook_had\n" + INFERENCE


def main() -> None:
    """Train, upload, register."""
    parser = argparse.ArgumentParser(description="Train a model and register it.")
    parser.add_argument(
        "--break", dest="broken", choices=["answers", "start"], help="what is wrong with the version"
    )
    broken = parser.parse_args().broken
    code = {"answers": ANSWERS_NONSENSE, "start": CANNOT_START}.get(broken, INFERENCE)
    fitted, r2 = train()
    number = register(archive(fitted, code), f"linear regression, R² {r2:.2f} on unseen patients")
    print(f"Registered version {number} of {GROUP}. Nothing serves it yet: it waits for an approval.")


def train() -> tuple[bytes, float]:
    """Return the fitted model's file, and its coefficient of determination on unseen rows."""
    features, progression = load_diabetes(return_X_y=True)
    train_x, test_x, train_y, test_y = train_test_split(features, progression, random_state=7)
    model = LinearRegression().fit(train_x, train_y)
    file = io.BytesIO()
    joblib.dump(model, file)
    return file.getvalue(), float(model.score(test_x, test_y))


def archive(fitted: bytes, code: str) -> bytes:
    """Return a model.tar.gz as SageMaker's scikit-learn container expects it."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for name, content in (("model.joblib", fitted), ("code/inference.py", code.encode())):
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return packed.getvalue()


def register(model: bytes, description: str) -> int:
    """Upload the archive and register it; return the version's number."""
    session = boto3.Session()
    sagemaker, s3 = session.client("sagemaker"), session.client("s3")
    account = session.client("sts").get_caller_identity()["Account"]
    # SageMaker's default bucket: the models' role may read it. Name others in `model_buckets` of cdk.json.
    bucket, key = f"sagemaker-{session.region_name}-{account}", f"{GROUP}/{uuid.uuid4()}/model.tar.gz"
    with suppress(s3.exceptions.BucketAlreadyOwnedByYou):
        # In us-east-1, leave CreateBucketConfiguration out.
        s3.create_bucket(
            Bucket=bucket,
            CreateBucketConfiguration={"LocationConstraint": session.region_name},  # type: ignore[typeddict-item] # any region
        )
    groups = sagemaker.list_model_package_groups(NameContains=GROUP)["ModelPackageGroupSummaryList"]
    if not any(each["ModelPackageGroupName"] == GROUP for each in groups):
        sagemaker.create_model_package_group(ModelPackageGroupName=GROUP)
    s3.put_object(Bucket=bucket, Key=key, Body=model)
    created = sagemaker.create_model_package(
        ModelPackageGroupName=GROUP,
        ModelPackageDescription=description,
        ModelApprovalStatus="PendingManualApproval",
        InferenceSpecification={
            "Containers": [{"Image": IMAGE, "ModelDataUrl": f"s3://{bucket}/{key}"}],
            "SupportedContentTypes": ["application/json"],
            "SupportedResponseMIMETypes": ["application/json"],
        },
    )
    return int(created["ModelPackageArn"].rpartition("/")[2])


if __name__ == "__main__":
    main()
