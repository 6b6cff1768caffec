"""Run one production variant's containers as processes, watch their health, and keep their logs.

One process stands for all instances of a fleet. Other modules route traffic.
"""

from __future__ import annotations

import contextlib
import http.client
import logging
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from local_cloud.hosting.archive import BadArchiveError, extract
from local_cloud.sagemaker.ports import Container, FleetSpec, Health

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_LOGGER = logging.getLogger("local_cloud.variant_fleet")

_PROGRAM = Path(__file__).with_name("container.py")
_PING_SECONDS = 2.0
_SECONDS_BETWEEN_PINGS = 1.0
_SECONDS_TO_EXIT = 2.0
_OK = 200
_ERRORS_FROM = 400


class ModelData(Protocol):
    """The source of model archives."""

    def read_object(self, s3_url: str, *, account_id: str) -> bytes | None:
        """Return the object's bytes, or None if there is none."""
        ...


class Logs(Protocol):
    """The destination of the containers' output."""

    def write_logs(
        self, account_id: str, region: str, *, group: str, stream: str, lines: Sequence[str]
    ) -> None:
        """Append lines to a log stream."""
        ...


class UnreachableError(Exception):
    """The container's process does not accept the invocation, or died during it."""


class InvocationTimeoutError(Exception):
    """The container did not answer in time."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A container's answer to an invocation."""

    status: int
    content_type: str
    body: bytes
    custom_attributes: str | None = None


class _CannotLaunchError(Exception):
    """A fleet that will never be healthy, and the reason for its log."""


