"""The only door to the anthropic SDK: one request, one try, plain data back."""

from __future__ import annotations

import json
import math
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from agents.claude.exchange import Fault, Reply
from agents.claude.incoming import Incoming
from tasks.domain.errors import AgentUnusable

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType
    from typing import Self

CONNECT_SECONDS = 20.0
LONGEST_MESSAGE = 500
"""Characters of a server's message that are kept."""
MAY_PASS = frozenset({408, 409, 429})
"""Statuses below 500 that trying again may mend."""
STATUS_OF = {"overloaded_error": 529, "api_error": 500, "rate_limit_error": 429, "timeout_error": 504}
"""Of an error that comes within a stream, whose own status was 200."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """Where the models are and how to get in."""

    provider: Literal["anthropic", "bedrock", "vertex", "foundry"] = "anthropic"
    api_key: str = field(default="", repr=False)
    """For Bedrock a bearer token, for Vertex an access token; empty there for what the cloud's own configuration gives."""
    base_url: str = ""
    """Of a gateway; empty for the provider's own."""
    region: str = ""
    """For Bedrock and Vertex."""
    project: str = ""
    """The Google Cloud project, or the resource at Foundry."""
    timeout_seconds: float = 300.0
    """Of silence, after which a try is given up."""
    longest_seconds: float = 1800.0
    """Of one try, however steadily it trickles."""


class _StoppedEarly(Exception):
    """A stream that ended, or was ended, without an error of its own."""

    def __init__(self, kind: str, message: str) -> None:
        self.kind = kind
        super().__init__(message)


class ClaudeClient:
    """Carries requests of the Messages API, at Anthropic or in one of three clouds."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self.sdk = _connected(access)
        """The client of the SDK."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self.sdk.close()

    def send(self, body: Mapping[str, Any]) -> Reply | Fault:
        """Return the answer to a request, or the fault with which this one try ended and that may pass by itself.

        Raises:
            AgentUnusable: Trying again is no use: the key is refused, the model is unknown, the request is not valid.
        """
        import anthropic  # noqa: PLC0415  (1.2 s and 70 MB that the playbook does without)
        import httpx2  # noqa: PLC0415

        started = time.monotonic()
        incoming = Incoming(max_tokens=body["max_tokens"], writes_for_an_hour='"ttl": "1h"' in json.dumps(body))
        try:
            return self._answer(body, incoming, started)
        except anthropic.APIStatusError as error:
            return self._refused(error, body, started, incoming)
        except (anthropic.APITimeoutError, httpx2.TimeoutException):
            kind, message = "timeout", f"It said nothing for {self._access.timeout_seconds:g} seconds."
        except anthropic.APIConnectionError:
            kind, message = "connection", "It could not be reached."
        except (httpx2.TransportError, json.JSONDecodeError):
            kind, message = "dropped_stream", "The connection broke within the answer."
        except _StoppedEarly as error:
            kind, message = error.kind, str(error)
        except _errors_of_clouds(anthropic.AnthropicError) as error:
            where = self._access.provider
            raise AgentUnusable(f"the language model at {where} cannot be asked: {self._clean(str(error))}") from None
        return self._fault(kind, message, started, incoming)

    def count(self, body: Mapping[str, Any]) -> int | None:
        """Return the tokens of a request's prompt as the server counts them, for free; None where it does not count."""
        import anthropic  # noqa: PLC0415
        import httpx2  # noqa: PLC0415

        prompt = {name: value for name, value in body.items() if name != "max_tokens"}
        try:
            return int(self.sdk.messages.count_tokens(**prompt).input_tokens)
        except _errors_of_clouds(anthropic.AnthropicError, httpx2.HTTPError):
            return None

    def _answer(self, body: Mapping[str, Any], incoming: Incoming, started: float) -> Reply:
        with self.sdk.messages.create(**body, stream=True) as stream:
            for event in stream:
                incoming.add(event.to_dict(warnings=False))
                if time.monotonic() - started > self._access.longest_seconds:
                    raise _StoppedEarly("timeout", f"It still answered after {self._access.longest_seconds:g} seconds.")
            request_id = stream.response.headers.get("request-id", "")
        if not incoming.complete:
            raise _StoppedEarly("dropped_stream", "The answer stopped before its end.")
        return incoming.reply(seconds=time.monotonic() - started, request_id=request_id)

    def _refused(self, error: Any, body: Mapping[str, Any], started: float, incoming: Incoming) -> Fault:
        status = STATUS_OF.get(error.type, 500) if error.status_code < 400 else error.status_code
        said = self._clean(error.api_message or error.message)
        if status in MAY_PASS or status >= 500:
            wish = _seconds(error.response.headers.get("retry-after"))
            return self._fault(str(status), f"It answered {status}: {said}", started, incoming, retry_after=wish)
        # Not chained: the SDK's error holds the server's message unabridged, which may quote the key.
        match status:
            case 401 | 403:
                raise AgentUnusable(f"the key for the language model is refused ({status}): {said}") from None
            case 404:
                raise AgentUnusable(f"the model {body['model']!r} is not known there (404): {said}") from None
        raise AgentUnusable(f"the language model refuses the request ({status}): {said}") from None

    def _fault(
        self, kind: str, message: str, started: float, incoming: Incoming, *, retry_after: float | None = None
    ) -> Fault:
        if incoming.output_is_estimated:
            message += " Its output tokens are estimated from above."
        return Fault(
            kind=kind,
            message=message,
            waited_seconds=0.0,
            usage=incoming.usage,
            seconds=time.monotonic() - started,
            retry_after_seconds=retry_after,
        )

    def _clean(self, message: str) -> str:
        key = self._access.api_key
        message = " ".join((message.replace(key, "(key)") if key else message).split())
        return message if len(message) <= LONGEST_MESSAGE else message[: LONGEST_MESSAGE - 3] + "..."


