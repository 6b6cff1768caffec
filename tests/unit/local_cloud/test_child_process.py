"""The local cloud as a process: where it listens, and that nothing is left of it."""

import io
import json
import os
import signal
import socket
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import boto3
import pytest

from local_cloud.child_process import LocalCloud, LocalCloudError, start_local_cloud

ROOT = Path(__file__).parents[3]


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the local cloud's process keeps its files."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    return tmp_path


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def start_function(cloud: LocalCloud) -> int:
    """Let Lambda start a process and return its id."""
    session = boto3.Session(
        aws_access_key_id="111122223333", aws_secret_access_key=cloud.secret, region_name="eu-central-1"
    )
    client = session.client("lambda", endpoint_url=cloud.endpoint_url)
    iam = session.client("iam", endpoint_url=cloud.endpoint_url)
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    role = iam.create_role(RoleName="r", AssumeRolePolicyDocument=json.dumps({"Statement": [trust]}))
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("app.py", "import os\ndef handler(event, context):\n    return os.getpid()\n")
    client.create_function(
        FunctionName="f",
        Runtime="python3.13",
        Role=role["Role"]["Arn"],
        Handler="app.handler",
        Code={"ZipFile": content.getvalue()},
    )
    pid: int = json.load(client.invoke(FunctionName="f")["Payload"])
    client.close()
    iam.close()
    assert is_running(pid)
    return pid


def ends(pid: int) -> bool:
    """Tell whether the process ends within a few seconds."""
    deadline = time.monotonic() + 10
    while is_running(pid):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


def test_stop_leaves_no_process_and_no_file(temporary: Path) -> None:
    with start_local_cloud() as cloud:
        function = start_function(cloud)
        state = list(temporary.glob("greenlight-local-cloud-*"))

    assert len(state) == 1
    assert ends(function)
    assert cloud.process.returncode == 0
    assert list(temporary.glob("greenlight-local-cloud-*")) == []
    assert not cloud.log_path.exists()


def test_it_ends_with_whoever_started_it(temporary: Path) -> None:
    """A killed parent cannot say stop; its end of the pipe closes all the same."""
    with start_local_cloud() as cloud:
        function = start_function(cloud)
        assert cloud.process.stdin
        cloud.process.stdin.close()

        assert cloud.process.wait(15) == 0
        assert ends(function)
    assert list(temporary.glob("greenlight-local-cloud-*")) == []


def test_it_listens_on_one_loopback_address_only() -> None:
    """On Linux all of 127/8 is loopback: a server on every interface would answer at 127.0.0.2 too."""
    with start_local_cloud() as cloud:
        url = urlsplit(cloud.endpoint_url)
        assert url.hostname == "127.0.0.1"
        with pytest.raises(OSError, match=r"refused|assign"):
            socket.create_connection(("127.0.0.2", url.port or 0), timeout=5)


def test_its_clock_runs_as_fast_as_it_is_told() -> None:
    with start_local_cloud(speed=20) as cloud:
        assert cloud.switches()["timings"]["wait_scale"] == 0.05


def test_an_impossible_speed_is_refused_with_the_possible_ones(tmp_path: Path) -> None:
    with (
        pytest.raises(LocalCloudError, match="from 1 to 60"),
        start_local_cloud(speed=0, log_path=tmp_path / "log"),
    ):
        pass


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def test_start_that_fails_shows_the_log(taken_port: int, tmp_path: Path) -> None:
    with (
        pytest.raises(LocalCloudError, match=f"Port {taken_port} on 127.0.0.1 cannot be used") as raised,
        start_local_cloud(port=taken_port, log_path=tmp_path / "log"),
    ):
        pass

    assert "--port 0" in str(raised.value)
    assert str(tmp_path / "log") in str(raised.value)


def test_foreground_prints_the_environment_and_ends_on_ctrl_c(temporary: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "local_cloud", "--port", "0", "--account", "444455556666"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    assert process.stdout
    printed = {}
    while "AWS_EC2_METADATA_DISABLED" not in printed:
        name, _, value = process.stdout.readline().removeprefix("export ").strip().partition("=")
        printed[name] = value
    os.kill(process.pid, signal.SIGINT)
    process.communicate(timeout=15)

    assert process.returncode == 0
    assert printed["AWS_ENDPOINT_URL"].startswith("http://127.0.0.1:")
    assert printed["AWS_ENDPOINT_URL_SQS"] == printed["AWS_ENDPOINT_URL"]
    assert printed["AWS_ACCESS_KEY_ID"] == "444455556666"
    assert list(temporary.iterdir()) == []


def test_client_s_environment_holds_no_aws_setting_of_the_host(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "production")
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()

    cloud = LocalCloud("http://127.0.0.1:1", Path("log"), process, "secret")
    environ = cloud.environ("111122223333", "us-east-1")

    assert "AWS_PROFILE" not in environ
    assert (environ["AWS_ENDPOINT_URL"], environ["AWS_REGION"]) == ("http://127.0.0.1:1", "us-east-1")
    assert environ["PATH"] == os.environ["PATH"]
