"""Run MiniStack's Lambda functions as Lambda does: isolated from this project, and queued when throttled.

Only `emulator.py` creates one. Changes to MiniStack, and reasons:

`lambda_svc.invoke_async_with_retry` and `lambda_svc._execute_function` become `_WaitingForCapacity`'s
    Lambda keeps a throttled asynchronous event in its queue, up to its maximum age. MiniStack counts a
    throttle as a function error: with reserved concurrency 1, waiting events would fail.
`lambda_runtime._detect_runtime_binary` becomes `isolated_interpreter`
    Python functions ran with this virtual environment, whose packages hide a bundle's missing dependency.
`lambda_svc._LAMBDA_ASYNC_RETRY_BASE_SECONDS` becomes `retry_base_seconds`
    AWS waits one minute before the first retry, then two; locally a second, then two.
"""
# ruff: noqa: SLF001 - touching MiniStack's internals is what this module is for; RELIED_ON lists them.

from __future__ import annotations

import importlib
import shlex
import sys
import time
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path


RELIED_ON: tuple[tuple[str, str], ...] = (
    ("ministack.core.lambda_runtime", "_PYTHON_WORKER_SCRIPT"),
    ("ministack.core.lambda_runtime", "_detect_runtime_binary"),
    ("ministack.core.lambda_runtime", "reset"),
    ("ministack.services.lambda_svc", "_LAMBDA_ASYNC_RETRY_BASE_SECONDS"),
    ("ministack.services.lambda_svc", "_execute_function"),
    ("ministack.services.lambda_svc", "invoke_async_with_retry"),
)


class LambdaFunctions:
    """The functions of every account and region.

    Args:
        state_dir: For the program that stands in for Lambda's Python.
        hidden: Environment variables that functions do not see.
    """

    def __init__(self, state_dir: Path, *, hidden: Iterable[str]) -> None:
        self._interpreter = _write_isolated_interpreter(state_dir, hidden=hidden)
        self._lambda: Any = importlib.import_module("ministack.services.lambda_svc")
        self._lambda_runtime: Any = importlib.import_module("ministack.core.lambda_runtime")

    def install(self, retry_base_seconds: float) -> None:
        """Run functions this way from now on."""
        self.retry_base_seconds = retry_base_seconds
        waiting = _WaitingForCapacity(self._lambda.invoke_async_with_retry, self._lambda._execute_function)
        self._lambda.invoke_async_with_retry = waiting.invoke
        self._lambda._execute_function = waiting.execute
        original = self._lambda_runtime._detect_runtime_binary
        script = self._lambda_runtime._PYTHON_WORKER_SCRIPT

        def isolated_interpreter(runtime: str) -> tuple[str, str]:
            if runtime.startswith("python"):
                return str(self._interpreter), script
            binary: tuple[str, str] = original(runtime)
            return binary

        self._lambda_runtime._detect_runtime_binary = isolated_interpreter

    @property
    def retry_base_seconds(self) -> float:
        """How long Lambda waits before it first retries a failed asynchronous invocation; then twice that."""
        seconds: float = self._lambda._LAMBDA_ASYNC_RETRY_BASE_SECONDS
        return seconds

    @retry_base_seconds.setter
    def retry_base_seconds(self, seconds: float) -> None:
        self._lambda._LAMBDA_ASYNC_RETRY_BASE_SECONDS = seconds

    def stop(self) -> None:
        """End the processes that run Lambda functions."""
        self._lambda_runtime.reset()


class _WaitingForCapacity:
    """Lambda's queue of asynchronous events: a throttled one waits (LAM/invocation-async-error-handling)."""

    _DEFAULT_MAX_AGE_SECONDS = 21_600
    _LONGEST_WAIT_SECONDS = 1.0

    def __init__(
        self, invoke: Callable[[Any, Any], None], execute: Callable[[Any, Any], dict[str, Any]]
    ) -> None:
        self._invoke = invoke
        self._execute = execute
        self._is_asynchronous: ContextVar[bool] = ContextVar("is_asynchronous", default=False)

    def invoke(self, function: Any, event: Any) -> None:  # noqa: ANN401 - MiniStack's records
        """Start an asynchronous invocation; MiniStack runs it on a thread with a copy of this context."""
        token = self._is_asynchronous.set(True)
        try:
            self._invoke(function, event)
        finally:
            self._is_asynchronous.reset(token)

    def execute(self, function: Any, event: Any) -> dict[str, Any]:  # noqa: ANN401 - MiniStack's records
        """Run a function; a throttled asynchronous event waits for capacity until it is too old."""
        result = self._execute(function, event)
        settings = (function.get("event_invoke_configs") or {}).get("$LATEST") or {}
        deadline = time.monotonic() + settings.get("MaximumEventAgeInSeconds", self._DEFAULT_MAX_AGE_SECONDS)
        wait_seconds = 0.05
        while self._is_asynchronous.get() and result.get("throttle") and time.monotonic() < deadline:
            time.sleep(wait_seconds)
            wait_seconds = min(2 * wait_seconds, self._LONGEST_WAIT_SECONDS)
            result = self._execute(function, event)
        return result


def _write_isolated_interpreter(state_dir: Path, *, hidden: Iterable[str]) -> Path:
    """Write the program that stands in for Lambda's Python: the base interpreter without packages.

    `-I` ignores `PYTHON*` and the user's packages, `-S` the interpreter's own site-packages. There is no
    HOME, so that no `~/.aws` of the host configures a function.
    """
    launcher = state_dir / "lambda-python"
    interpreter = getattr(sys, "_base_executable", None) or sys.executable
    unset = " ".join(f"-u {name}" for name in hidden)
    launcher.write_text(
        f'#!/bin/sh\nexec env {unset} HOME=/nonexistent TZ=:UTC {shlex.quote(interpreter)} -I -S "$@"\n'
    )
    launcher.chmod(0o755)
    return launcher
