"""Commands for people who run Greenlight: `python -m ops doctor`."""

import infra  # noqa: F401 - with it, the functions' modules can be imported
