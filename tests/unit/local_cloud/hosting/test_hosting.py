"""Real processes serve small models here; nothing is simulated but S3 and CloudWatch Logs."""

import io
import json
import os
import tarfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from textwrap import dedent
from typing import TypeVar

import pytest

from local_cloud.hosting.fleets import (
    Fleets,
    Invocation,
    InvocationRecord,
    NoSuchEndpointError,
    NoSuchVariantError,
    NotReadyError,
)
from local_cloud.hosting.routing import WeightedChoice
from local_cloud.hosting.variant_fleet import Fleet, InvocationTimeoutError, UnreachableError
from local_cloud.sagemaker.ports import Container, FleetSpec, Health, Route

ACCOUNT, REGION, ENDPOINT = "111122223333", "eu-central-1", "churn"
ECHO = """
    import json, os
    def model_fn(model_dir):
        with open(os.path.join(model_dir, "name")) as file:
            return file.read()
    def input_fn(body, content_type):
        return body.decode(), content_type
    def predict_fn(data, model):
        seen = {"body": data[0], "type": data[1], "k": os.environ.get("K")}
        return {"model": model, "pid": os.getpid(), **seen}
    def output_fn(prediction, accept):
        return json.dumps(prediction), accept
"""


def model(code: str | None = ECHO, name: str = "v1") -> bytes:
    files = {"name": name}
    if code is not None:
        files["code/inference.py"] = dedent(code)
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as archive:
        for path, text in files.items():
            member = tarfile.TarInfo(path)
            member.size = len(text.encode())
            archive.addfile(member, io.BytesIO(text.encode()))
    return content.getvalue()


class Bucket:
    """Objects by URL."""

    def __init__(self, objects: Mapping[str, bytes]) -> None:
        self._objects = objects

    def read_object(self, s3_url: str, *, account_id: str) -> bytes | None:
        assert account_id == ACCOUNT
        return self._objects.get(s3_url)


