"""Web pages and strangers against a running local cloud; each attack once ran code or wiped the cloud."""

import base64
import hashlib
import http.client
import io
import json
import socket
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from typing import Any
from urllib.parse import urlencode, urlsplit

import boto3
import h2.config
import h2.connection
import h2.events
import pytest
from botocore.auth import S3SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from local_cloud.child_process import LocalCloud, start_local_cloud

ACCOUNT = "111122223333"
REGION = "eu-central-1"
EVIL = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
SIGNED = "SignedHeaders=host, Signature=0"
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    ],
}


@pytest.fixture(scope="module")
def cloud() -> Iterator[LocalCloud]:
    with start_local_cloud() as cloud:
        yield cloud


@pytest.fixture(scope="module")
def open_cloud() -> Iterator[LocalCloud]:
    """A local cloud that enforces no IAM."""
    with start_local_cloud(enforce_iam=False) as cloud:
        yield cloud


@cache
def session() -> boto3.Session:
    """Return the one session, which reads each service's model once."""
    return boto3.Session(region_name=REGION)


def client(cloud: LocalCloud, service: str, *, secret: str | None = None) -> Any:
    return session().client(  # type: ignore[call-overload] # any service
        service,
        endpoint_url=cloud.endpoint_url,
        aws_access_key_id=ACCOUNT,
        aws_secret_access_key=secret or cloud.secret,
    )


def ask(
    cloud: LocalCloud, method: str, path: str, headers: dict[str, str], body: bytes = b""
) -> tuple[int, dict[str, str], bytes]:
    address = urlsplit(cloud.endpoint_url)
    assert address.hostname
    connection = http.client.HTTPConnection(address.hostname, address.port or 0, timeout=20)
    try:
        connection.request(method, path, body, headers)
        response = connection.getresponse()
        return response.status, {key.lower(): value for key, value in response.getheaders()}, response.read()
    finally:
        connection.close()


def in_query(service: str) -> str:
    """Credentials as a page can write them: it knows the account, and no secret."""
    now = datetime.now(UTC)
    return urlencode(
        {
            "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
            "X-Amz-Credential": f"{ACCOUNT}/{now:%Y%m%d}/{REGION}/{service}/aws4_request",
            "X-Amz-Date": f"{now:%Y%m%dT%H%M%SZ}",
            "X-Amz-Expires": "900",
            "X-Amz-SignedHeaders": "host",
            "X-Amz-Signature": "0" * 64,
        }
    )


def roles(cloud: LocalCloud) -> list[str]:
    return [role["RoleName"] for role in client(cloud, "iam").list_roles()["Roles"]]


@pytest.mark.parametrize("headers", [EVIL, {}], ids=["says that it is a page", "says nothing"])
def test_three_simple_posts_of_a_page_run_no_code(cloud: LocalCloud, headers: dict[str, str]) -> None:
    simple = {"Content-Type": "text/plain", **headers}
    role = {"Action": "CreateRole", "RoleName": "page", "AssumeRolePolicyDocument": json.dumps(TRUST)}
    function = {
        "FunctionName": "page",
        "Runtime": "python3.13",
        "Role": f"arn:aws:iam::{ACCOUNT}:role/page",
        "Handler": "app.handler",
        "Code": {"ZipFile": ""},
    }
    functions = "/2015-03-31/functions"

    answers = [
        ask(cloud, "POST", f"/?{in_query('iam')}", simple, urlencode(role).encode()),
        ask(cloud, "POST", f"/?{urlencode(role)}&{in_query('iam')}", simple),
        ask(cloud, "POST", f"{functions}?{in_query('lambda')}", simple, json.dumps(function).encode()),
        ask(cloud, "POST", f"{functions}/page/invocations?{in_query('lambda')}", simple, b"{}"),
    ]

    assert [status for status, _, _ in answers] == [403] * 4
    assert not [name for _, given, _ in answers for name in given if name.startswith("access-control-")]
    assert "page" not in roles(cloud)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/_ministack/reset"),
        ("POST", "//_ministack/reset"),
        ("POST", "/%5fministack/reset"),
        ("POST", "/_ministack/config"),
        ("GET", "/_ministack/health"),
        ("GET", "/_localstack/health"),
        ("GET", "/_local_cloud/calls"),
        ("GET", "/_local_cloud/health"),
        ("PUT", "/_local_cloud/switches"),
        ("GET", f"/_ministack/lambda-code/{ACCOUNT}/{REGION}/f"),
    ],
)
def test_whoever_does_not_know_the_secret_administrates_nothing(
    cloud: LocalCloud, method: str, path: str
) -> None:
    client(cloud, "ssm").put_parameter(Name="/kept", Value="x", Type="String", Overwrite=True)

    for headers in ({}, EVIL, {"X-Local-Cloud-Secret": "local-cloud"}):
        status, _, body = ask(cloud, method, path, headers, b"{}")
        assert status in {403, 404, 405}
        assert b"ok" not in body

    assert client(cloud, "ssm").get_parameter(Name="/kept")["Parameter"]["Value"] == "x"


