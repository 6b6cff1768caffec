"""Run the local cloud as a child process, for tests and the demo."""

from __future__ import annotations

import json
import os
import secrets
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_ROOT = Path(__file__).resolve().parent.parent
_SECONDS_BETWEEN_LOOKS = 0.05
_SECONDS_TO_STOP = 20.0
SECRET_VARIABLE = "LOCAL_CLOUD_SECRET"  # noqa: S105 - a variable's name


class LocalCloudError(Exception):
    """The local cloud did not start; the message ends with its log.

    Attributes:
        said: The end of its log alone.
    """

    def __init__(self, message: str, said: str = "") -> None:
        super().__init__(f"{message}\n{said}" if said else message)
        self.said = said


def draw_secret() -> str:
    """Draw the secret access key for one start of a local cloud."""
    return secrets.token_hex(20)


def client_environment(endpoint_url: str, secret: str, account_id: str, region: str) -> dict[str, str]:
    """Return the variables that point AWS clients at a local cloud; the access key is the account.

    SQS has its own variable, for clients that ignore the common one.
    """
    return {
        "AWS_ENDPOINT_URL": endpoint_url,
        "AWS_ENDPOINT_URL_SQS": endpoint_url,
        "AWS_ACCESS_KEY_ID": account_id,
        "AWS_SECRET_ACCESS_KEY": secret,
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
        "AWS_EC2_METADATA_DISABLED": "true",
    }


@dataclass(frozen=True, slots=True)
class LocalCloud:
    """A running local cloud, seen from outside."""

    endpoint_url: str
    log_path: Path
    process: subprocess.Popen[bytes]
    secret: str = field(repr=False)

    def variables(self, account_id: str, region: str) -> dict[str, str]:
        """Return the variables that make a client the root user of an account."""
        return client_environment(self.endpoint_url, self.secret, account_id, region)

    def environ(self, account_id: str, region: str) -> dict[str, str]:
        """Return a complete environment for a client's process: the host's, without its AWS settings."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        nowhere = {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
        return kept | nowhere | self.variables(account_id, region)

    def calls(self, *, after: int = 0) -> list[dict[str, Any]]:
        """Return the SageMaker calls and invocations with a sequence number greater than `after`."""
        calls: list[dict[str, Any]] = self._admin("GET", f"calls?after={after}")
        return calls

    def events(self, *, after: int = 0) -> list[dict[str, Any]]:
        """Return the events that SageMaker and SSM emitted, with a sequence number greater than `after`."""
        events: list[dict[str, Any]] = self._admin("GET", f"events?after={after}")
        return events

    def switches(self) -> dict[str, Any]:
        """Return every switch, timing and delivery setting."""
        document: dict[str, Any] = self._admin("GET", "switches")
        return document

    def switch(self, document: Mapping[str, Any]) -> dict[str, Any]:
        """Change some settings (in the form of `switches`) and return all of them."""
        changed: dict[str, Any] = self._admin("PUT", "switches", document)
        return changed

    def limit_instances(self, account_id: str, region: str, instance_type: str, **limits: int | None) -> None:
        """Set an account's `quota` or `capacity` of an instance type; None removes it."""
        where = {"account_id": account_id, "region": region, "instance_type": instance_type}
        self._admin("PUT", "instance-limits", {**where, **limits})

    def fail_work(
        self, account_id: str, region: str, endpoint_name: str, reason: str, *, rollback_fails: bool = False
    ) -> None:
        """Fail an endpoint's current operation, as a fault of the service would."""
        where = {"account_id": account_id, "region": region, "endpoint_name": endpoint_name}
        self._admin("POST", "failures", {**where, "reason": reason, "rollback_fails": rollback_fails})

    def scale(
        self, account_id: str, region: str, endpoint_name: str, variant_name: str, capacity: int
    ) -> int | None:
        """Scale a registered variant as a policy would; return the new capacity, or None."""
        document = {
            "account_id": account_id,
            "region": region,
            "endpoint_name": endpoint_name,
            "variant_name": variant_name,
            "capacity": capacity,
        }
        scaled_to: int | None = self._admin("POST", "scalings", document)["scaled_to"]
        return scaled_to

    def is_healthy(self) -> bool:
        """Tell whether it answers."""
        try:
            self._admin("GET", "health")
        except OSError:
            return False
        return True

    def stop(self) -> None:
        """End the process and its child processes; ignore one that has ended."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(_SECONDS_TO_STOP)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        if self.process.stdin:
            self.process.stdin.close()

    def _admin(self, method: str, path: str, document: Mapping[str, Any] | None = None) -> Any:  # noqa: ANN401
        body = None if document is None else json.dumps(document).encode()
        request = urllib.request.Request(  # noqa: S310 - always http on loopback
            f"{self.endpoint_url}/_local_cloud/{path}",
            data=body,
            method=method,
            headers={"X-Local-Cloud-Secret": self.secret},
        )
        try:
            with urllib.request.urlopen(request, timeout=10) as response:  # noqa: S310 - as above
                return json.load(response)
        except urllib.error.HTTPError as error:
            raise ValueError(json.load(error)["error"]) from error


@contextmanager
def start_local_cloud(
    *,
    port: int = 0,
    log_path: Path | None = None,
    timeout_seconds: float = 60.0,
    enforce_iam: bool = True,
    speed: float = 1,
    containers: bool = True,
) -> Iterator[LocalCloud]:
    """Run a local cloud while the context lasts; without `enforce_iam` every caller may do everything.

    AWS's waits and periods pass `speed` times as fast. Without `containers`, endpoints answer no call. The
    output goes to `log_path` (by default a temporary file, kept after a failure). It also ends when this
    process is killed.

    Raises `LocalCloudError` if it does not answer in time.
    """
    directory = Path(tempfile.mkdtemp(prefix="greenlight-"))
    log = log_path or directory / "local-cloud.log"
    port_file = directory / "port"
    command = [sys.executable, "-m", "local_cloud", "--port", str(port), "--port-file", str(port_file)]
    command += ["--speed", str(speed)]
    if not enforce_iam:
        command.append("--no-iam")
    if not containers:
        command.append("--no-containers")
    secret = draw_secret()
    with log.open("ab") as output:
        process = subprocess.Popen(  # noqa: S603 - our own module
            [*command, "--until-stdin-closes"],
            cwd=_ROOT,
            env=os.environ | {SECRET_VARIABLE: secret},
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    cloud = LocalCloud("", log, process, secret)
    failed = True
    try:
        cloud = _ready(cloud, port_file, timeout_seconds)
        yield cloud
        failed = False
    except KeyboardInterrupt:
        failed = False
        raise
    finally:
        cloud.stop()
        port_file.unlink(missing_ok=True)
        if not failed and log_path is None:
            log.unlink()
        if not any(directory.iterdir()):
            directory.rmdir()


def _ready(starting: LocalCloud, port_file: Path, timeout_seconds: float) -> LocalCloud:
    process, log = starting.process, starting.log_path
    deadline = time.monotonic() + timeout_seconds
    while time.monotonic() < deadline and process.poll() is None:
        port = port_file.read_text() if port_file.exists() else ""
        if port:
            cloud = replace(starting, endpoint_url=f"http://127.0.0.1:{port}")
            if cloud.is_healthy():
                return cloud
        time.sleep(_SECONDS_BETWEEN_LOOKS)
    what = "did not answer in time" if process.poll() is None else f"ended with exit code {process.poll()}"
    tail = "\n".join(log.read_text(errors="replace").splitlines()[-40:])
    raise LocalCloudError(f"The local cloud {what}. Its log is {log}:", tail)