class MemoryLogs:
    """Log lines by group and stream."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, str, str]] = []

    def write_logs(
        self, account_id: str, region: str, *, group: str, stream: str, lines: Sequence[str]
    ) -> None:
        assert (account_id, region) == (ACCOUNT, REGION)
        self.lines.extend((group, stream, line) for line in lines)

    @property
    def text(self) -> str:
        return "\n".join(line for _, _, line in self.lines)


class World:
    """Fleets over a bucket of models, with shorthands."""

    def __init__(self, directory: Path, objects: Mapping[str, bytes], *, timeout_seconds: float) -> None:
        self.logs = MemoryLogs()
        self.records: list[InvocationRecord] = []
        self.directory = directory
        self.fleets = Fleets(
            model_data=Bucket(objects),
            logs=self.logs,
            directory=directory,
            invocation_timeout_seconds=timeout_seconds,
            observer=self.records.append,
        )

    def launch(
        self, *urls: str, variant: str = "AllTraffic", environment: dict[str, str] | None = None
    ) -> str:
        return self.fleets.launch(
            FleetSpec(
                account_id=ACCOUNT,
                region=REGION,
                endpoint_name=ENDPOINT,
                endpoint_config_name="churn-v1",
                variant_name=variant,
                model_name="churn-v1",
                containers=tuple(Container("image", url or None, environment or {}) for url in urls),
                execution_role_arn=f"arn:aws:iam::{ACCOUNT}:role/model",
                instance_type="ml.m5.large",
                instance_count=1,
            )
        )

    def settle(self, fleet_id: str) -> Health:
        return eventually(lambda: self.fleets.health(fleet_id), lambda health: health is not Health.STARTING)

    def healthy(
        self, *urls: str, variant: str = "AllTraffic", environment: dict[str, str] | None = None
    ) -> str:
        fleet_id = self.launch(*urls, variant=variant, environment=environment)
        assert self.settle(fleet_id) is Health.HEALTHY, self.logs.text
        return fleet_id

    def route(self, *routes: tuple[str, str, float]) -> None:
        self.fleets.route(ACCOUNT, REGION, ENDPOINT, tuple(Route(*route) for route in routes))

    def invoke(
        self, body: bytes = b"1", *, variant: str | None = None, headers: dict[str, str] | None = None
    ) -> Invocation:
        return self.fleets.invoke(
            ACCOUNT, REGION, ENDPOINT, target_variant=variant, body=body, headers=headers or {}
        )

    def prediction(self, body: bytes = b"1") -> dict[str, str]:
        invocation = self.invoke(body)
        assert invocation.answer.status == 200, invocation
        document: dict[str, str] = json.loads(invocation.answer.body)
        return document


T = TypeVar("T")


def eventually(look: Callable[[], T], good: Callable[[T], bool], *, timeout_seconds: float = 30) -> T:
    deadline = time.monotonic() + timeout_seconds
    while not good(seen := look()):
        assert time.monotonic() < deadline, f"still {seen} after {timeout_seconds} s"
        time.sleep(0.02)
    return seen


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


MakeWorld = Callable[..., World]


@pytest.fixture
def make_world(tmp_path: Path) -> Iterator[MakeWorld]:
    worlds: list[World] = []

    def make(*, timeout_seconds: float = 60, **objects: bytes) -> World:
        urls = {f"s3://models/{name}": content for name, content in objects.items()}
        worlds.append(World(tmp_path / str(len(worlds)), urls, timeout_seconds=timeout_seconds))
        return worlds[-1]

    yield make
    for world in worlds:
        world.fleets.stop()


def test_good_model_serves_with_the_container_s_environment(make_world: MakeWorld) -> None:
    world = make_world(v1=model(name="v1"))
    fleet = world.healthy("s3://models/v1", environment={"K": "from the model"})
    world.route((fleet, "AllTraffic", 1.0))

    invocation = world.invoke(b"hello", headers={"Content-Type": "text/plain", "Accept": "application/json"})

    assert invocation.variant_name == "AllTraffic"
    assert invocation.answer.content_type == "application/json"
    document = json.loads(invocation.answer.body)
    assert document == {
        "model": "v1",
        "body": "hello",
        "type": "text/plain",
        "pid": document["pid"],
        "k": "from the model",
    }


def test_defaults_serve_a_model_with_predict_as_the_sklearn_container_does(make_world: MakeWorld) -> None:
    code = """
        class Doubling:
            def predict(self, rows):
                return rows.sum(axis=-1) * 2
        def model_fn(model_dir):
            return Doubling()
    """
    world = make_world(v1=model(code))
    world.route((world.healthy("s3://models/v1"), "AllTraffic", 1.0))

    as_json = world.invoke(b"[[1, 2], [3, 4]]", headers={"Content-Type": "application/json"})
    as_csv = world.invoke(b"1,2\n3,4\n", headers={"Content-Type": "text/csv", "Accept": "text/csv"})
    refused = world.invoke(b"x", headers={"Content-Type": "image/png"})
    unacceptable = world.invoke(b"[[1]]", headers={"Content-Type": "application/json", "Accept": "image/png"})

    assert json.loads(as_json.answer.body) == [6, 14]
    assert as_csv.answer.body.split() == [b"6.0", b"14.0"]
    assert refused.answer.status == 415
    assert unacceptable.answer.status == 406


@pytest.mark.parametrize(
    ("content", "said"),
    [
        pytest.param(
            model("def model_fn(model_dir):\n    raise RuntimeError('no such feature')"),
            "RuntimeError: no such feature",
            id="model_fn raises",
        ),
        pytest.param(model("def model_fn("), "SyntaxError", id="syntax error"),
        pytest.param(model("x = 1"), "Please provide a model_fn implementation", id="no model_fn"),
        pytest.param(model(None), "The model archive has no code/inference.py", id="no inference.py"),
        pytest.param(b"not an archive", "cannot be unpacked", id="no archive"),
    ],
)
def test_broken_model_is_unhealthy_and_its_log_says_why(
    make_world: MakeWorld, content: bytes, said: str
) -> None:
    world = make_world(broken=content)
    fleet = world.launch("s3://models/broken")

    assert world.settle(fleet) is Health.UNHEALTHY
    eventually(lambda: world.logs.text, lambda text: said in text)
    group, stream, _ = world.logs.lines[0]
    assert group == "/aws/sagemaker/Endpoints/churn"
    assert stream.startswith("AllTraffic/i-")


@pytest.mark.parametrize(
    ("url", "said"),
    [("s3://models/gone", "is gone since"), ("", "no model archive"), ("s3://models/", "no model")],
)
def test_fleet_without_model_data_is_unhealthy_and_its_log_says_why(
    make_world: MakeWorld, url: str, said: str
) -> None:
    world = make_world()
    fleet = world.launch(url)

    assert world.settle(fleet) is Health.UNHEALTHY
    assert said in world.logs.text


class Broken:
    """Failures of the local cloud itself: every launch ends, and says why."""

    def read_object(self, s3_url: str, *, account_id: str) -> bytes | None:
        raise KeyError(s3_url, account_id)


class BrokenLogs:
    """Logs that fail at the first line, and then work."""

    def __init__(self) -> None:
        self.tries = 0
        self.lines: list[str] = []

    def write_logs(
        self,
        account_id: str,  # noqa: ARG002 - the signature of logs
        region: str,  # noqa: ARG002 - likewise
        *,
        group: str,  # noqa: ARG002 - likewise
        stream: str,  # noqa: ARG002 - likewise
        lines: Sequence[str],
    ) -> None:
        self.tries += 1
        if self.tries == 1:
            raise RuntimeError("no log")
        self.lines.extend(lines)


SPEC = FleetSpec(
    account_id=ACCOUNT,
    region=REGION,
    endpoint_name=ENDPOINT,
    endpoint_config_name="churn-v1",
    variant_name="AllTraffic",
    model_name="churn-v1",
    containers=(Container("image", "s3://models/good", {}),),
    execution_role_arn=f"arn:aws:iam::{ACCOUNT}:role/model",
    instance_type="ml.m5.large",
    instance_count=1,
)


def unhealthy(fleet: Fleet) -> bool:
    return eventually(lambda: fleet.health, lambda health: health is not Health.STARTING) is Health.UNHEALTHY


def test_whatever_a_launch_meets_ends_it_and_is_in_the_log(tmp_path: Path) -> None:
    logs = MemoryLogs()
    fleet = Fleet("1", SPEC, model_data=Broken(), logs=logs, directory=tmp_path)

    fleet.launch()

    assert unhealthy(fleet)
    assert "could not run the container: KeyError" in logs.text
    assert "read_object" in logs.text


def test_an_environment_that_no_process_takes_ends_the_launch(make_world: MakeWorld) -> None:
    world = make_world(good=model())
    fleet = world.launch("s3://models/good", environment={"K": "a\0b"})

    assert world.settle(fleet) is Health.UNHEALTHY
    assert "ValueError: embedded null byte" in world.logs.text


def test_a_disk_that_takes_no_files_ends_the_launch(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    logs = MemoryLogs()
    fleet = Fleet("1", SPEC, model_data=Broken(), logs=logs, directory=tmp_path / "file" / "under")

    fleet.launch()

    assert unhealthy(fleet)
    assert "NotADirectoryError" in logs.text


def test_a_log_that_takes_no_line_stops_neither_the_container_nor_its_output(tmp_path: Path) -> None:
    code = f"print('first', flush=True)\nprint('second', flush=True)\n{dedent(ECHO)}"
    logs, bucket = BrokenLogs(), Bucket({"s3://models/good": model(code)})
    fleet = Fleet("1", SPEC, model_data=bucket, logs=logs, directory=tmp_path / "fleet")

    fleet.launch()
    try:
        assert not unhealthy(fleet)
        eventually(lambda: logs.lines, lambda lines: "second" in lines)
    finally:
        fleet.stop()


def test_slow_model_is_starting_until_it_is_loaded(make_world: MakeWorld) -> None:
    world = make_world(slow=model(f"import time; time.sleep(1.5)\n{dedent(ECHO)}"))
    fleet = world.launch("s3://models/slow")
    world.route((fleet, "AllTraffic", 1.0))

    time.sleep(0.7)
    assert world.fleets.health(fleet) is Health.STARTING
    with pytest.raises(NotReadyError):
        world.invoke()
    assert world.settle(fleet) is Health.HEALTHY
    assert world.prediction()["model"] == "v1"


def test_model_that_raises_answers_500_logs_the_traceback_and_goes_on(make_world: MakeWorld) -> None:
    code = """
        def model_fn(model_dir): return None
        def input_fn(body, content_type): return body
        def predict_fn(data, model):
            if data == b"bad":
                raise ValueError("a negative age")
            return data
        def output_fn(prediction, accept): return prediction
    """
    world = make_world(v1=model(code))
    world.route((world.healthy("s3://models/v1"), "AllTraffic", 1.0))

    failed = world.invoke(b"bad").answer

    assert (failed.status, failed.body) == (500, b"ValueError: a negative age")
    eventually(lambda: world.logs.text, lambda text: "Traceback" in text and "a negative age" in text)
    assert world.invoke(b"good").answer.body == b"good"


def test_containers_of_a_pipeline_pass_their_output_on(make_world: MakeWorld) -> None:
    append = """
        def model_fn(model_dir): return {name!r}
        def input_fn(body, content_type): return body.decode()
        def predict_fn(data, model): return data + model
        def output_fn(prediction, accept): return prediction
    """
    world = make_world(one=model(append.format(name="1")), two=model(append.format(name="2")))
    world.route((world.healthy("s3://models/one", "s3://models/two"), "AllTraffic", 1.0))

    assert world.invoke(b"0").answer.body == b"012"


def test_container_that_dies_turns_unhealthy_and_refuses_invocations(make_world: MakeWorld) -> None:
    code = """
        import os
        def model_fn(model_dir): return None
        def input_fn(body, content_type): os._exit(3)
    """
    world = make_world(v1=model(code))
    fleet = world.healthy("s3://models/v1")
    world.route((fleet, "AllTraffic", 1.0))

    with pytest.raises(UnreachableError):
        world.invoke()
    eventually(lambda: world.fleets.health(fleet), lambda health: health is Health.UNHEALTHY)
    eventually(lambda: world.logs.text, lambda text: "ended with exit code 3" in text)


def test_container_that_takes_too_long_is_given_up(make_world: MakeWorld) -> None:
    code = """
        import time
        def model_fn(model_dir): return None
        def input_fn(body, content_type): time.sleep(30)
    """
    world = make_world(timeout_seconds=0.3, v1=model(code))
    world.route((world.healthy("s3://models/v1"), "AllTraffic", 1.0))

    with pytest.raises(InvocationTimeoutError):
        world.invoke()


def test_switching_fleets_fails_no_invocation_and_lets_those_under_way_end(make_world: MakeWorld) -> None:
    """The old fleet's slow answer arrives although the fleet was terminated before."""
    slow = dedent(ECHO) + "\nimport time\ndef input_fn(body, content_type):\n"
    slow += "    if body == b'slow': time.sleep(1.5)\n    return body.decode(), content_type\n"
    world = make_world(v1=model(slow, name="v1"), v2=model(name="v2"))
    old = world.healthy("s3://models/v1")
    world.route((old, "AllTraffic", 1.0))
    old_pid = int(world.prediction()["pid"])
    done = threading.Event()

    def invoke_until_done() -> list[str]:
        seen = []
        while not done.is_set():
            seen.append(world.prediction()["model"])
        return seen

    with ThreadPoolExecutor() as threads:
        seen = threads.submit(invoke_until_done)
        under_way = threads.submit(world.prediction, b"slow")
        time.sleep(0.3)
        new = world.healthy("s3://models/v2")
        world.route((new, "AllTraffic", 1.0))
        world.fleets.terminate(old)
        assert world.prediction()["model"] == "v2"
        assert is_running(old_pid)
        done.set()

        assert under_way.result()["model"] == "v1"
        models = seen.result()
    assert models == sorted(models), "an invocation went back to the old fleet"
    eventually(lambda: is_running(old_pid), lambda running: not running)
    eventually((world.directory / old).exists, lambda exists: not exists)


