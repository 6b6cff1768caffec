"""The only caller of S3: reads what a smoke test sends, and tells by what artefacts are known."""

from __future__ import annotations

import io
import tarfile
import zlib
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mypy_boto3_s3 import S3Client

LARGEST_BYTES: Final = 6_291_456
"""Of a body that InvokeEndpoint takes (botocore's shape `BodyBlob`)."""

_SERVICE_FAULT: Final = 500
"""S3 answers so when it fails, and when it throttles (503, "SlowDown")."""

MOST_FILES: Final = 10
"""How many files of a sample payload are sent."""


class PayloadError(Exception):
    """What should be sent is not there, or is nothing that can be sent."""


class UnlistedError(Exception):
    """What is in a bucket is not shown."""


class S3:
    """Objects in S3, as the deployer uses them.

    Args:
        client: Makes the client when it is needed first: most invocations never need it.
    """

    def __init__(self, client: Callable[[], S3Client]) -> None:
        self._make_client = client

    @property
    def _client(self) -> S3Client:
        return self._make_client()

    def entity_tags(self, s3_uri: str) -> dict[str, str]:
        """Return the entity tags of an object or, below a URI that ends in a slash, of all objects, by key.

        An object's changes with its content (API reference, "Object"). They are listed, since that takes no
        permission to read what is in the objects. What is not there has none.

        Raises:
            UnlistedError: S3 does not show them.
        """
        bucket, key = _place(s3_uri)
        tags: dict[str, str] = {}
        page: dict[str, str] = {}
        while True:
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

    def read(self, s3_uri: str) -> bytes:
        """Return an object.

        Raises:
            PayloadError: It cannot be read, or is too large to be sent.
        """
        bucket, key = _place(s3_uri)
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
            PayloadError: It cannot be read, is no such archive or an empty one, or holds what is too large.
        """
        content = self.read(s3_uri)
        try:
            with tarfile.open(fileobj=io.BytesIO(content), mode="r:gz") as archive:
                files = sorted(_files(archive, s3_uri))
        except (tarfile.TarError, EOFError, OSError, zlib.error) as error:
            raise PayloadError(f"{s3_uri} is no gzip compressed tar archive ({error})") from error
        if not files:
            raise PayloadError(f"{s3_uri} has no file in it")
        return files[:MOST_FILES]


def _place(s3_uri: str) -> tuple[str, str]:
    """Return bucket and key."""
    bucket, _, key = s3_uri.removeprefix("s3://").partition("/")
    return bucket, key


def _refusal(error: ClientError) -> str:
    """Return what S3 says against a request; raise a fault of its own, which the next pass may not meet."""
    if error.response["ResponseMetadata"]["HTTPStatusCode"] >= _SERVICE_FAULT:
        raise error
    return f"{error.response['Error']['Code']}: {error.response['Error']['Message']}"


def _files(archive: tarfile.TarFile, s3_uri: str) -> Iterator[tuple[str, bytes]]:
    for member in archive:
        # Refused before it is read or passed over, so that nothing large is ever unpacked.
        if member.size > LARGEST_BYTES:
            raise PayloadError(_too_large(f"{member.name} in {s3_uri}", member.size))
        # macOS packs a file of its own, named so, beside each.
        if (content := archive.extractfile(member)) and not member.name.rpartition("/")[2].startswith("._"):
            yield member.name, content.read()


def _too_large(what: str, size: int) -> str:
    return f"{what} has {size:,} bytes, and a request holds at most {LARGEST_BYTES:,}"
