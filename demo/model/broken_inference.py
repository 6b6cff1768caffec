"""Fail when loaded: it needs a package that the container does not have."""

import a_package_that_only_the_notebook_had  # noqa: F401


def model_fn(model_dir: str) -> None:
    """Never reached."""
