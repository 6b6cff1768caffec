"""AWS's documentation, "Deploy a model version from a different account", pasted below its assumptions.

Corrections stand beside the text. They concern only code that cannot work, or that allows more than pulling,
fetching and decrypting. The page's sixth defect is not in the code: a grant to an account still needs that
account's own policies.
"""
# fmt: off
# ruff: noqa: Q000, T201 - the snippet is AWS's, and is to stay so
# mypy: disable-error-code="arg-type, assignment"

import sys

import boto3

cross_account_id, bucket, kms_key_id, model_package_group_name = sys.argv[1:]
sm_client = boto3.client("sagemaker")
account = boto3.client("sts").get_caller_identity()["Account"]
region = sm_client.meta.region_name
# The page's example has registered this before; without it, its last lines have nothing to print.
create_model_package_group_response = sm_client.describe_model_package_group(
    ModelPackageGroupName=model_package_group_name
)
model_package_arn, model_package_arn2 = (
    version["ModelPackageArn"]
    for version in sm_client.list_model_packages(ModelPackageGroupName=model_package_group_name)[
        "ModelPackageSummaryList"
    ]
)

import json  # noqa: E402

# The cross-account id to grant access to: the script's argument here, "123456789012" on the page

# Create the policy for access to the ECR repository
ecr_repository_policy = {
    'Version': '2012-10-17',
    'Statement': [{
        'Sid': 'AddPerm',
        'Effect': 'Allow',
        'Principal': {
            'AWS': f'arn:aws:iam::{cross_account_id}:root'
        },
        # Corrected: 'ecr:*' also lets the other account push and delete.
        'Action': ['ecr:BatchCheckLayerAvailability', 'ecr:BatchGetImage', 'ecr:GetDownloadUrlForLayer']
    }]
}

# Convert the ECR policy from JSON dict to string
ecr_repository_policy = json.dumps(ecr_repository_policy)

# Set the new ECR policy
ecr = boto3.client('ecr')
response = ecr.set_repository_policy(
    registryId = account,
    repositoryName = 'decision-trees-sample',
    policyText = ecr_repository_policy
)

# Create a policy for accessing the S3 bucket
bucket_policy = {
    'Version': '2012-10-17',
    'Statement': [{
        'Sid': 'AddPerm',
        'Effect': 'Allow',
        'Principal': {
            'AWS': f'arn:aws:iam::{cross_account_id}:root'
        },
        # Corrected: 's3:*' also lets the other account write and delete, and take the bucket over.
        'Action': ['s3:GetObject', 's3:ListBucket'],
        # Corrected: the objects alone, without the bucket, cannot be listed.
        'Resource': [f'arn:aws:s3:::{bucket}', f'arn:aws:s3:::{bucket}/*']
    }]
}

# Convert the policy from JSON dict to string
bucket_policy = json.dumps(bucket_policy)

# Set the new policy
s3 = boto3.client('s3')
response = s3.put_bucket_policy(
    Bucket = bucket,
    Policy = bucket_policy)

# Create the KMS grant for encryption in the source account to the
# Model Registry account Model Group
client = boto3.client('kms')

response = client.create_grant(
    # Corrected: the account's number alone is no principal.
    GranteePrincipal=f'arn:aws:iam::{cross_account_id}:root',
    # Corrected: a comma was missing at the end.
    KeyId=kms_key_id,
    Operations=[
        'Decrypt',
        'GenerateDataKey',
    ],
)

# 3. Create a policy for access to the Model Group.
model_package_group_policy = {
    'Version': '2012-10-17',
    'Statement': [{
        'Sid': 'AddPermModelPackageGroup',
        'Effect': 'Allow',
        'Principal': {
            'AWS': f'arn:aws:iam::{cross_account_id}:root'
        },
        'Action': ['sagemaker:DescribeModelPackageGroup'],
        'Resource': f'arn:aws:sagemaker:{region}:{account}:model-package-group/{model_package_group_name}'
    },{
        'Sid': 'AddPermModelPackageVersion',
        'Effect': 'Allow',
        'Principal': {
            'AWS': f'arn:aws:iam::{cross_account_id}:root'
        },
        'Action': ["sagemaker:DescribeModelPackage",
                   "sagemaker:ListModelPackages",
                   "sagemaker:UpdateModelPackage",
                   "sagemaker:CreateModel"],
        'Resource': f'arn:aws:sagemaker:{region}:{account}:model-package/{model_package_group_name}/*'
    }]
}

# Convert the policy from JSON dict to string
model_package_group_policy = json.dumps(model_package_group_policy)

# Set the policy to the Model Group
response = sm_client.put_model_package_group_policy(
    ModelPackageGroupName = model_package_group_name,
    ResourcePolicy = model_package_group_policy)

print('ModelPackageGroupArn : {}'.format(create_model_package_group_response['ModelPackageGroupArn']))
print("First Versioned ModelPackageArn: " + model_package_arn)
print("Second Versioned ModelPackageArn: " + model_package_arn2)

print("Success! You are all set to proceed for cross-account deployment.")