def test_terminated_fleet_is_unknown(make_world: MakeWorld) -> None:
    world = make_world(v1=model())
    fleet = world.healthy("s3://models/v1")

    world.fleets.terminate(fleet)
    world.fleets.terminate(fleet)

    assert world.fleets.health(fleet) is Health.UNHEALTHY


def test_stop_ends_every_process(make_world: MakeWorld) -> None:
    world = make_world(v1=model())
    pids = []
    for _ in range(2):
        fleet = world.healthy("s3://models/v1")
        world.route((fleet, "AllTraffic", 1.0))
        pids.append(int(world.prediction()["pid"]))

    world.fleets.stop()

    assert not any(map(is_running, pids))
    with pytest.raises(NoSuchEndpointError):
        world.invoke()


def test_target_variant_overrides_the_weights(make_world: MakeWorld) -> None:
    world = make_world(v1=model(name="v1"), v2=model(name="v2"))
    main, canary = world.healthy("s3://models/v1"), world.healthy("s3://models/v2")
    world.route((main, "Main", 1.0), (canary, "Canary", 0.0))

    assert {world.invoke().variant_name for _ in range(4)} == {"Main"}
    assert world.invoke(variant="Canary").variant_name == "Canary"
    with pytest.raises(NoSuchVariantError):
        world.invoke(variant="Other")


