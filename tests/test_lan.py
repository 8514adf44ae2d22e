"""The demo for a phone: a certificate, a QR code, and a call of encrypted connections only."""

import asyncio
import ssl
import stat
from pathlib import Path

import pytest
from browser import chromium, hang_up, needs_browser
from cryptography import x509
from playwright.async_api import expect
from servers import Background, Worker, free_port

from agent import lan
from agent.config import Settings
from agent.gateway.app import serve
from agent.gateway.pages import WEB_DIR


def test_a_certificate_is_made_once_for_its_address_and_kept_from_others(tmp_path: Path) -> None:
    made = lan.make_certificate("192.0.2.7", tmp_path)
    before = made.chain.read_bytes()
    assert lan.make_certificate("192.0.2.7", tmp_path).chain.read_bytes() == before
    assert stat.S_IMODE(made.key.stat().st_mode) == 0o600
    limits = x509.load_pem_x509_certificate(before).extensions
    assert not limits.get_extension_for_class(x509.BasicConstraints).value.ca, (
        "it vouches for others"
    )
    named = limits.get_extension_for_class(x509.SubjectAlternativeName).value
    assert [str(one) for one in named.get_values_for_type(x509.IPAddress)] == ["192.0.2.7"]
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(made.chain, made.key)


def test_one_that_is_over_is_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lan, "_VALID_DAYS", 0)
    before = lan.make_certificate("192.0.2.7", tmp_path).chain.read_bytes()
    assert lan.make_certificate("192.0.2.7", tmp_path).chain.read_bytes() != before


def test_the_address_is_said_as_a_code_for_a_camera() -> None:
    lines = lan.qr_code("https://192.0.2.7:8080").splitlines()
    assert len(lines) > 10
    assert len({len(line) for line in lines if "\x1b" not in line}) <= 1


def test_callers_are_offered_the_address_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    network = lan.prepare("192.0.2.7")
    config = network.server_config.read_text()
    assert "node_ip: 192.0.2.7" in config
    assert "192.0.2.7/32" in config
    assert stat.S_IMODE(network.server_config.stat().st_mode) == 0o600
    settings = network.settings(Settings(port=8443))
    assert settings.public_url == "wss://192.0.2.7:8443"
    assert settings.livekit_url == Settings().livekit_url
    assert not settings.local_only


class TestCall:
    """In a browser that knows nothing of the certificate, as a phone's."""

    pytestmark = needs_browser

    async def test_a_call_comes_about_over_https_alone(
        self, background: Background, livekit: Settings, worker: Worker, tmp_path: Path
    ) -> None:
        certificate = lan.make_certificate("127.0.0.1", tmp_path)
        port = free_port()
        changes = {"livekit_public_url": f"wss://127.0.0.1:{port}", "port": port}
        settings = livekit.model_copy(update=changes)
        ready = asyncio.Event()
        serving = asyncio.run_coroutine_threadsafe(
            serve(settings, web_dir=WEB_DIR, ready=ready, certificate=certificate),
            background.loop,
        )
        background.run(ready.wait())
        try:
            async with asyncio.timeout(90), chromium() as browser:
                context = await browser.new_context(ignore_https_errors=True)
                page = await context.new_page()
                sockets: list[str] = []
                page.on("websocket", lambda socket: sockets.append(socket.url))
                await page.goto(f"https://127.0.0.1:{port}", wait_until="networkidle")
                await page.get_by_role("button", name="Start").first.click()
                live = page.locator(".stage[data-phase=live][data-picture=on]")
                await expect(live).to_be_visible()
                assert sockets
                assert all(url.startswith(f"wss://127.0.0.1:{port}/rtc") for url in sockets)
                await hang_up(page)
        finally:
            serving.cancel()
