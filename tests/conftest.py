"""What all tests share: Hypothesis's settings, no word from the shell, and how they are collected."""

import gc
import os
from collections.abc import Generator

import pytest
from hypothesis import settings

# Machines that run tests are busy: how long one example takes says nothing about the code.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")

# The command obeys these variables, so a shell or a CI system that exports them would change what tests read.
# So would readline: pytest loads it, and it gives COLUMNS and LINES to the workers of pytest-xdist.
for name in ("COLUMNS", "FORCE_COLOR", "LINES", "NO_COLOR", "TERM", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
    os.environ.pop(name, None)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Collect with the garbage collector switched off: it costs half of the time, and finds next to nothing.

    What was collected stays until the end, so that no later collection looks at it again either.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.freeze()
