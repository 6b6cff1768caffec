"""AWS's documentation, "Deploy a model from the registry (SageMaker SDK)", pasted below its assumptions."""
# fmt: off
# ruff: noqa: Q000, F401, I001, E402, T201 - the snippet is AWS's, and is to stay so

import json
import sys
from typing import Any

import sagemaker  # type: ignore[import-not-found] # it lives in the clients' own environment
from sagemaker.deserializers import JSONDeserializer  # type: ignore[import-not-found] # likewise
from sagemaker.serializers import JSONSerializer  # type: ignore[import-not-found] # likewise


class ImpatientSession(sagemaker.Session):  # type: ignore[misc] # the SDK is untyped here
    """The SDK's session, looking every second whether the endpoint is there (by default every 30)."""

    def wait_for_endpoint(self, endpoint: str, **options: Any) -> Any:
        return super().wait_for_endpoint(endpoint, **{**options, "poll": 1})


model_package_arn_of_the_user, role = sys.argv[1:]
sagemaker_session = ImpatientSession()

from sagemaker import ModelPackage
from time import gmtime, strftime

model_package_arn = model_package_arn_of_the_user
model = ModelPackage(role=role,
                     model_package_arn=model_package_arn,
                     sagemaker_session=sagemaker_session)
model.deploy(initial_instance_count=1, instance_type='ml.m5.xlarge')

predictor = sagemaker.Predictor(
    endpoint_name=model.endpoint_name,
    sagemaker_session=sagemaker_session,
    serializer=JSONSerializer(),
    deserializer=JSONDeserializer(),
)
prediction = predictor.predict([[1.0, 2.0]])
# The SDK's progress has left the cursor behind its dashes.
print("\n" + json.dumps({"endpoint": model.endpoint_name, "prediction": prediction}))
