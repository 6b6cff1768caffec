"""Serve one model as SageMaker's scikit-learn container does; an independent program, run by path.

Until it loads the model's code, it imports only the standard library. The contract is the container's ("Using
Scikit-learn with the SageMaker Python SDK"): `model_fn(model_dir)`, and optionally `input_fn(body,
content_type)`, `predict_fn(data, model)` and `output_fn(prediction, accept)`, in `code/inference.py` (or
`SAGEMAKER_PROGRAM`).

The process loads the model before it accepts a connection. If that fails, it logs why and exits.
"""

from __future__ import annotations

import argparse
import importlib.util
import io
import json
import os
import socket
import sys
import threading
import traceback
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

JSON = "application/json"
CSV = "text/csv"
NPY = "application/x-npy"


class UnsupportedFormatError(Exception):
    """No default handling exists for a content type."""

    def __init__(self, content_type: str) -> None:
        super().__init__(f"Content type {content_type} is not supported by this framework.")


def load_program(code_dir: Path, program: str) -> ModuleType:
    """Import the inference script, with its directory on the path, as the container does."""
    path = code_dir / program
    if not path.is_file():
        raise FileNotFoundError(
            f"The model archive has no {code_dir.name}/{program}. The local cloud serves models that bring "
            "their inference script, as SageMaker's scikit-learn container expects it."
        )
    sys.path.insert(0, str(code_dir))
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{program} is not a Python file.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module


def default_input(body: bytes, content_type: str) -> Any:  # noqa: ANN401 - whatever predict_fn takes
    """Decode JSON, CSV or NPY into a numpy array."""
    import numpy as np  # noqa: PLC0415 - only models that use the defaults need numpy

    if content_type == JSON:
        return np.array(json.loads(body))
    if content_type == CSV:
        return np.genfromtxt(io.StringIO(body.decode()), delimiter=",")
    if content_type == NPY:
        return np.load(io.BytesIO(body), allow_pickle=False)
    raise UnsupportedFormatError(content_type)


def default_predict(data: Any, model: Any) -> Any:  # noqa: ANN401 - the model's own types
    """Call the model's `predict`."""
    return model.predict(data)


def default_output(prediction: Any, accept: str) -> Any:  # noqa: ANN401 - the model's own types
    """Encode a prediction as JSON, CSV or NPY."""
    import numpy as np  # noqa: PLC0415 - only models that use the defaults need numpy

    array = np.asarray(prediction)
    if accept == JSON:
        return json.dumps(array.tolist())
    if accept == CSV:
        text = io.StringIO()
        np.savetxt(text, array, delimiter=",", fmt="%s")
        return text.getvalue()
    if accept == NPY:
        content = io.BytesIO()
        np.save(content, array, allow_pickle=False)
        return content.getvalue()
    raise UnsupportedFormatError(accept)


def missing_model_fn(model_dir: str) -> Any:  # noqa: ANN401 - it never returns
    """Refuse to guess how to load a model, as the container does."""
    raise NotImplementedError(
        f"Please provide a model_fn implementation that loads the model from {model_dir}."
    )


class Model:
    """A loaded model and the four functions around it."""

    def __init__(self, program: ModuleType, model_dir: Path) -> None:
        self._input: Callable[..., Any] = getattr(program, "input_fn", default_input)
        self._predict: Callable[..., Any] = getattr(program, "predict_fn", default_predict)
        self._output: Callable[..., Any] = getattr(program, "output_fn", default_output)
        # One prediction at a time, like one worker process of the container: models need not be thread-safe.
        self._turn = threading.Lock()
        self._model = getattr(program, "model_fn", missing_model_fn)(str(model_dir))

    def transform(self, body: bytes, content_type: str, accept: str) -> tuple[int, str, bytes]:
        """Return the status, content type and body of one invocation's answer."""
        with self._turn:
            try:
                data = self._input(body, content_type)
            except UnsupportedFormatError as error:
                return HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "text/plain", str(error).encode()
            prediction = self._predict(data, self._model)
            try:
                output = self._output(prediction, accept)
            except UnsupportedFormatError as error:
                return HTTPStatus.NOT_ACCEPTABLE, "text/plain", str(error).encode()
        if isinstance(output, tuple):
            output, accept = output
        return HTTPStatus.OK, accept, output.encode() if isinstance(output, str) else bytes(output)


class Handler(BaseHTTPRequestHandler):
    """`GET /ping` and `POST /invocations`; if the model raises an error, log it and answer 500."""

    model: Model
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer the health check."""
        self._answer(HTTPStatus.OK if self.path == "/ping" else HTTPStatus.NOT_FOUND, "text/plain", b"")

    def do_POST(self) -> None:
        """Answer an invocation."""
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        if self.path != "/invocations":
            self._answer(HTTPStatus.NOT_FOUND, "text/plain", b"")
            return
        content_type = (self.headers.get("Content-Type") or JSON).partition(";")[0].strip().lower()
        accept = self.headers.get("Accept") or "*/*"
        if accept == "*/*":
            accept = os.environ.get("SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT", JSON)
        try:
            answer = self.model.transform(body, content_type, accept)
        except Exception as error:  # noqa: BLE001 - whatever the model's own code raises is its answer
            traceback.print_exc()
            sys.stderr.flush()
            answer = (
                HTTPStatus.INTERNAL_SERVER_ERROR,
                "text/plain",
                f"{type(error).__name__}: {error}".encode(),
            )
        self._answer(*answer)

    def _answer(self, status: int, content_type: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        attributes = self.headers.get("X-Amzn-SageMaker-Custom-Attributes")
        if attributes:
            self.send_header("X-Amzn-SageMaker-Custom-Attributes", attributes)
        self.end_headers()
        self.wfile.write(body)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Log invocations like the container's access log, but not every health check."""
        if self.path != "/ping":
            super().log_request(code, size)


def exit_with_parent() -> None:
    """End this process when its standard input closes: then the parent is gone, even if it was killed."""
    # Not sys.stdin: a daemon thread would hold its lock, and abort an interpreter that exits.
    while os.read(0, 4096):
        pass
    os._exit(0)


def main() -> None:
    """Load the model, then serve it on the inherited listening socket."""
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--listen-fd", type=int, required=True)
    arguments.add_argument("--model-dir", type=Path, required=True)
    options = arguments.parse_args()
    threading.Thread(target=exit_with_parent, daemon=True).start()
    program = load_program(options.model_dir / "code", os.environ.get("SAGEMAKER_PROGRAM", "inference.py"))
    Handler.model = Model(program, options.model_dir)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler, bind_and_activate=False)
    server.socket.close()
    server.socket = socket.socket(fileno=options.listen_fd)
    server.server_address = server.socket.getsockname()
    server.serve_forever()


if __name__ == "__main__":
    main()
