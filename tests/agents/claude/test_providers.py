"""The clients for hospitals that may not use the public API."""

import anthropic
import pytest

from agents.claude.client import Access, ClaudeClient
from agents.claude.exchange import Reply
from agents.claude.scripted_replies import text
from agents.claude.scripted_server import ScriptedServer
from tasks.domain.errors import AgentUnusable


@pytest.fixture(autouse=True)
def _no_cloud_in_the_environment(monkeypatch):
    for name in (
        "AWS_REGION",
        "AWS_DEFAULT_REGION",
        "AWS_BEARER_TOKEN_BEDROCK",
        "CLOUD_ML_REGION",
        "ANTHROPIC_API_KEY",
        "ANTHROPIC_FOUNDRY_API_KEY",
        "ANTHROPIC_FOUNDRY_RESOURCE",
        "ANTHROPIC_BASE_URL",
    ):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("access", "kind", "url"),
    [
        (Access(api_key="k"), anthropic.Anthropic, "https://api.anthropic.com"),
        (Access(api_key="k", base_url="https://gateway.example/claude"), anthropic.Anthropic, "https://gateway.example/claude/"),
        (Access(provider="bedrock", api_key="k", region="eu-central-1"), anthropic.AnthropicBedrock, "https://bedrock-runtime.eu-central-1.amazonaws.com"),
        (Access(provider="vertex", api_key="k", region="europe-west4", project="p"), anthropic.AnthropicVertex, "https://europe-west4-aiplatform.googleapis.com/v1/"),
        (Access(provider="foundry", api_key="k", project="clinic"), anthropic.AnthropicFoundry, "https://clinic.services.ai.azure.com/anthropic/"),
    ],
)  # fmt: skip
def test_each_provider_has_its_client_and_address(access, kind, url):
    with ClaudeClient(access) as client:
        assert type(client.sdk) is kind
        assert str(client.sdk.base_url) == url
        assert client.sdk.max_retries == 0


@pytest.mark.parametrize(
    ("access", "words"),
    [
        (Access(), "there is no key"),
        (Access(provider="bedrock"), "region"),
        (Access(provider="vertex"), "region"),
        (Access(provider="foundry"), "credentials"),
        (Access(provider="foundry", api_key="k"), "resource"),
    ],
)
def test_what_is_missing_is_named(access, words):
    with pytest.raises(AgentUnusable, match=words):
        ClaudeClient(access)


BODY = {"model": "claude-opus-5-5", "max_tokens": 100, "messages": [{"role": "user", "content": "Hello"}]}


def test_foundry_speaks_the_same_messages():
    with (
        ScriptedServer([text("Hello")]) as server,
        ClaudeClient(Access(provider="foundry", api_key="k", base_url=server.url)) as client,
    ):
        assert isinstance(client.send(BODY), Reply)
        assert server.requests[0].headers["x-api-key"] == "k"


@pytest.mark.parametrize(
    ("access", "path"),
    [
        ({"provider": "bedrock"}, "/model/claude-opus-5-5/invoke-with-response-stream"),
        (
            {"provider": "vertex", "project": "p"},
            "/projects/p/locations/eu/publishers/anthropic/models/claude-opus-5-5:streamRawPredict",
        ),
    ],
)
def test_bedrock_and_vertex_are_asked_at_their_own_paths(access, path):
    # The scripted server does not play these two clouds: that it knows no such path shows which one was asked for.
    with (
        ScriptedServer([]) as server,
        ClaudeClient(Access(**access, api_key="sesame", region="eu", base_url=server.url)) as client,
        pytest.raises(AgentUnusable, match=f"{path}: no such path"),
    ):
        client.send(BODY)


@pytest.mark.parametrize(
    "access", [Access(provider="bedrock", region="eu-central-1"), Access(provider="vertex", region="eu", project="p")]
)
def test_a_cloud_without_credentials_is_named(access, monkeypatch, tmp_path):
    for name in ("HOME", "AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE", "CLOUDSDK_CONFIG"):
        monkeypatch.setenv(name, str(tmp_path / "nothing"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS", raising=False)
    with ClaudeClient(access) as client:
        with pytest.raises(AgentUnusable, match=f"at {access.provider} cannot be asked"):
            client.send(BODY)
        assert client.count(BODY) is None