def test_a_page_that_knew_the_secret_would_be_refused_all_the_same(cloud: LocalCloud) -> None:
    known = {"X-Local-Cloud-Secret": cloud.secret}

    assert ask(cloud, "GET", "/_local_cloud/health", known)[0] == 200
    assert ask(cloud, "GET", "/_local_cloud/health", known | EVIL)[0] == 403


@pytest.mark.parametrize("path", ["/_local_cloud/calls", "/_ministack/reset", "/", "/bucket/key"])
def test_a_rebound_name_reaches_nothing(cloud: LocalCloud, path: str) -> None:
    port = urlsplit(cloud.endpoint_url).port

    status, _, body = ask(
        cloud, "GET", path, {"Host": f"evil.example:{port}", "X-Local-Cloud-Secret": cloud.secret}
    )

    assert status == 403
    assert b"evil.example" in body


PAGE = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


def test_a_browser_that_opens_the_address_gets_a_sentence(cloud: LocalCloud) -> None:
    """And the answer is nobody else's to read, as all others are not."""
    status, headers, body = ask(cloud, "GET", "/", {**PAGE, "Sec-Fetch-Site": "none"})

    assert (status, headers["content-type"]) == (200, "text/plain; charset=utf-8")
    assert b"local cloud" in body
    assert cloud.secret.encode() not in body
    assert not any(name.startswith("access-control-") for name in headers)


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        pytest.param("/", {**PAGE, **EVIL}, id="another site's page"),
        pytest.param("/", {**PAGE, "Host": "evil.example"}, id="a rebound name"),
        pytest.param("/", {**PAGE, "Host": "bucket.localhost:{port}"}, id="a bucket's root"),
        pytest.param("/bucket", PAGE, id="another path"),
        pytest.param("/?Action=ListUsers", PAGE, id="a call in the query"),
        pytest.param("/", {"Accept": "*/*"}, id="an anonymous client of S3"),
    ],
)
def test_nothing_but_a_person_s_look_at_the_address_gets_the_sentence(
    cloud: LocalCloud, path: str, headers: dict[str, str]
) -> None:
    port = urlsplit(cloud.endpoint_url).port
    given = {name: value.format(port=port) for name, value in headers.items()}

    assert b"no pages" not in ask(cloud, "GET", path, given)[2]


def test_no_answer_lets_another_site_read_it(open_cloud: LocalCloud) -> None:
    """MiniStack answers `Access-Control-Allow-Origin: *`, and allows everything in preflights."""
    status, given, _ = ask(
        open_cloud,
        "OPTIONS",
        "/2015-03-31/functions",
        {**EVIL, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"},
    )
    listed = client(open_cloud, "s3").list_buckets()["ResponseMetadata"]["HTTPHeaders"]

    assert status == 403
    assert not [name for name in (*given, *listed) if name.lower().startswith("access-control-")]


def test_no_page_opens_a_web_socket(cloud: LocalCloud) -> None:
    upgrade = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
        "Origin": "https://evil.example",
    }

    assert ask(cloud, "GET", "/_aws/execute-api/x/y", upgrade)[0] == 403


def test_http_2_has_no_way_around_the_door(cloud: LocalCloud) -> None:
    address = urlsplit(cloud.endpoint_url)
    connection = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding=None))
    connection.initiate_connection()
    connection.send_headers(
        1,
        [
            (":method", "POST"),
            (":path", "/_ministack/reset"),
            (":scheme", "http"),
            (":authority", f"evil.example:{address.port}"),
            ("origin", "https://evil.example"),
        ],
        end_stream=True,
    )
    statuses: list[bytes] = []
    with socket.create_connection((address.hostname, address.port), timeout=20) as link:
        link.sendall(connection.data_to_send())
        while not statuses:
            for event in connection.receive_data(link.recv(65536)):
                if isinstance(event, h2.events.ResponseReceived):
                    statuses += [value for name, value in event.headers if name == b":status"]

    assert statuses == [b"403"]