def _connected(access: Access) -> Any:
    """Return the SDK's client for a provider.

    Raises:
        AgentUnusable: The key, or what else this provider needs, is missing.
    """
    import anthropic  # noqa: PLC0415
    import httpx2  # noqa: PLC0415

    shared: dict[str, Any] = {
        "base_url": access.base_url or None,
        "timeout": anthropic.Timeout(access.timeout_seconds, connect=min(CONNECT_SECONDS, access.timeout_seconds)),
        "max_retries": 0,  # a retry that nobody sees is one that no cap stops
        "open_telemetry": False,  # else whoever traces this process gets the calls
    }
    key, region, project = access.api_key or None, access.region, access.project
    if access.provider == "anthropic" and not key:
        raise AgentUnusable("there is no key for the language model")
    check_key(access.api_key)
    _check_ways(access.base_url)
    try:
        match access.provider:
            case "anthropic":
                return anthropic.Anthropic(api_key=key, **shared)
            case "bedrock":
                return anthropic.AnthropicBedrock(api_key=key, aws_region=region or None, **shared)
            case "vertex":
                place: dict[str, Any] = {"region": region} if region else {}
                return anthropic.AnthropicVertex(access_token=key, project_id=project, **place, **shared)
            case "foundry":
                return anthropic.AnthropicFoundry(api_key=key, resource=project or None, **shared)
    except (anthropic.AnthropicError, ValueError, ImportError, httpx2.InvalidURL) as error:
        raise AgentUnusable(f"the language model at {access.provider} cannot be asked: {error}") from error


def check_key(key: str) -> None:
    """Check that a key can be sent at all.

    Raises:
        AgentUnusable: It holds what no header of a request may hold.
    """
    if not (key.isascii() and key.isprintable()) or key != key.strip():
        raise AgentUnusable(
            "the key for the language model holds a line break, a space at its end, or a letter outside ASCII, which no key has: copy it anew"
        )


def _check_ways(base_url: str) -> None:
    """Check the address, and the proxy and certificates that the environment names, before the SDK stumbles over them.

    Raises:
        AgentUnusable: One of them cannot be used.
    """
    import httpx2  # noqa: PLC0415

    try:
        with httpx2.Client(base_url=base_url) as client:
            address = client.base_url
    except (ImportError, OSError, ValueError, httpx2.InvalidURL) as error:
        raise AgentUnusable(
            f"the language model cannot be asked with the address, proxy and certificates that are set: {error}. Look at "
            "ROUNDS_CLAUDE_BASE_URL, HTTPS_PROXY, HTTP_PROXY, ALL_PROXY, SSL_CERT_FILE and SSL_CERT_DIR"
        ) from None
    if base_url and (address.scheme not in {"http", "https"} or not address.host):
        raise AgentUnusable(f"{base_url!r} is no address of a gateway; one begins with https://")


def _errors_of_clouds(*others: type[Exception]) -> tuple[type[Exception], ...]:
    """Return these errors, and those of a cloud's package or credentials that are missing, which shows with the first call."""
    clouds: list[type[Exception]] = [ModuleNotFoundError]
    for module, name in (("google.auth.exceptions", "GoogleAuthError"), ("botocore.exceptions", "BotoCoreError")):
        if module in sys.modules:
            clouds.append(getattr(sys.modules[module], name))
    if "botocore" in sys.modules:
        clouds.append(RuntimeError)  # with which the SDK says that AWS has no credentials
    return (*others, *clouds)


def _seconds(text: str | None) -> float | None:
    try:
        seconds = float(text) if text else math.nan
        return max(seconds, 0.0) if math.isfinite(seconds) else None
    except ValueError:  # a date, which the API does not send
        return None
