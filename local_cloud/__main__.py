"""`python -m local_cloud --port N`: run the local cloud in the foreground."""

from __future__ import annotations

import argparse
import os
import sys
import threading
from pathlib import Path

from local_cloud.child_process import SECRET_VARIABLE, client_environment, draw_secret
from local_cloud.sagemaker.timings import MOST_SPEED, Timings
from local_cloud.server import HOST, bind, serve

# Seen: in most regions, version 1 of the AWS CLI prefers SQS's own host name to any variable.
_HINT = (
    "Version 1 of the AWS CLI asks AWS itself for queues, whatever the variables say. "
    'Add to its sqs commands:\n--endpoint-url "$AWS_ENDPOINT_URL"\n'
)


def main() -> int:
    """Serve until asked to stop; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m local_cloud", description="Run Greenlight's local cloud."
    )
    parser.add_argument(
        "--port", type=int, default=4566, help="loopback port; 0 takes a free one (default 4566)"
    )
    parser.add_argument("--account", default="111122223333", help="account in the printed environment")
    parser.add_argument("--region", default="eu-central-1", help="region in the printed environment")
    parser.add_argument("--port-file", type=Path, help="write the port here once it is known")
    parser.add_argument(
        "--until-stdin-closes", action="store_true", help="also stop when standard input closes"
    )
    parser.add_argument(
        "--speed",
        type=_timings,
        default=Timings(),
        dest="timings",
        metavar="N",
        help=f"how many times as fast AWS's waits and periods pass (1 to {MOST_SPEED}, default 1)",
    )
    parser.add_argument(
        "--no-containers", action="store_true", help="let endpoints come up without their containers"
    )
    parser.add_argument("--no-iam", action="store_true", help="let every caller do everything")
    options = parser.parse_args()
    secret = os.environ.get(SECRET_VARIABLE) or draw_secret()
    try:
        listener = bind(options.port)
    except OSError as error:
        sys.stderr.write(
            f"Port {options.port} on {HOST} cannot be used: {error.strerror}. Choose another with --port "
            "(make cloud PORT=4567), or --port 0 for any free one.\n"
        )
        return 1
    port = listener.getsockname()[1]
    if options.port_file:
        options.port_file.write_text(str(port))
    stop = threading.Event()

    def stop_with_stdin() -> None:
        # Not sys.stdin: a daemon thread would hold its lock, and abort an interpreter that exits.
        while os.read(0, 4096):
            pass
        stop.set()

    if options.until_stdin_closes:
        threading.Thread(target=stop_with_stdin, daemon=True).start()

    def show_environment() -> None:
        endpoint_url = f"http://{HOST}:{port}"
        environment = client_environment(endpoint_url, secret, options.account, options.region)
        lines = (f"export {name}={value}\n" for name, value in environment.items())
        sys.stdout.write(f"The local cloud is ready. Point a client at it with:\n\n{''.join(lines)}\n")
        sys.stdout.write(_HINT)
        sys.stdout.flush()

    serve(
        listener,
        stop=stop,
        when_ready=show_environment,
        secret=secret,
        enforce_iam=not options.no_iam,
        timings=options.timings,
        containers=not options.no_containers,
    )
    return 0


def _timings(speed: str) -> Timings:
    try:
        return Timings().faster(float(speed))
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


if __name__ == "__main__":
    sys.exit(main())