@pytest.mark.parametrize("secret", ["local-cloud", "test", "x"])
@pytest.mark.parametrize("kind", ["cloud", "open_cloud"])
def test_only_this_start_s_secret_signs_for_an_account(
    request: pytest.FixtureRequest, kind: str, secret: str
) -> None:
    cloud: LocalCloud = request.getfixturevalue(kind)

    for service, operation in (
        ("sagemaker", "list_models"),
        ("s3", "list_buckets"),
        ("iam", "list_roles"),
        ("dynamodb", "list_tables"),
        ("lambda", "list_functions"),
        ("application-autoscaling", "describe_scalable_targets"),
        ("service-quotas", "list_services"),
    ):
        arguments = {"ServiceNamespace": "sagemaker"} if operation == "describe_scalable_targets" else {}
        with pytest.raises(ClientError) as refused:
            getattr(client(cloud, service, secret=secret), operation)(**arguments)
        assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] in {400, 403}
        assert "Signature" in refused.value.response["Error"]["Code"]


def test_two_starts_have_two_secrets(cloud: LocalCloud, open_cloud: LocalCloud) -> None:
    assert cloud.secret != open_cloud.secret
    assert len(cloud.secret) == 40
    assert cloud.secret not in repr(cloud)


@pytest.mark.parametrize(
    "authorization",
    [
        f"AWS {ACCOUNT}:c2lnbmF0dXJl",
        f"AWS4-HMAC-SHA256 Credential={ACCOUNT}/20260101/eu-central-1/s3/aws4_request",
        f"AWS4-HMAC-SHA256 Credential={ACCOUNT}/x, Credential=test/20260101/eu-central-1/s3/aws4_request",
        f"AWS4-ECDSA-P256-SHA256 Credential={ACCOUNT}/20260101/s3/aws4_request, {SIGNED}",
        f"AWS4-HMAC-SHA256 Credential=test/20260101/eu-central-1/s3/aws4_request, {SIGNED}",
    ],
)
def test_no_other_form_of_signature_is_taken_on_trust(cloud: LocalCloud, authorization: str) -> None:
    status, _, _ = ask(cloud, "GET", "/", {"Authorization": authorization})

    assert status in {400, 403}


@pytest.mark.parametrize("name", ["AWSAccessKeyId", "X-Amz-Credential", "x-amz-credential"])
def test_a_key_alone_in_the_query_opens_nothing(cloud: LocalCloud, name: str) -> None:
    value = ACCOUNT if name == "AWSAccessKeyId" else f"{ACCOUNT}/20260101/eu-central-1/iam/aws4_request"

    status, _, _ = ask(cloud, "GET", f"/?{urlencode({'Action': 'ListRoles', name: value})}", {})

    assert status in {400, 403}


def test_an_unsigned_request_needs_no_iam_to_be_refused(open_cloud: LocalCloud) -> None:
    assert ask(open_cloud, "GET", "/?Action=ListRoles", {})[0] in {400, 403}


