"""Runs one smoke test: calls a version that has just gone live, within the test's limits."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from deployer.gateways.s3 import PayloadError
from deployer.model.smoke_test import Payload, Unanswered

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from deployer.gateways.invocations import Invocations
    from deployer.gateways.s3 import S3
    from deployer.model.model_version import ModelVersion
    from deployer.model.smoke_test import Answer, Failure, Request, SmokeTest

LONGEST_PAUSE_SECONDS: Final = 2.0
"""The longest wait before an unanswered call is repeated."""


class SmokeTestRun:
    """One smoke test of one version on one endpoint.

    Args:
        test: The requests and their expected answers.
        endpoint_name: The endpoint that serves the version.
        target_variants: The variants that serve the version, if others serve as well; empty to let SageMaker
            choose.
        sample: The version with its sample payload; None if the version was deleted.
        invocations: Takes the requests.
        s3: Holds the bodies.
        now: The time.
        pause: Pauses for a random part of so many seconds.
    """

    def __init__(
        self,
        test: SmokeTest,
        endpoint_name: str,
        target_variants: Sequence[str],
        *,
        sample: ModelVersion | None,
        invocations: Invocations,
        s3: S3,
        now: Callable[[], datetime],
        pause: Callable[[float], None],
    ) -> None:
        self._test = test
        self._sample = sample
        self._endpoint_name = endpoint_name
        self._target_variants: Sequence[str | None] = target_variants or (None,)
        self._invocations = invocations
        self._s3 = s3
        self._now = now
        self._pause = pause

    def run(self) -> Failure | None:
        """Make every request until one fails; return None if all answers are good."""
        ends_at = self._now() + timedelta(seconds=self._test.time_limit_seconds)
        for request in self._test.requests:
            if (failure := self._try(request, ends_at)) is not None:
                return failure
        return None

    def _try(self, request: Request, ends_at: datetime) -> Failure | None:
        try:
            payloads = self._payloads_of(request)
        except PayloadError as error:
            return self._test.failure(request, None, Unanswered(str(error)), "something to send")
        for variant in self._target_variants:
            seconds: list[float] = []
            for number, payload in enumerate(payloads * request.calls, 1):
                answer = self._call(request, payload, variant, ends_at)
                if isinstance(answer, Unanswered):
                    unmet: str | None = f"an answer within {self._test.time_limit_seconds} s"
                else:
                    seconds.append(answer.seconds)
                    unmet = request.unmet(answer)
                    if unmet is None and number == len(payloads) * request.calls:
                        unmet = request.too_slow(seconds)
                if unmet is not None:
                    return self._test.failure(request, payload, answer, unmet, target_variant=variant)
        return None

    def _call(
        self, request: Request, payload: Payload, variant: str | None, ends_at: datetime
    ) -> Answer | Unanswered:
        """Call until a container answers or the time is up."""
        answer: Answer | Unanswered = Unanswered("the time was over before it was asked")
        while self._now() < ends_at:
            answer = self._invocations.invoke(
                self._endpoint_name, payload, accept=request.accept, target_variant=variant
            )
            if not isinstance(answer, Unanswered):
                return answer
            self._pause(LONGEST_PAUSE_SECONDS)
        return answer

    def _payloads_of(self, request: Request) -> list[Payload]:
        if request.body_s3_uri is not None:
            return [Payload(self._s3.read(request.body_s3_uri), request.content_type)]
        if request.body is not None:
            return [Payload(request.body.encode(), request.content_type)]
        sample = self._sample
        if sample is None or sample.sample_payload_url is None:
            raise PayloadError("The version was registered without a SamplePayloadUrl")
        content_type = request.content_type or next(iter(sample.content_types), None)
        return [
            Payload(body, content_type, name)
            for name, body in self._s3.read_archive(sample.sample_payload_url)
        ]
