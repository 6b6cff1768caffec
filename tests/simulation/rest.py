"""Convert wire formats to JSON documents and back: endpoints' invocations, S3 and SNS.

Owns the deployer's wire formats other than JSON, so that faults, laws and stories see one kind of request and
one kind of answer.
"""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    from botocore.awsrequest import AWSPreparedRequest

SERVICES: Final = frozenset({"sagemaker-runtime", "s3", "sns"})
"""Services whose requests are not documents."""

TARGET_VARIANT: Final = "X-Amzn-SageMaker-Target-Variant"
"""The header that chooses which variant answers. Source: botocore, `InvokeEndpointInput$TargetVariant`."""


def document_of(service: str, request: AWSPreparedRequest) -> dict[str, Any]:
    """Return a request's members, named as in botocore."""
    url = urlsplit(request.url)
    if service == "s3":
        bucket, query = (url.hostname or "").partition(".s3")[0], parse_qs(url.query)
        if "list-type" in query:
            return {"Bucket": bucket, "Prefix": query["prefix"][0]}
        return {"Bucket": bucket, "Key": unquote(url.path.removeprefix("/"))}
    body: Any = request.body
    if service == "sns":
        return {name: values[0] for name, values in parse_qs(_text(body)).items()}
    content = body.read() if isinstance(body, io.IOBase) else body
    variant_name = request.headers.get(TARGET_VARIANT)
    return {
        "EndpointName": url.path.split("/")[2],
        "ContentType": _text(request.headers.get("Content-Type", "")),
        "Body": _text(content or b""),
        **({"TargetVariant": _text(variant_name)} if variant_name is not None else {}),
    }


def response_of(service: str, status: int, content: bytes) -> tuple[dict[str, str], bytes]:
    """Return the headers and the body that an answer has on the wire.

    Args:
        service: Whose answer it is.
        status: Its HTTP status.
        content: The answer as a document: `ContentType` and `Body`, `Contents` of a bucket, or an error as
            JSON services have it.
    """
    document = json.loads(content)
    if "Contents" in document:
        found = "".join(
            f"<Contents><Key>{escape(each['Key'])}</Key><ETag>{escape(each['ETag'])}</ETag></Contents>"
            for each in document["Contents"]
        )
        return {"Content-Type": "application/xml"}, f"<ListBucketResult>{found}</ListBucketResult>".encode()
    if service == "sns":
        return {"Content-Type": "text/xml"}, _of_sns(status, document).encode()
    if status < 300:
        body = document["Body"].encode()
        return {"Content-Type": document["ContentType"], "Content-Length": str(len(body))}, body
    if service == "s3":
        code, message = escape(document["__type"]), escape(document["message"])
        error = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"
        return {"Content-Type": "application/xml"}, error.encode()
    return {"Content-Type": "application/json", "x-amzn-ErrorType": document["__type"]}, content


def _of_sns(status: int, document: dict[str, Any]) -> str:
    if status < 300:
        result = f"<MessageId>{escape(document['MessageId'])}</MessageId>"
        return f"<PublishResponse><PublishResult>{result}</PublishResult></PublishResponse>"
    code, message = escape(document["__type"]), escape(document["message"])
    return f"<ErrorResponse><Error><Code>{code}</Code><Message>{message}</Message></Error></ErrorResponse>"


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes | bytearray) else str(value)
