"""Owns reading the settings that are deployed: files in the deployer's bundle, kept in a cache by its digest.

`SettingsFiles`, the deployer's own reader, reads them from there. A new bundle costs one call and one
download. A bundle that is in the cache costs the call alone.
"""

from __future__ import annotations

import io
import os
import shutil
import tempfile
import zipfile
from base64 import b64decode
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from deployer.contract import SETTINGS_DIRECTORY, SETTINGS_INDEX
from deployer.environment import Environment
from deployer.gateways.settings_files import SettingsFiles
from greenlight.errors import CommandError, ExitCode
from infra.settings.compiling.settings_files import settings_digest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from deployer.model.settings import EndpointSettings
    from greenlight.connection import Connection

_KEPT: Final = 10
"""How many bundles' settings the cache keeps."""


def deployed_settings(connection: Connection) -> SettingsFiles:
    """Return the settings of the deployed stack.

    Raises:
        CommandError: The bundle is not what Lambda says it is.
    """
    return settings_of(deployed_function(connection))


def deployed_function(connection: Connection) -> Mapping[str, Any]:
    """Return what Lambda says of the deployer: its configuration, and where its bundle is."""
    answer: Mapping[str, Any] = connection.client("lambda").get_function(
        FunctionName=connection.stack.function_name
    )
    return answer


def settings_of(function: Mapping[str, Any]) -> SettingsFiles:
    """Return the settings in a function's bundle.

    Raises:
        CommandError: The bundle is not what Lambda says it is.
    """
    return SettingsFiles.below(cached(function, cache_directory(), fetch=_fetch))


def digest_of(function: Mapping[str, Any]) -> str:
    """Return the digest of the settings in a function's bundle.

    Raises:
        CommandError: The bundle is not what Lambda says it is.
    """
    index = cached(function, cache_directory(), fetch=_fetch) / SETTINGS_INDEX
    return settings_digest({SETTINGS_INDEX: index.read_bytes()})


def settings_for(endpoint: str, files: SettingsFiles) -> EndpointSettings:
    """Return an endpoint's deployed settings.

    Raises:
        CommandError: The stack manages no such endpoint.
    """
    settings = files.read(endpoint)
    if settings is None:
        names = ", ".join(sorted(files.digests)) or "none"
        raise CommandError(
            f"The stack manages no endpoint {endpoint}.",
            f"Its settings name: {names}.",
            "Name one of them. Or add its YAML, and deploy the stack.",
        )
    return settings


def environment_of(function: Mapping[str, Any]) -> Environment:
    """Return a function's environment."""
    return Environment.read(function["Configuration"].get("Environment", {}).get("Variables", {}))


def cache_directory() -> Path:
    """Return the directory of this user's cached settings."""
    import platformdirs  # noqa: PLC0415 - most verbs need none

    return Path(platformdirs.user_cache_dir("greenlight", appauthor=False)) / "settings"


def cached(function: Mapping[str, Any], directory: Path, *, fetch: Callable[[str], bytes]) -> Path:
    """Return where the settings of a function's bundle are, and fetch them unless they are there.

    Args:
        function: What `GetFunction` answered.
        directory: The cache.
        fetch: Fetches a URL.

    Raises:
        CommandError: The bundle is not what Lambda says it is.
    """
    digest = b64decode(function["Configuration"]["CodeSha256"]).hex()
    finished = directory / digest
    if not (finished / SETTINGS_INDEX).is_file():
        bundle = fetch(function["Code"]["Location"])
        if sha256(bundle).hexdigest() != digest:
            raise CommandError(
                "The deployer's bundle did not arrive whole.",
                f"Its SHA-256 is not {digest}, as Lambda says.",
                "Try again. The stack may have been deployed in between.",
                code=ExitCode.AWS,
            )
        _unpack(bundle, finished)
        _forget_old(directory)
    return finished


def _unpack(bundle: bytes, finished: Path) -> None:
    """Unpack the settings beside their place, then move them there: nobody sees half of them."""
    finished.parent.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(prefix=".unpacking-", dir=finished.parent))
    try:
        with zipfile.ZipFile(io.BytesIO(bundle)) as archive:
            inside = [name for name in archive.namelist() if name.startswith(f"{SETTINGS_DIRECTORY}/")]
            archive.extractall(aside, inside)
        try:
            (aside / SETTINGS_DIRECTORY).rename(finished)
        except OSError:
            if not (finished / SETTINGS_INDEX).is_file():
                raise
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _forget_old(directory: Path) -> None:
    found = sorted(directory.iterdir(), key=lambda each: each.stat().st_mtime, reverse=True)
    for each in [each for each in found if not each.name.startswith(".")][_KEPT:]:
        shutil.rmtree(each, ignore_errors=True)


def _fetch(url: str) -> bytes:
    """Fetch a signed URL as botocore does, with its proxies and certificates."""
    from botocore.awsrequest import AWSRequest  # noqa: PLC0415 - help starts without boto3
    from botocore.httpsession import URLLib3Session  # noqa: PLC0415

    # botocore itself passes a path here: the stubs know flags only.
    verify: Any = os.environ.get("AWS_CA_BUNDLE") or os.environ.get("REQUESTS_CA_BUNDLE") or True
    answer = URLLib3Session(verify=verify).send(AWSRequest("GET", url).prepare())
    if answer.status_code != 200:  # noqa: PLR2004 - HTTP's OK
        raise CommandError(
            "The deployer's bundle cannot be fetched.",
            f"S3 answers {answer.status_code} to the URL that Lambda gave.",
            "Try again. If it stays so, see whether your network lets you reach S3.",
            code=ExitCode.AWS,
        )
    content: bytes = answer.content
    return content
