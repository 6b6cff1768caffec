"""A data scientist's work: upload, register, approve. Plain boto3, as in a notebook or in Studio."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sagemaker import SageMakerClient
    from mypy_boto3_sagemaker.type_defs import ModelLifeCycleTypeDef

    from demo.training import TrainedModel

IMAGE: Final = "492215442770.dkr.ecr.eu-central-1.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3"


class Registry:
    """A model package group with its bucket for artifacts, its image and its key."""

    def __init__(
        self,
        sagemaker: SageMakerClient,
        s3: S3Client,
        *,
        group_name: str,
        bucket: str,
        image: str = IMAGE,
        key_arn: str | None = None,
    ) -> None:
        self._sagemaker = sagemaker
        self._s3 = s3
        self._group_name = group_name
        self._bucket = bucket
        self._image = image
        self._encryption: dict[str, Any] = (
            {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key_arn} if key_arn else {}
        )

    def create(self, region: str) -> None:
        """Create the bucket and the group."""
        self._s3.create_bucket(
            Bucket=self._bucket,
            CreateBucketConfiguration={"LocationConstraint": region},  # type: ignore[typeddict-item] # any region
        )
        self._sagemaker.create_model_package_group(
            ModelPackageGroupName=self._group_name,
            ModelPackageGroupDescription="Progression of diabetes after one year",
        )

    def register(self, model: TrainedModel, number: int) -> str:
        """Upload the model and register it as the group's next version; return the version's ARN."""
        key = f"{self._group_name}/{number}/model.tar.gz"
        self._s3.put_object(Bucket=self._bucket, Key=key, Body=model.archive, **self._encryption)
        answer = self._sagemaker.create_model_package(
            ModelPackageGroupName=self._group_name,
            ModelPackageDescription=model.description,
            ModelApprovalStatus="PendingManualApproval",
            InferenceSpecification={
                "Containers": [{"Image": self._image, "ModelDataUrl": f"s3://{self._bucket}/{key}"}],
                "SupportedContentTypes": ["application/json"],
                "SupportedResponseMIMETypes": ["application/json"],
            },
        )
        return answer["ModelPackageArn"]

    def approve(self, version_arn: str) -> None:
        """Approve a version with the call that Studio makes."""
        self._sagemaker.update_model_package(
            ModelPackageArn=version_arn,
            ModelApprovalStatus="Approved",
            ApprovalDescription="Looks good on the hold-out set",
        )

    def reject(self, version_arn: str) -> None:
        """Withdraw an approval."""
        self._sagemaker.update_model_package(
            ModelPackageArn=version_arn,
            ModelApprovalStatus="Rejected",
            ApprovalDescription="Somebody saw something",
        )

    def move(self, version_arn: str, life_cycle: ModelLifeCycleTypeDef) -> None:
        """Set a version's life cycle stage."""
        self._sagemaker.update_model_package(ModelPackageArn=version_arn, ModelLifeCycle=life_cycle)
