"""Build the deployer's asset and print its size."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from infra.bundling.assets import build_asset
from infra.bundling.lambda_runtime import NO_BYTECODE, runtime

if TYPE_CHECKING:
    from pathlib import Path


def size_by_part(asset: Path) -> dict[str, int]:
    """Measure the bytes of each top-level part of an unpacked asset, the largest first."""
    sizes: dict[str, int] = {}
    for path in asset.rglob("*"):
        if path.is_file():
            parts = path.relative_to(asset).parts
            name = "botocore/data" if parts[:2] == ("botocore", "data") else parts[0]
            sizes[name] = sizes.get(name, 0) + path.stat().st_size
    return dict(sorted(sizes.items(), key=lambda part: -part[1]))


def main() -> None:
    """Build the asset and print its place and size."""
    asset = build_asset()
    sizes = size_by_part(asset)
    lines = [str(asset), *(f"{size / 1e6:8.2f} MB  {name}" for name, size in sizes.items())]
    lines.append(f"{sum(sizes.values()) / 1e6:8.2f} MB  in all, unpacked")
    lines.append(
        f"for Lambda's {runtime().name}, " + ("with bytecode" if runtime().interpreter else NO_BYTECODE)
    )
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
