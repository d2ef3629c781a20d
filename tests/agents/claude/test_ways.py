"""An address, proxy, certificate or key that cannot work is told in a sentence, before or instead of a try that fails again and again."""

import pytest

from agents.claude.client import Access, ClaudeClient
from tasks.domain.errors import AgentUnusable

PROXIES = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "https_proxy", "http_proxy", "all_proxy", "SSL_CERT_FILE")


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        ("HTTPS_PROXY", "socks5://127.0.0.1:1080", "SOCKS"),
        ("HTTPS_PROXY", "http://user:pa:ss@@:x", "Invalid port"),
        ("SSL_CERT_FILE", "/nonexistent.pem", "No such file"),
    ],
)
def test_a_proxy_or_certificates_that_cannot_be_used_are_told(monkeypatch, variable, value, words):
    for name in PROXIES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(variable, value)
    with pytest.raises(AgentUnusable, match=words) as caught:
        ClaudeClient(Access(api_key="k"))
    assert variable in str(caught.value)


@pytest.mark.parametrize("url", ["gateway.hospital.org", "http://[::1", "ftp://gateway.hospital.org", "https://"])
def test_an_address_that_is_none_is_told(url):
    with pytest.raises(AgentUnusable, match=r"ROUNDS_CLAUDE_BASE_URL|no address of a gateway"):
        ClaudeClient(Access(api_key="k", base_url=url))


@pytest.mark.parametrize("key", ["sk-abc\n", "sk-\u2026abc", " sk-abc", "sk\x00abc"])
def test_a_key_that_no_header_can_hold_is_told_and_not_repeated(key):
    with pytest.raises(AgentUnusable, match="copy it anew") as caught:
        ClaudeClient(Access(api_key=key))
    assert key.strip() not in str(caught.value)