def test_endpoint_without_routes_is_unknown_and_names_keep_their_letter_case(make_world: MakeWorld) -> None:
    world = make_world(v1=model())
    with pytest.raises(NoSuchEndpointError):
        world.invoke()

    world.route((world.healthy("s3://models/v1"), "AllTraffic", 1.0))
    with pytest.raises(NoSuchEndpointError):
        world.fleets.invoke(ACCOUNT, REGION, "Churn", target_variant=None, body=b"", headers={})
    with pytest.raises(NoSuchEndpointError):
        world.fleets.invoke(ACCOUNT, "us-east-1", ENDPOINT, target_variant=None, body=b"", headers={})

    world.route()
    with pytest.raises(NoSuchEndpointError):
        world.invoke()


def test_weights_are_shares_exact_over_every_cycle() -> None:
    choice = WeightedChoice((Route("a", "A", 3.0), Route("b", "B", 1.0), Route("c", "C", 0.0)))

    chosen = [route.fleet_id for route in (choice.next() for _ in range(8)) if route]

    assert chosen == ["a", "a", "b", "a", "a", "a", "b", "a"]


def test_a_target_variant_keeps_the_shares_of_its_old_and_its_new_fleet() -> None:
    choice = WeightedChoice((Route("new", "A", 0.25), Route("old", "A", 0.75), Route("b", "B", 1.0)))

    chosen = [route.fleet_id for route in (choice.next_of_variant("A") for _ in range(8)) if route]

    assert sorted(chosen) == ["new"] * 2 + ["old"] * 6
    assert choice.next_of_variant("C") is None


