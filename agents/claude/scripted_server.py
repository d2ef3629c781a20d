"""A server that speaks the Messages API on this machine and says what a script tells it: for tests and demonstrations.

It refuses what the API refuses, streams as the API does, plays the prompt cache, and keeps its own bill.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import islice
from typing import TYPE_CHECKING, Any, cast

from agents.claude.exchange import Body, Usage
from agents.claude.scripted_cache import PromptCache, output_tokens, segments, tokens_of
from agents.claude.scripted_events import events, message, sent_text, wire
from agents.claude.scripted_replies import ERROR_TYPES, ScriptedReply, status
from agents.claude.scripted_rules import complaint

if TYPE_CHECKING:
    from collections.abc import Container, Mapping
    from types import TracebackType
    from typing import Self

    from agents.claude.prices import Prices

Player = Callable[[Body], ScriptedReply]
"""Chooses the reply to a request, and can so tell several conversations apart."""
Script = Player | Iterable[ScriptedReply | Player]
SPEAK, COUNT = "/v1/messages", "/v1/messages/count_tokens"
MOST_BYTES = 32 * 1024 * 1024
"""Of a request.

Source: platform.claude.com/docs/en/api/errors, "Request size limits"."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """One request to speak, as it came in."""

    body: Body
    headers: Mapping[str, str]
    """Names in lower case."""
    status: int
    """With which it was answered."""
    usage: Usage
    """That it was charged with."""


class ScriptedServer:
    """Answers by a script, on a free port of 127.0.0.1, while its `with` block lasts."""

    def __init__(
        self,
        script: Script,
        *,
        key: str | None = None,
        models: Container[str] | None = None,
        smallest_cached_tokens: int = 512,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Set the scene.

        Args:
            script: Replies, or what chooses one for a request, in the order of requests; or one choice for all of them.
            key: The only one that is let in; None lets in any.
            models: Those that are known; None knows all.
            smallest_cached_tokens: Shorter prefixes are not cached.
            clock: Seconds by which cached prefixes are forgotten.
        """
        self.requests: list[Received] = []
        self.errors: list[BaseException | None] = []
        """Of the script, as one that a player raises; the first is raised when the `with` block ends."""
        self.counted: list[Body] = []
        """Requests whose tokens were asked for; these are free."""
        self._player = script if callable(script) else None
        self._script: Iterator[ScriptedReply | Player] = iter(()) if callable(script) else iter(script)
        self._key, self._models = key, models
        self._cache = PromptCache(clock, smallest_cached_tokens)
        self._lock = threading.Lock()
        self.closing = threading.Event()
        self._http = _Listener(("127.0.0.1", 0), _Handler)
        self._http.play = self
        self.url = f"http://127.0.0.1:{self._http.server_port}"
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.closing.set()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()
        for broken in filter(None, self.errors):
            if error is None:
                raise broken
            error.add_note(f"the scripted server broke: {broken!r}")

    @property
    def usage_total(self) -> Usage:
        """Return all tokens that were charged."""
        return sum((request.usage for request in self.requests), Usage())

    def dollars(self, prices: Prices) -> Decimal:
        """Return the bill."""
        return sum((prices.of(request.body["model"]).dollars(request.usage) for request in self.requests), Decimal(0))

    def count(self, body: Body) -> int:
        """Return the tokens of a prompt."""
        with self._lock:
            self.counted.append(body)
        return sum(segment.tokens for segment in segments(body))

    def answer(self, body: Body, headers: Mapping[str, str]) -> tuple[ScriptedReply, Usage]:
        """Return what the script says to a request and what it is charged with, and note both."""
        reply = self.refusal_of(body, headers) or self._next(body)
        with self._lock:
            charged = reply.status == 200 and reply.ends_after_events != 0
            usage = self._cache.charge(body) + Usage(output_tokens=_written(reply, body)) if charged else Usage()
            self.requests.append(Received(body=body, headers=headers, status=reply.status, usage=usage))
        return reply, usage

    def refusal_of(self, body: Body, headers: Mapping[str, str], *, counting: bool = False) -> ScriptedReply | None:
        """Return the error with which the API would refuse a request; None if it would take it."""
        shown = headers.get("authorization", "").removeprefix("Bearer ") or headers.get("x-api-key", "")
        if not shown or (self._key is not None and shown != self._key):
            return status(401, message="invalid authorization")
        if "anthropic-version" not in headers:
            return status(400, message="anthropic-version: header is required")
        problem = complaint(body, counting=counting)
        if problem:
            return status(400, message=problem)
        if self._models is not None and body["model"] not in self._models:
            return status(404, message=f"model: {body['model']}")
        return None

    def _next(self, body: Body) -> ScriptedReply:
        if self._player:
            return self._player(body)
        with self._lock:
            step = next(self._script, None)
        if step is None:
            return status(400, message="the script has ended: nothing is left to answer this request with")
        return step(body) if callable(step) else step


