import pytest

from local_cloud.front_door.browsers import refusal

PORT = 4566


def headers(**named: str) -> list[tuple[bytes, bytes]]:
    return [(name.replace("_", "-").encode(), value.encode()) for name, value in named.items()]


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1:4566",
        "localhost:4566",
        "LOCALHOST:4566",
        "[::1]:4566",
        "bucket.localhost:4566",
        "my.bucket-1.s3.localhost:4566",
    ],
)
def test_a_client_s_request_may_come_in(host: str) -> None:
    assert refusal("POST", headers(host=host), port=PORT) is None


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:4566",
        "127.0.0.1.evil.example:4566",
        "localhost.evil.example:4566",
        "evil-localhost:4566",
        "127.0.0.1:4567",
        "localhost",
        "127.0.0.2:4566",
        "user@127.0.0.1:4566",
        "",
    ],
)
def test_a_foreign_host_is_refused(host: str) -> None:
    """DNS rebinding: the page's host name means 127.0.0.1, but it is still in the request."""
    assert "Host" in str(refusal("POST", headers(host=host), port=PORT))


def test_the_port_may_be_left_out_where_it_is_that_of_http() -> None:
    assert refusal("GET", headers(host="localhost"), port=80) is None


def test_a_request_without_a_host_or_with_two_is_refused() -> None:
    twice = [*headers(host="127.0.0.1:4566"), *headers(host="127.0.0.1:4566")]

    assert "Host is missing" in str(refusal("GET", [], port=PORT))
    assert "Host" in str(refusal("GET", twice, port=PORT))


@pytest.mark.parametrize(
    "foreign",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://localhost:3000"},
        {"origin": "http://127.0.0.1:4567"},
        {"origin": "https://127.0.0.1:4566"},
        {"sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "same-site"},
        {"sec_fetch_site": "Cross-Site"},
        {"referer": "https://evil.example/page"},
        {"referer": "http://localhost:4566/page"},
    ],
)
def test_what_a_page_of_another_site_sent_is_refused(foreign: dict[str, str]) -> None:
    assert refusal("POST", headers(host="127.0.0.1:4566", **foreign), port=PORT) is not None


def test_one_foreign_header_among_good_ones_is_enough() -> None:
    given = headers(host="127.0.0.1:4566", origin="http://127.0.0.1:4566") + headers(origin="null")

    assert refusal("POST", given, port=PORT) is not None


def test_a_page_of_the_local_cloud_s_own_may_ask() -> None:
    given = headers(
        host="127.0.0.1:4566",
        origin="http://127.0.0.1:4566",
        referer="http://127.0.0.1:4566/page",
        sec_fetch_site="same-origin",
    )

    assert refusal("POST", given, port=PORT) is None
    assert refusal("GET", headers(host="127.0.0.1:4566", sec_fetch_site="none"), port=PORT) is None


def test_no_preflight_is_answered() -> None:
    assert refusal("OPTIONS", headers(host="127.0.0.1:4566"), port=PORT) is not None
