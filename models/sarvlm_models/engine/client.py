"""The window's side of the models' process: starts it, asks it, starts it anew when it ended."""

from __future__ import annotations

import multiprocessing
import threading
from collections.abc import Callable
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any, cast

from sarvlm_app.errors import ModelError
from sarvlm_models.api import Captioner, DenseEncoder, Detector

from .messages import Answer, Call, Failed, Kind, Load, Loaded, Target
from .server import serve

END_SECONDS = 5.0
"""How long is waited for a process that was killed or broke its pipe."""


class Engine:
    """Gives models that compute in a process of their own.

    One call is answered at a time; any thread may ask. The process starts with
    the first model that is asked for. When it ended (out of memory, as a rule)
    the call that noticed says so, and the next one starts it anew.

    Parameters
    ----------
    device : str
        "auto", "cpu", "cuda" or "cuda:N".
    model : str or None
        Registry name or checkpoint file of the encoder; None for the shipped one.
    target : callable
        What runs in the process, given its end of the pipe.
    """

    def __init__(
        self, device: str = "auto", model: str | None = None, target: Callable[[Connection], None] = serve
    ) -> None:
        self._device, self._model, self._serve = device, model, target
        self._process: BaseProcess | None = None
        self._pipe: Connection | None = None
        self._models: dict[Target, tuple[Any, Loaded]] = {}
        self._lock = threading.Lock()
        self._closed = False

    @property
    def running(self) -> bool:
        """Whether the process is there."""
        return self._process is not None and self._process.is_alive()

    @property
    def pid(self) -> int | None:
        """Number of the process, None before it started."""
        return None if self._process is None else self._process.pid

    def encoder(self, name: str | None = None) -> DenseEncoder:
        """The encoder, or another one by registry name or file; loads it where it is not yet.

        Raises
        ------
        ModelError
            It cannot be loaded, or the process ended.
        """
        return cast(DenseEncoder, self._load("encoder", name or self._model)[0])

    def captioner(self) -> Captioner:
        """The captioner of the encoder's tower."""
        return cast(Captioner, self._load("captioner", self._model)[0])

    def detector(self) -> Detector:
        """The shipped detector."""
        return cast(Detector, self._load("detector", None)[0])

    def device_words(self) -> str:
        """Where the encoder computes, for a badge; loads it where it is not yet."""
        return self._load("encoder", self._model)[1].device

    def close(self) -> None:
        """Ends the process at once, for it holds nothing that is not elsewhere; a call that waits for it fails."""
        self._closed = True
        self._kill()  # who waits for an answer holds the lock until the pipe breaks
        with self._lock:
            self._kill()
            self._forget()

    def _kill(self) -> None:
        process = self._process
        if process is not None and process.is_alive():
            process.kill()

    def _load(self, kind: Kind, model: str | None) -> tuple[Any, Loaded]:
        target = Target(kind, model, self._device)
        if target not in self._models:
            loaded = self._ask(Load(target))
            self._models[target] = _stand_in(target, loaded, self._call), loaded
        return self._models[target]

    def _call(self, call: Call) -> Any:
        answer: Answer = self._ask(call)
        return answer.value

    def _ask(self, request: Load | Call) -> Any:
        with self._lock:
            pipe = self._started()
            try:
                pipe.send(request)
                reply = pipe.recv()
            except (EOFError, OSError) as error:
                self._forget()
                raise ModelError(
                    "The process of the models ended unexpectedly, as a rule for want of memory; close other programs "
                    "and ask again: it is started anew."
                ) from error
        if isinstance(reply, Failed):
            if reply.error is not None:
                raise reply.error
            raise RuntimeError(f"in the models' process:\n{reply.report}")
        return reply

    def _started(self) -> Connection:
        if self._closed:
            raise ModelError("The window is closing and asks no model any more.")
        if self._pipe is None:
            context = multiprocessing.get_context("spawn")
            here, there = context.Pipe()
            self._process = context.Process(target=self._serve, args=(there,), name="sarvlm models", daemon=True)
            self._process.start()
            there.close()
            self._pipe = here
        return self._pipe

    def _forget(self) -> None:
        """Let go of a process that has ended."""
        process, pipe = self._process, self._pipe
        self._process = self._pipe = None
        if pipe is not None:
            pipe.close()
        if process is not None:
            process.join(END_SECONDS)


def _stand_in(target: Target, loaded: Loaded, call: Callable[[Call], Any]) -> Any:
    """An object with the methods and values of the loaded model, so that it keeps the same Protocols."""

    def method(name: str) -> Callable[..., Any]:
        def ask(_self: object, *arguments: Any, **named: Any) -> Any:
            return call(Call(target, name, arguments, named))

        ask.__name__ = name
        return ask

    members: dict[str, Any] = {name: method(name) for name in loaded.methods}
    return type(f"Remote{target.kind.capitalize()}", (), {**members, **loaded.values})()