def _written(reply: ScriptedReply, body: Body) -> int:
    """Return the tokens that a reply is charged with; of one that breaks, those that were sent."""
    if reply.ends_after_events is not None:
        sent = islice(events(message(reply, body, Usage())), reply.ends_after_events)
        said = "".join(sent_text(data) for name, data in sent if name == "content_block_delta")
        written = tokens_of(said) if said else 0
    elif reply.output_tokens is not None:
        written = reply.output_tokens
    else:
        written = output_tokens(reply.content)
    return min(written, int(body["max_tokens"]))


def _unfit(path: str, raw: bytes) -> ScriptedReply | None:
    """Return the error for what is no request at all."""
    if path not in {SPEAK, COUNT}:
        return status(404, message=f"{path}: no such path")
    if len(raw) > MOST_BYTES:
        return status(413, message="Request exceeds the maximum allowed number of bytes.")
    try:
        readable = isinstance(json.loads(raw), dict)
    except ValueError:
        readable = False
    return None if readable else status(400, message="the body is not a JSON object")


class _Listener(ThreadingHTTPServer):
    daemon_threads = False  # closing waits for the answers under way, so that no socket is left open
    play: ScriptedServer

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002
        """Keep an error of the script or the server for the test, which would else see a broken connection only."""
        self.play.errors.append(sys.exception())


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 10.0

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Say nothing."""

    def do_POST(self) -> None:
        """Answer one request and close the connection."""
        self.close_connection = True
        try:
            self._serve(cast("_Listener", self.server).play)
        except ConnectionError:
            return  # the client has gone, as one does that waited long enough

    def _serve(self, play: ScriptedServer) -> None:
        raw = self.rfile.read(int(self.headers.get("content-length", 0)))
        path = self.path.partition("?")[0]
        unfit = _unfit(path, raw)
        if unfit:
            self._error(unfit)
            return
        body, headers = json.loads(raw), {name.lower(): value for name, value in self.headers.items()}
        if path == COUNT:
            refused = play.refusal_of(body, headers, counting=True)
            if refused:
                self._error(refused)
            else:
                self._json(200, {"input_tokens": play.count(body)})
            return
        self._speak(play, body, headers)

    def _speak(self, play: ScriptedServer, body: Body, headers: Mapping[str, str]) -> None:
        reply, usage = play.answer(body, headers)
        if reply.wait_seconds and play.closing.wait(reply.wait_seconds):
            return
        if reply.status != 200:
            self._error(reply)
            return
        whole = message(reply, body, usage)
        if body.get("stream"):
            self._stream(reply, whole)
        else:
            self._json(200, whole)

    def _stream(self, reply: ScriptedReply, whole: dict[str, Any]) -> None:
        self._head(200, {"content-type": "text/event-stream", "transfer-encoding": "chunked"})
        for number, (name, data) in enumerate(events(whole)):
            if number == reply.ends_after_events:
                if reply.ends_politely:
                    break
                if not reply.ends_with_error:
                    return  # without the chunk that ends a body
                name, data = "error", {"error": {"type": "overloaded_error", "message": "Overloaded"}}  # noqa: PLW2901
            self._chunk(wire(name, data))
            if name == "error":
                break
        self._chunk(b"")

    def _chunk(self, data: bytes) -> None:
        self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
        self.wfile.flush()

    def _error(self, reply: ScriptedReply) -> None:
        error = {"type": ERROR_TYPES.get(reply.status, "api_error"), "message": reply.message}
        wish = {} if reply.retry_after is None else {"retry-after": f"{reply.retry_after:g}"}
        self._json(reply.status, {"type": "error", "error": error}, wish)

    def _json(self, code: int, data: dict[str, Any], headers: Mapping[str, str] | None = None) -> None:
        raw = json.dumps(data).encode()
        self._head(code, {"content-type": "application/json", "content-length": str(len(raw)), **(headers or {})})
        self.wfile.write(raw)

    def _head(self, code: int, headers: Mapping[str, str]) -> None:
        self.send_response(code)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("request-id", "req_scripted")
        self.send_header("connection", "close")
        self.end_headers()
