"""The models' process: loads what it is asked for and answers until the pipe is closed."""

from __future__ import annotations

import signal
import traceback
from functools import cache
from multiprocessing.connection import Connection
from typing import Any

from sarvlm_app.errors import SarvlmError

from .messages import METHODS, VALUES, Answer, Call, Failed, Load, Loaded, Target


def serve(connection: Connection) -> None:
    """Answers requests one by one; ends with the process at the other end."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C in a terminal is for the window, which closes the pipe
    while True:
        try:
            request = connection.recv()
        except (EOFError, OSError):
            return
        try:
            reply: Any = _answer(request)
        except SarvlmError as error:
            reply = Failed(error)
        except Exception:  # noqa: BLE001 - the rim of the process: the window shows the report
            reply = Failed(None, traceback.format_exc())
        connection.send(reply)


def _answer(request: Load | Call) -> Loaded | Answer:
    model = _model(request.target)
    if isinstance(request, Load):
        kind = request.target.kind
        methods = tuple(name for name in METHODS[kind] if hasattr(model, name))
        values = {name: getattr(model, name) for name in VALUES[kind] if hasattr(model, name)}
        return Loaded(methods, values, _device_words(request.target.device))
    if request.method not in METHODS[request.target.kind]:
        raise ValueError(f"serve: expected a method of {request.target.kind}, got {request.method!r}")
    return Answer(getattr(model, request.method)(*request.arguments, **request.named))


@cache
def _model(target: Target) -> Any:
    if target.kind == "captioner":
        from sarvlm_models.captioner import captioner_of

        return captioner_of(_model(Target("encoder", target.model, target.device)))
    from sarvlm_app.paths import data_dir
    from sarvlm_models.registry import load_detector, load_encoder

    if target.kind == "detector":
        return load_detector(target.model, target.device, data_dir())
    return load_encoder(target.model, target.device, data_dir())


@cache
def _device_words(device: str) -> str:
    from sarvlm_models.device import choose_device

    return choose_device(device).reason
