"""The command `greenlight`: what serves, what waits and why, and the ways to steer it.

Each verb reads, makes one pure value of it, and shows that value. It reads through the deployer's own
gateways, so that there is one reader of the journal.
"""

import infra  # noqa: F401 - with it, the functions' modules can be imported