def test_a_shadow_gets_its_part_of_all_invocations_and_answers_none() -> None:
    choice = WeightedChoice((Route("a", "A", 1.0), Route("s", "S", 1 / 3, is_shadow=True)))

    copies = [len(choice.next_shadows()) for _ in range(9)]

    assert copies == [0, 0, 1] * 3
    assert {route.fleet_id for route in (choice.next() for _ in range(5)) if route} == {"a"}
    assert choice.next_of_variant("S") is None


def test_shadow_gets_copies_that_are_measured_and_never_answered(make_world: MakeWorld) -> None:
    failing = model("def model_fn(model_dir): pass\ndef input_fn(body, content_type): raise ValueError(body)")
    world = make_world(v1=model(name="v1"), v2=failing)
    main, shadow = world.healthy("s3://models/v1"), world.healthy("s3://models/v2", variant="Shadow")
    world.fleets.route(
        ACCOUNT,
        REGION,
        ENDPOINT,
        (Route(main, "AllTraffic", 1.0), Route(shadow, "Shadow", 0.5, is_shadow=True)),
    )

    assert [world.prediction()["model"] for _ in range(4)] == ["v1"] * 4

    def measured() -> list[tuple[str, int | None]]:
        return sorted((record.spec.variant_name, record.status) for record in world.records)

    expected = [("AllTraffic", 200)] * 4 + [("Shadow", 500)] * 2
    assert eventually(measured, lambda seen: seen == expected) == expected
    assert all(record.model_seconds > 0 and record.overhead_seconds >= 0 for record in world.records)


def test_invocation_without_an_answer_is_measured_too(make_world: MakeWorld) -> None:
    sleeping = model(
        "import time\ndef model_fn(model_dir): pass\ndef input_fn(body, content_type): time.sleep(30)"
    )
    world = make_world(v1=sleeping, timeout_seconds=0.2)
    world.route((world.healthy("s3://models/v1"), "AllTraffic", 1.0))

    with pytest.raises(InvocationTimeoutError):
        world.invoke()

    assert [(record.status, record.instance_count) for record in world.records] == [(None, 1)]


def test_no_weight_is_no_traffic() -> None:
    assert WeightedChoice((Route("a", "A", 0.0),)).next() is None
