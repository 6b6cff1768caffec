"""Connections of clients that go, stay, or never say anything, with the 256 descriptors that macOS gives."""

import contextlib
import http.client
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from local_cloud.child_process import LocalCloud

ROOT = Path(__file__).parents[4]
LIMIT = 256


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    """A local cloud that may have 256 descriptors, and cannot ask for more."""
    directory = tmp_path_factory.mktemp("cloud")
    port_file, log = directory / "port", directory / "log"
    command = [sys.executable, "-m", "local_cloud", "--port", "0", "--port-file", str(port_file)]
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603 - our own program
            ["/bin/sh", "-c", f'ulimit -n {LIMIT}; exec "$@"', "sh", *command, "--until-stdin-closes"],
            cwd=ROOT,
            env=os.environ | {"LOCAL_CLOUD_SECRET": "secret"},
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    cloud = LocalCloud("", log, process, "secret")
    try:
        deadline = time.monotonic() + 60
        while not (cloud.endpoint_url and cloud.is_healthy()):
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.05)
            if port_file.exists() and (port := port_file.read_text()):
                cloud = LocalCloud(f"http://127.0.0.1:{port}", log, process, "secret")
        yield cloud
    finally:
        cloud.stop()


def connect(cloud: LocalCloud) -> socket.socket:
    return socket.create_connection(("127.0.0.1", int(cloud.endpoint_url.rpartition(":")[2])), timeout=60)


def ask(link: socket.socket, cloud: LocalCloud) -> int:
    """Send a request on a connection that stays, and return the status."""
    host = cloud.endpoint_url.removeprefix("http://")
    link.sendall(
        f"GET /_local_cloud/health HTTP/1.1\r\nHost: {host}\r\nX-Local-Cloud-Secret: secret\r\n\r\n".encode()
    )
    response = http.client.HTTPResponse(link)
    response.begin()
    response.read()
    return response.status


def descriptors(cloud: LocalCloud) -> int:
    return len(list(Path(f"/proc/{cloud.process.pid}/fd").iterdir()))


def cpu_seconds(cloud: LocalCloud) -> float:
    fields = Path(f"/proc/{cloud.process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_a_descriptor_goes_when_its_client_does(cloud: LocalCloud) -> None:
    before = descriptors(cloud)

    for _ in range(2 * LIMIT):
        with connect(cloud) as link:
            assert ask(link, cloud) == 200

    deadline = time.monotonic() + 5
    while descriptors(cloud) > before + 5:
        assert time.monotonic() < deadline, f"{descriptors(cloud)} descriptors, {before} before"
        time.sleep(0.05)


def test_connections_that_stay_idle_keep_nobody_out(cloud: LocalCloud) -> None:
    with contextlib.ExitStack() as staying:
        idle = [staying.enter_context(connect(cloud)) for _ in range(2 * LIMIT)]
        for link in idle[-20:]:
            assert ask(link, cloud) == 200

        with connect(cloud) as link:
            began = time.monotonic()
            assert ask(link, cloud) == 200
            assert time.monotonic() - began < 5
        assert descriptors(cloud) < LIMIT
        # The connection that was used last has not been closed for those that nobody used.
        assert ask(idle[-1], cloud) == 200


def test_accepting_waits_for_room_and_never_spins(cloud: LocalCloud) -> None:
    host = cloud.endpoint_url.removeprefix("http://")
    with contextlib.ExitStack() as staying:
        for _ in range(LIMIT):
            link = staying.enter_context(connect(cloud))
            link.sendall(f"POST / HTTP/1.1\r\nHost: {host}\r\nContent-Length: 9\r\n\r\n".encode())
        time.sleep(1)

        before = cpu_seconds(cloud)
        time.sleep(2)
        assert cpu_seconds(cloud) - before < 0.5

    with connect(cloud) as link:
        assert ask(link, cloud) == 200