class Fleet:
    """The processes of one variant; `launch` returns at once and `health` tells their progress."""

    def __init__(
        self, fleet_id: str, spec: FleetSpec, *, model_data: ModelData, logs: Logs, directory: Path
    ) -> None:
        self.spec = spec
        self.instance_count = spec.instance_count
        self.log_group = f"/aws/sagemaker/Endpoints/{spec.endpoint_name}"
        self.log_stream = f"{spec.variant_name}/i-{fleet_id}"
        self.health = Health.STARTING
        self._model_data = model_data
        self._logs = logs
        self._directory = directory
        self._processes: list[subprocess.Popen[bytes]] = []
        self._ports: list[int] = []
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"fleet-{fleet_id}", daemon=True)
        self._readers: list[threading.Thread] = []

    def launch(self) -> None:
        """Begin to fetch, unpack and start the containers."""
        try:
            self._thread.start()
        except RuntimeError as error:
            self._give_up(error)

    def invoke(self, body: bytes, headers: Mapping[str, str], *, timeout_seconds: float) -> Answer:
        """Pass an invocation through the containers; each one's output is the next one's input.

        Raises `UnreachableError` or `InvocationTimeoutError`; a container's error status ends the chain.
        """
        sent = dict(headers)
        answer: Answer | None = None
        for port in self._ports:
            answer = _post(port, body, sent, timeout_seconds=timeout_seconds)
            if answer.status >= _ERRORS_FROM:
                break
            body, sent = answer.body, {**sent, "Content-Type": answer.content_type}
        if answer is None:
            raise UnreachableError(f"The fleet of {self.spec.variant_name} has no running container.")
        return answer

    def stop(self) -> None:
        """End the processes and delete their files; return when both are gone."""
        self._stopping.set()
        with self._lock:
            processes = list(self._processes)
        for process in processes:
            _signal_group(process, signal.SIGTERM)
        for process in processes:
            try:
                process.wait(_SECONDS_TO_EXIT)
            except subprocess.TimeoutExpired:
                _signal_group(process, signal.SIGKILL)
                process.wait()
            if process.stdin is not None:
                process.stdin.close()
        if self._thread.is_alive():
            self._thread.join(_PING_SECONDS + _SECONDS_TO_EXIT)
        for reader in self._readers:
            reader.join(_SECONDS_TO_EXIT)
        self.health = Health.UNHEALTHY
        shutil.rmtree(self._directory, ignore_errors=True)

    def _run(self) -> None:
        try:
            for index, container in enumerate(self.spec.containers):
                self._start(container, self._directory / str(index))
            while not self._stopping.is_set():
                self.health = self._observed_health()
                if self.health is not Health.STARTING:
                    self._stopping.wait(_SECONDS_BETWEEN_PINGS)
        except Exception as error:  # noqa: BLE001 - a thread that dies silently is a launch that never ends
            self._give_up(error)

    def _give_up(self, error: Exception) -> None:
        """End the launch, with the reason in the endpoint's log."""
        if isinstance(error, _CannotLaunchError):
            self._log(str(error))
        elif not self._stopping.is_set():
            _LOGGER.error("The fleet %s failed", self.log_stream, exc_info=error)
            self._log(f"The local cloud could not run the container: {type(error).__name__}: {error}")
            for line in traceback.format_exception(error):
                self._log(line.rstrip("\n"))
        self.health = Health.UNHEALTHY

    def _observed_health(self) -> Health:
        codes = [process.poll() for process in self._processes]
        if any(code is not None for code in codes):
            return Health.UNHEALTHY
        if all(_answers_ping(port) for port in self._ports):
            return Health.HEALTHY
        if any(process.poll() is not None for process in self._processes):
            return Health.UNHEALTHY
        return Health.STARTING if self.health is Health.STARTING else Health.UNHEALTHY

    def _start(self, container: Container, directory: Path) -> None:
        model_dir = directory / "model"
        home = directory / "home"
        model_dir.mkdir(parents=True)
        home.mkdir()
        self._unpack(container, model_dir)
        with socket.create_server(("127.0.0.1", 0)) as listener, self._lock:
            if self._stopping.is_set():
                return
            process = subprocess.Popen(  # noqa: S603 - our own program
                [
                    sys.executable,
                    "-I",
                    "-u",
                    str(_PROGRAM),
                    "--listen-fd",
                    str(listener.fileno()),
                    "--model-dir",
                    str(model_dir),
                ],
                cwd=home,
                env=self._environment(container, model_dir, home),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                pass_fds=(listener.fileno(),),
                start_new_session=True,
            )
            self._processes.append(process)
            # Close our copy of the listener: once the process is gone, connections are refused at once.
            self._ports.append(listener.getsockname()[1])
        reader = threading.Thread(target=self._keep_log, args=(process,), daemon=True)
        reader.start()
        self._readers.append(reader)

    def _unpack(self, container: Container, model_dir: Path) -> None:
        url = container.model_data_url
        if url is None or url.endswith("/"):
            raise _CannotLaunchError(
                f"The container {container.image} has no model archive (model data: {url}). The local cloud "
                "runs model.tar.gz archives with code/inference.py; set ModelDataUrl to one."
            )
        content = self._model_data.read_object(url, account_id=self.spec.account_id)
        if content is None:
            raise _CannotLaunchError(
                f"The model data at {url} is gone since the model was created. Upload it again, then create "
                "a new endpoint config."
            )
        try:
            extract(content, into=model_dir)
        except BadArchiveError as error:
            raise _CannotLaunchError(
                f"The model data at {url} cannot be unpacked: {error}. It has to be a gzipped tar archive."
            ) from error

    def _environment(self, container: Container, model_dir: Path, home: Path) -> dict[str, str]:
        kept = {name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL") if name in os.environ}
        return {
            **kept,
            "HOME": str(home),
            "AWS_REGION": self.spec.region,
            "AWS_DEFAULT_REGION": self.spec.region,
            "SAGEMAKER_REGION": self.spec.region,
            "SAGEMAKER_CONTAINER_LOG_LEVEL": "20",
            **container.environment,
            "SM_MODEL_DIR": str(model_dir),
        }

    def _keep_log(self, process: subprocess.Popen[bytes]) -> None:
        if process.stdout is None:
            return
        with process.stdout as output:
            # Keep reading even if a line cannot be stored: a container whose output nobody reads stops.
            for line in output:
                self._log(line.decode(errors="replace").rstrip("\n"))
        code = process.wait()
        if not self._stopping.is_set():
            self._log(f"The container's process ended with exit code {code}.")

    def _log(self, line: str) -> None:
        account_id, region = self.spec.account_id, self.spec.region
        try:
            self._logs.write_logs(
                account_id, region, group=self.log_group, stream=self.log_stream, lines=[line]
            )
        except Exception:
            _LOGGER.exception("Could not write to %s: %s", self.log_group, line)


def _answers_ping(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_PING_SECONDS)
    try:
        connection.request("GET", "/ping")
        return connection.getresponse().status == _OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _post(port: int, body: bytes, headers: Mapping[str, str], *, timeout_seconds: float) -> Answer:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout_seconds)
    try:
        connection.request("POST", "/invocations", body, dict(headers))
        response = connection.getresponse()
        return Answer(
            status=response.status,
            content_type=response.getheader("Content-Type", "application/octet-stream"),
            body=response.read(),
            custom_attributes=response.getheader("X-Amzn-SageMaker-Custom-Attributes"),
        )
    except TimeoutError as error:
        raise InvocationTimeoutError from error
    except (OSError, http.client.HTTPException) as error:
        raise UnreachableError(f"{type(error).__name__}: {error}") from error
    finally:
        connection.close()


def _signal_group(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    """Signal a container and its child processes; `start_new_session` made its pid its group's id."""
    if process.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
