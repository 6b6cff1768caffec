"""Writes the file that points another terminal at the cloud."""

from __future__ import annotations

import os
import shlex
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from demo.cdk import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

FILE: Final = ROOT / ".build" / "cloud.sh"
_OTHERS: Final = ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_SESSION_TOKEN")
"""Variables that would choose other credentials than the cloud's."""


@contextmanager
def written(variables: Mapping[str, str], file: Path = FILE) -> Iterator[Path]:
    """Keep the file while the context lasts, readable for its owner only: the secret is in it.

    Another cloud's file is replaced, and not removed.
    """
    exports = [f"export {name}={shlex.quote(value)}" for name, value in variables.items()]
    path = f"export PATH={shlex.quote(str(ROOT / '.venv' / 'bin'))}:$PATH"
    text = "\n".join([f"unset {' '.join(_OTHERS)}", *exports, path, ""])
    file.parent.mkdir(exist_ok=True)
    file.unlink(missing_ok=True)
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as opened:
        opened.write(text)
    try:
        yield file
    finally:
        if file.exists() and file.read_text() == text:
            file.unlink()
