"""Call an endpoint without a pause and count the answers, as a user whose calls must not fail."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Self

from botocore.exceptions import BotoCoreError, ClientError

if TYPE_CHECKING:
    from mypy_boto3_sagemaker_runtime import SageMakerRuntimeClient

SECONDS_BETWEEN_CALLS: Final = 0.02


def predict(runtime: SageMakerRuntimeClient, endpoint_name: str, rows: list[list[float]]) -> list[float]:
    """Invoke the endpoint with some rows and return its predictions."""
    answer = runtime.invoke_endpoint(
        EndpointName=endpoint_name, ContentType="application/json", Body=json.dumps(rows).encode()
    )
    predictions: list[float] = json.loads(answer["Body"].read())
    return predictions


@dataclass(slots=True)
class BackgroundCaller:
    """Invoke one row again and again while the context lasts.

    Attributes:
        predictions: All answers, in order.
        failures: All errors, in order.
    """

    runtime: SageMakerRuntimeClient
    endpoint_name: str
    row: list[float]
    predictions: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        self._thread = threading.Thread(
            target=self._call_until_stopped, name="background-caller", daemon=True
        )
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    def wait_for_calls(self, more: int, timeout_seconds: float = 30.0) -> None:
        """Wait for that many more answers or failures.

        Raises:
            TimeoutError: They did not come.
        """
        target = len(self.predictions) + len(self.failures) + more
        deadline = time.monotonic() + timeout_seconds
        while len(self.predictions) + len(self.failures) < target:
            if time.monotonic() > deadline:
                raise TimeoutError(f"the endpoint answered no {more} calls within {timeout_seconds:.0f} s")
            time.sleep(SECONDS_BETWEEN_CALLS)

    def _call_until_stopped(self) -> None:
        while not self._stop.is_set():
            try:
                self.predictions.extend(predict(self.runtime, self.endpoint_name, [self.row]))
            except (BotoCoreError, ClientError, ValueError) as error:
                self.failures.append(f"{type(error).__name__}: {error}")
            time.sleep(SECONDS_BETWEEN_CALLS)
