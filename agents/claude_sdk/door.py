"""The only door to the Claude Agent SDK: a session in which our tools are all that the model has.

The SDK starts a program of its own, which talks to the service. It gets an empty folder to work in, a home that ends with the session,
none of its own tools, and of this process's environment nothing but the key and the address. What an administrator of the machine
set for all users of that program (its managed settings) holds for it here too.
"""

from __future__ import annotations

import asyncio
import importlib.util
import os
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agents.claude.exchange import Usage
from agents.claude_sdk.session import PREFIX, SERVER, Outcome
from tasks.domain.errors import AgentUnusable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agents.claude.exchange import Block
    from agents.claude_sdk.session import Answer, Ask, Listener

PACKAGE = "claude_agent_sdk"
SEARCH_PATH = "/usr/local/bin:/usr/bin:/bin"
MOST_RETRIES = 4
INTERRUPTION_SECONDS = 20.0
"""That the program has to end a session after it was asked to."""
LONGEST_RESULT = 200_000
"""Characters of an answer up to which the SDK passes it on whole instead of putting it into a file."""
LONGEST_LINE = 64 * 1024 * 1024
"""Bytes of one message of the SDK's program."""
LONGEST_MESSAGE = 500


def check_installed() -> None:
    """Check that the package is there.

    Raises:
        AgentUnusable: It is not.
    """
    if importlib.util.find_spec(PACKAGE) is None:
        raise AgentUnusable(
            "the agent claude-sdk needs the package claude-agent-sdk, which is not installed: pip install 'rounds[claude-sdk]' (370 MB, "
            "with a program under Anthropic's own terms). `--agent claude` does the same work without it"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentSdk:
    """Holds sessions with Claude through the SDK."""

    api_key: str = field(repr=False)
    base_url: str = ""
    """Of a gateway; empty for Anthropic's own."""

    def hold(self, ask: Ask, listener: Listener) -> Outcome:
        """Hold one session to its end.

        Raises:
            AgentUnusable: The package, or the program that comes with it, is missing.
            Exception: What the listener raised.
        """
        check_installed()
        with tempfile.TemporaryDirectory(prefix="rounds-session-", ignore_cleanup_errors=True) as folder:
            return asyncio.run(_Session(ask, listener).hold(self, Path(folder)))

    def environment(self, home: Path, ask: Ask) -> dict[str, str]:
        """Return what the program's environment is to hold; what it would inherit besides is emptied."""
        own = {
            "PATH": SEARCH_PATH,
            "HOME": str(home),
            "CLAUDE_CONFIG_DIR": str(home / "config"),
            "TMPDIR": str(home),
            "ANTHROPIC_API_KEY": self.api_key,
            "CLAUDE_CODE_MAX_OUTPUT_TOKENS": str(ask.max_tokens),
            "CLAUDE_CODE_MAX_RETRIES": str(MOST_RETRIES),
            "MAX_MCP_OUTPUT_TOKENS": str(LONGEST_RESULT),
            # Else it would ask smaller models for titles and summaries, and describe this machine to the model.
            "ANTHROPIC_SMALL_FAST_MODEL": ask.model,
            "ANTHROPIC_DEFAULT_HAIKU_MODEL": ask.model,
            "CLAUDE_CODE_DISABLE_EXPERIMENTAL_BETAS": "1",
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
            "DISABLE_TELEMETRY": "1",
            "DISABLE_ERROR_REPORTING": "1",
            "DISABLE_AUTOUPDATER": "1",
            "DISABLE_AUTO_COMPACT": "1",
        }
        if self.base_url:
            own["ANTHROPIC_BASE_URL"] = self.base_url
        # The SDK passes this process's environment on, and only lets its variables be overwritten.
        return dict.fromkeys(os.environ, "") | own

    def clean(self, message: str) -> str:
        """Return a message on one line, bounded and without the key."""
        line = " ".join((message.replace(self.api_key, "(key)") if self.api_key else message).split())
        return line if len(line) <= LONGEST_MESSAGE else line[: LONGEST_MESSAGE - 3] + "..."


class _Session:
    def __init__(self, ask: Ask, listener: Listener) -> None:
        self._ask, self._listener = ask, listener
        self._one_at_a_time, self._whole = asyncio.Lock(), asyncio.Event()
        self._interrupt: Any = None
        self._broken: BaseException | None = None
        self._ends = self._late = False
        self._farewell: dict[str, Any] = {}

    async def hold(self, agent: AgentSdk, folder: Path) -> Outcome:
        import anyio  # noqa: PLC0415
        import claude_agent_sdk as sdk  # noqa: PLC0415  (the package is an extra)

        outcome = None
        try:
            with anyio.move_on_after(self._ask.seconds + INTERRUPTION_SECONDS) as scope:
                async with sdk.ClaudeSDKClient(self._options(sdk, agent, folder)) as client:
                    self._interrupt = client.interrupt
                    watch = asyncio.create_task(self._end_late())
                    try:
                        await client.query(self._ask.words)
                        async for message in client.receive_response():
                            outcome = self._shown(sdk, agent, message) or outcome
                    finally:
                        watch.cancel()
        except sdk.CLINotFoundError as error:
            raise AgentUnusable(f"the program of the Claude Agent SDK is missing: {agent.clean(str(error))}") from None
        except sdk.ClaudeSDKError as error:  # after a result that says why, the program ends with an error of its own
            outcome = outcome or Outcome(ended="service", message=agent.clean(str(error)))
        if self._broken is not None:
            raise self._broken
        if self._ends:
            return Outcome(ended="stopped", usage=outcome.usage if outcome else {})
        if self._late or scope.cancelled_caught:
            return Outcome(
                ended="timeout",
                message=f"It still worked after {self._ask.seconds:.0f} seconds.",
                usage=outcome.usage if outcome else {},
            )
        return outcome or Outcome(ended="service", message="The program of the SDK ended without a result.")

    async def _end_late(self) -> None:
        await asyncio.sleep(self._ask.seconds)
        self._late = True
        await self._interrupt()

    def _options(self, sdk: Any, agent: AgentSdk, folder: Path) -> Any:
        home, work = folder / "home", folder / "work"
        home.mkdir()
        work.mkdir()
        system = home / "system.md"  # in a file, since arguments of a process are for all to see
        system.write_text(self._ask.system, encoding="utf-8")
        tools = [self._tool(sdk, item) for item in self._ask.tools]
        return sdk.ClaudeAgentOptions(
            tools=[],
            mcp_servers={SERVER: sdk.create_sdk_mcp_server(SERVER, tools=tools)},
            allowed_tools=[PREFIX + item["name"] for item in self._ask.tools],
            strict_mcp_config=True,
            setting_sources=[],
            skills=[],
            permission_mode="dontAsk",  # what is not allowed is denied
            verbatim_prompts=True,  # else "@/path" in a log would read that file
            include_partial_messages=True,
            system_prompt={"type": "file", "path": str(system)},
            model=self._ask.model,
            effort=self._ask.effort or None,
            max_turns=self._ask.max_turns,
            max_budget_usd=None if self._ask.max_dollars is None else float(self._ask.max_dollars),
            max_buffer_size=LONGEST_LINE,
            cwd=work,
            env=agent.environment(home, self._ask),
            extra_args={"bare": None, "disable-slash-commands": None, "no-session-persistence": None},
            stderr=lambda _: None,
        )

    def _tool(self, sdk: Any, item: Block) -> Any:
        async def use(given: dict[str, Any]) -> dict[str, Any]:
            async with self._one_at_a_time:
                await self._whole.wait()  # the program may begin with a tool before its reply is told to be whole
                answer: Answer | None = None
                try:
                    answer = await asyncio.to_thread(self._listener.use, item["name"], given)
                except Exception as error:  # noqa: BLE001 - raised when the session has ended; the SDK would tell it to the model
                    self._broken = error
                if answer is None or answer.ends:
                    self._ends = True
                    self._farewell = {"content": answer.text, "is_error": answer.is_error} if answer else {}
                    await self._interrupt()
                    await asyncio.Event().wait()  # with an answer the program would make another call, paid for nothing
                    raise AssertionError
                return {"content": [{"type": "text", "text": answer.text}], "is_error": answer.is_error}

        shown_whole = sdk.ToolAnnotations(maxResultSizeChars=LONGEST_RESULT)
        return sdk.tool(item["name"], item["description"], item["input_schema"], annotations=shown_whole)(use)

    def _shown(self, sdk: Any, agent: AgentSdk, message: Any) -> Outcome | None:
        match message:
            case sdk.StreamEvent():
                self._listener.heard(message.event)
                if message.event["type"] == "message_start":
                    self._whole.clear()
                elif message.event["type"] == "message_stop":
                    self._whole.set()
            case sdk.UserMessage() if isinstance(message.content, list):
                results = [_result(item) for item in message.content if isinstance(item, sdk.ToolResultBlock)]
                # Instead of the answer that ended the session the program has words of its own, for an interruption.
                results = [{**item, **self._farewell} for item in results]
                if results:
                    self._listener.answered(results)
            case sdk.SystemMessage(subtype="api_retry"):
                told = message.data
                kind = str(told.get("error_status") or "connection")
                waited = float(told.get("retry_delay_ms") or 0.0) / 1000
                self._listener.failed(
                    kind, agent.clean(f"It failed: {told.get('error') or 'no reason given'}."), waited
                )
            case sdk.ResultMessage():
                return _outcome(message, agent)
        return None


def _result(block: Any) -> Block:
    return {
        "type": "tool_result",
        "tool_use_id": block.tool_use_id,
        "content": block.content,
        "is_error": bool(block.is_error),
    }


def _outcome(result: Any, agent: AgentSdk) -> Outcome:
    """Return how a session ended, from the message with which the SDK ends it."""
    usage = {model: _usage(told) for model, told in (result.model_usage or {}).items()}
    message = agent.clean(result.result or "; ".join(result.errors or ()))
    if result.subtype == "error_max_turns":
        return Outcome(ended="max_turns", usage=usage)
    if result.subtype == "error_max_budget_usd":
        return Outcome(ended="max_dollars", usage=usage)
    if not result.is_error:
        return Outcome(ended="completed", message=message, usage=usage)
    status = result.api_error_status
    passes = status is None or status in {408, 409, 429} or status >= 500
    return Outcome(ended="service" if passes else "refused_request", message=message, status=status, usage=usage)


def _usage(told: Mapping[str, Any]) -> Usage:
    """Return the tokens of one model; those written to the cache are taken for the dearer kind where the SDK does not tell them apart."""
    written, short = int(told["cacheCreationInputTokens"]), int(told.get("cacheCreationEphemeral5mInputTokens") or 0)
    return Usage(
        input_tokens=int(told["inputTokens"]),
        output_tokens=int(told["outputTokens"]),
        cache_read_tokens=int(told["cacheReadInputTokens"]),
        cache_write_5m_tokens=short,
        cache_write_1h_tokens=written - short,
    )
