"""The only caller of S3: reads payloads of smoke tests, and the entity tags of artifacts."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError

from deployer.gateways.archives import ArchiveError, TooLargeError, first_files
from deployer.model.excerpts import excerpt
from deployer.model.s3_uris import NoS3UriError, place

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mypy_boto3_s3 import S3Client

LARGEST_BYTES: Final = 6_291_456
"""Of a body that InvokeEndpoint takes (botocore's shape `BodyBlob`)."""

MOST_FILES: Final = 10
"""How many files of a sample payload are sent."""

MOST_PAGES: Final = 100
"""Pages of 1,000 objects. No model has so many; a version may name a whole bucket."""

_SERVICE_FAULT: Final = 500
"""S3 answers so when it fails, and when it throttles (503, "SlowDown")."""


class PayloadError(Exception):
    """A payload does not exist, or cannot be sent."""


class UnlistedError(Exception):
    """S3 does not list a bucket's objects."""


class S3:
    """Objects in S3, as the deployer uses them.

    Args:
        client: Makes the client on its first use: most invocations never use it.
    """

    def __init__(self, client: Callable[[], S3Client]) -> None:
        self._make_client = client

    @property
    def _client(self) -> S3Client:
        return self._make_client()

    def entity_tags(self, s3_uri: str) -> dict[str, str]:
        """Return the entity tags of an object or, below a URI that ends in a slash, of all objects, by key.

        An object's tag changes with its content (API reference, "Object"). Listing shows the tags without
        permission to read the objects. A missing object has no tag.

        Raises:
            UnlistedError: S3 does not show them.
        """
        with _place_of(s3_uri, UnlistedError) as (bucket, key):
            return self._entity_tags(s3_uri, bucket, key)

    def _entity_tags(self, s3_uri: str, bucket: str, key: str) -> dict[str, str]:
        tags: dict[str, str] = {}
        page: dict[str, str] = {}
        for _ in range(MOST_PAGES):
            try:
                answer: dict[str, Any] = {
                    **self._client.list_objects_v2(Bucket=bucket, Prefix=key, **page)  # type: ignore[arg-type] # one member
                }
            except ClientError as error:
                if error.response["Error"]["Code"] == "NoSuchBucket":
                    return {}
                raise UnlistedError(f"{s3_uri} is not shown ({_refusal(error)})") from error
            tags |= {
                each["Key"]: each["ETag"]
                for each in answer.get("Contents", ())
                if key in {"", each["Key"]} or key.endswith("/")
            }
            if not answer.get("IsTruncated"):
                return tags
            page = {"ContinuationToken": answer["NextContinuationToken"]}
        raise UnlistedError(f"{s3_uri} has more than {len(tags):,} objects, and no more are looked at")

    def read(self, s3_uri: str) -> bytes:
        """Return an object.

        Raises:
            PayloadError: It cannot be read, or is too large to be sent.
        """
        with _place_of(s3_uri, PayloadError) as (bucket, key):
            try:
                answer: dict[str, Any] = {**self._client.get_object(Bucket=bucket, Key=key)}
            except ClientError as error:
                raise PayloadError(f"{s3_uri} cannot be read ({_refusal(error)})") from error
            if answer["ContentLength"] > LARGEST_BYTES:
                raise PayloadError(_too_large(s3_uri, answer["ContentLength"]))
            content: bytes = answer["Body"].read()
        return content

    def read_archive(self, s3_uri: str) -> list[tuple[str, bytes]]:
        """Return the first files of a `.tar.gz`, each with its name, in the order of their names.

        Raises:
            PayloadError: It cannot be read, is no `.tar.gz`, is empty, or has too large a file.
        """
        try:
            return first_files(self.read(s3_uri), most_files=MOST_FILES, largest_bytes=LARGEST_BYTES)
        except ArchiveError as error:
            raise PayloadError(f"{s3_uri} {error}") from error
        except TooLargeError as error:
            raise PayloadError(_too_large(f"{error} in {s3_uri}", error.size)) from error


@contextmanager
def _place_of(s3_uri: str, refused: type[PayloadError | UnlistedError]) -> Iterator[tuple[str, str]]:
    """Yield bucket and key, and turn botocore's own refusals of a request into a `PayloadError`.

    Connection errors are not caught: the next pass may not meet them.
    """
    try:
        yield place(s3_uri)
    except NoS3UriError as error:
        raise refused(excerpt(str(error))) from error
    except HTTPClientError:
        raise
    except BotoCoreError as error:
        told = excerpt(" ".join(str(error).split()))
        raise refused(f"{s3_uri} cannot be asked for ({type(error).__name__}: {told})") from error


def _refusal(error: ClientError) -> str:
    """Return S3's reason for refusing a request. Raise a service fault: the next pass may not meet it."""
    if error.response["ResponseMetadata"]["HTTPStatusCode"] >= _SERVICE_FAULT:
        raise error
    return excerpt(f"{error.response['Error']['Code']}: {error.response['Error']['Message']}")


def _too_large(what: str, size: int) -> str:
    return f"{what} has {size:,} bytes, and a request holds at most {LARGEST_BYTES:,}"
