"""The deployer: keeps the approved model versions on their endpoints."""

from deployer.contract import VERSION

__all__ = ["VERSION"]
