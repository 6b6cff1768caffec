"""Pictures of what the command shows."""

import infra  # noqa: F401 - with it, the functions' modules can be imported