def test_a_presigned_url_works_for_the_one_who_signed_it(cloud: LocalCloud) -> None:
    s3 = client(cloud, "s3")
    s3.create_bucket(Bucket="presigned", CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_object(Bucket="presigned", Key="a b/ü?", Body=b"content")
    good = s3.generate_presigned_url("get_object", Params={"Bucket": "presigned", "Key": "a b/ü?"})
    forged = client(cloud, "s3", secret="local-cloud").generate_presigned_url(
        "get_object", Params={"Bucket": "presigned", "Key": "a b/ü?"}
    )

    assert ask(cloud, "GET", good.removeprefix(cloud.endpoint_url), {})[::2] == (200, b"content")
    assert ask(cloud, "GET", forged.removeprefix(cloud.endpoint_url), {})[0] == 403


def test_a_late_presigned_url_is_refused(cloud: LocalCloud) -> None:
    request = AWSRequest(
        "GET", f"{cloud.endpoint_url}/", params={"Action": "ListRoles", "Version": "2010-05-08"}
    )
    SigV4QueryAuth(Credentials(ACCOUNT, cloud.secret), "iam", REGION, expires=-10).add_auth(request)

    status, _, body = ask(cloud, "GET", str(request.url).removeprefix(cloud.endpoint_url), {})

    assert status == 403
    assert b"expired" in body


def test_a_bucket_may_stand_in_the_host_s_name(cloud: LocalCloud) -> None:
    """As S3 clients write it that are pointed at `s3.localhost`."""
    s3 = client(cloud, "s3")
    s3.create_bucket(Bucket="virtual", CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_object(Bucket="virtual", Key="key", Body=b"content")
    host = f"virtual.s3.localhost:{urlsplit(cloud.endpoint_url).port}"
    request = AWSRequest("GET", f"http://{host}/key", headers={"Host": host})
    S3SigV4Auth(Credentials(ACCOUNT, cloud.secret), "s3", REGION).add_auth(request)

    assert ask(cloud, "GET", "/key", dict(request.headers.items()))[::2] == (200, b"content")


def test_the_credentials_of_a_function_cannot_be_computed(cloud: LocalCloud) -> None:
    """MiniStack derives them from the function's and its role's names, which anybody can guess."""
    role = client(cloud, "iam").create_role(RoleName="f", AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]
    client(cloud, "iam").put_role_policy(
        RoleName="f",
        PolicyName="all",
        PolicyDocument=json.dumps({"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}),
    )
    code = (
        "import os\n"
        "def handler(event, context):\n"
        "    return [os.environ[f'AWS_{name}'] for name in"
        " ('ACCESS_KEY_ID', 'SECRET_ACCESS_KEY', 'SESSION_TOKEN')]\n"
    )
    functions = client(cloud, "lambda")
    arn = functions.create_function(
        FunctionName="f",
        Runtime="python3.13",
        Role=role["Arn"],
        Handler="app.handler",
        Code={"ZipFile": zipped(code)},
    )["FunctionArn"]
    key, secret, token = json.load(functions.invoke(FunctionName="f")["Payload"])
    digest = hashlib.sha256(f"{arn}:{role['Arn']}".encode()).hexdigest()
    guessed = (
        f"ASIA{digest[:16].upper()}",
        hashlib.sha256(f"secret:{digest}".encode()).hexdigest(),
        hashlib.sha256(f"token:{digest}".encode()).hexdigest(),
    )

    def identity(credentials: tuple[str, str, str]) -> str:
        key_id, secret, token = credentials
        sts = session().client(
            "sts",
            endpoint_url=cloud.endpoint_url,
            aws_access_key_id=key_id,
            aws_secret_access_key=secret,
            aws_session_token=token,
        )
        return str(sts.get_caller_identity()["Arn"])

    assert identity((key, secret, token)).endswith(":assumed-role/f/f")
    assert cloud.secret not in (key, secret, token)
    with pytest.raises(ClientError):
        identity(guessed)


def zipped(code: str) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("app.py", code)
    return content.getvalue()


def test_a_function_s_bundle_is_for_those_whom_lambda_gave_its_url(cloud: LocalCloud) -> None:
    client(cloud, "iam").create_role(RoleName="bundled", AssumeRolePolicyDocument=json.dumps(TRUST))
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("code.py", "def handler(event, context): pass\n")
    functions = client(cloud, "lambda")
    functions.create_function(
        FunctionName="bundled",
        Runtime="python3.12",
        Handler="code.handler",
        Role=f"arn:aws:iam::{ACCOUNT}:role/bundled",
        Code={"ZipFile": file.getvalue()},
    )

    function = functions.get_function(FunctionName="bundled")
    given = urlsplit(function["Code"]["Location"])

    status, _, bundle = ask(cloud, "GET", f"{given.path}?{given.query}", {"Host": given.netloc})
    digest = base64.b64encode(hashlib.sha256(bundle).digest()).decode()
    assert (status, digest) == (200, function["Configuration"]["CodeSha256"])
    forged = [
        f"{given.path}?{given.query[:-1]}{'0' if given.query[-1] != '0' else '1'}",
        f"{given.path}-other?{given.query}",
        given.path,
    ]
    for each in forged:
        assert ask(cloud, "GET", each, {"Host": given.netloc})[0] == 403
    assert ask(cloud, "DELETE", f"{given.path}?{given.query}", {"Host": given.netloc})[0] == 403
