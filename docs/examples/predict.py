"""Call the endpoint as an application does: one patient's measurements, one prediction."""

from __future__ import annotations

import json

import boto3

ENDPOINT = "diabetes-progression"
PATIENT = [0.0381, 0.0507, 0.0617, 0.0219, -0.0442, -0.0348, -0.0434, -0.0026, 0.0199, -0.0176]
"""Age, sex, body mass index, blood pressure and six blood values, scaled; the first row of the study."""

PROGRESSION = 151
"""What was measured after one year."""

answer = boto3.client("sagemaker-runtime").invoke_endpoint(
    EndpointName=ENDPOINT, ContentType="application/json", Body=json.dumps([PATIENT]).encode()
)
[predicted] = json.loads(answer["Body"].read())
print(f"{ENDPOINT} predicts {predicted:.0f}; measured was {PROGRESSION}.")
