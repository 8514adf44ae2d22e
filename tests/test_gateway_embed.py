"""What other sites may do with the gateway, how it says that one talks to an AI, and its check."""

import pytest
from gateways import AWAY, client

from agent.config import ConfigError, Settings

SITE = "https://www.example.org"


async def test_nobody_may_frame_the_page_unless_named() -> None:
    async with client(AWAY) as http:
        headers = (await http.get("/api/personas", headers={"Origin": SITE})).headers
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "Access-Control-Allow-Origin" not in headers


async def test_a_named_site_frames_the_page_and_reads_who_is_there() -> None:
    settings = AWAY.model_copy(update={"embed_origins": (SITE,)})
    async with client(settings) as http:
        mine = (await http.get("/api/personas", headers={"Origin": SITE})).headers
        other = (await http.get("/api/personas", headers={"Origin": "https://evil.test"})).headers
        health = (await http.get("/api/portraits", headers={"Origin": SITE})).headers
        poster = (await http.get("/api/portraits/imani/poster")).headers
    assert f"frame-ancestors 'self' {SITE}" in mine["Content-Security-Policy"]
    assert "X-Frame-Options" not in mine
    assert mine["Access-Control-Allow-Origin"] == SITE
    assert mine["Vary"] == "Origin"
    assert "Access-Control-Allow-Origin" not in other
    assert "Access-Control-Allow-Origin" not in health
    assert poster["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert "Access-Control-Allow-Origin" not in poster


async def test_a_named_site_still_starts_no_call_by_itself() -> None:
    settings = AWAY.model_copy(update={"embed_origins": (SITE,)})
    async with client(settings) as http:
        for path in ("/api/token", "/api/check"):
            answer = await http.post(path, headers={"Origin": SITE})
            assert answer.status_code == 403


@pytest.mark.parametrize(
    "origins", ["example.org", "https://a.org/path", "https://a.org; script-src *", "*", "'self'"]
)
def test_what_is_no_origin_is_refused(origins: str) -> None:
    with pytest.raises(ConfigError, match="VISAVIS_EMBED_ORIGINS"):
        Settings.from_environment({"VISAVIS_EMBED_ORIGINS": origins})


def test_origins_are_listed_with_spaces_or_commas() -> None:
    settings = Settings.from_environment(
        {"VISAVIS_EMBED_ORIGINS": "https://a.org, http://b.org:8080"}
    )
    assert settings.embed_origins == ("https://a.org", "http://b.org:8080")


async def test_the_operator_words_the_disclosure() -> None:
    settings = AWAY.model_copy(update={"disclosure": "You are talking to a computer"})
    async with client(settings) as http:
        cards = (await http.get("/api/personas")).json()["personas"]
    assert {card["disclosure"] for card in cards} == {"You are talking to a computer"}


@pytest.mark.parametrize("words", [" ", "........", "\u200b" * 20, "x" * 121])
def test_the_disclosure_cannot_be_hidden(words: str) -> None:
    with pytest.raises(ConfigError, match="VISAVIS_DISCLOSURE"):
        Settings.from_environment({"VISAVIS_DISCLOSURE": words})


async def test_a_check_says_when_the_server_is_away() -> None:
    async with client(AWAY) as http:
        answer = await http.post("/api/check")
    assert answer.status_code == 503
    assert answer.json()["detail"].endswith(".")


async def test_a_shipped_portrait_moves() -> None:
    async with client(AWAY) as http:
        card = (await http.get("/api/personas")).json()["personas"][0]
        clip = await http.get(card["preview"])
        again = await http.get(card["preview"])
    assert clip.headers["Content-Type"] == "video/mp4"
    assert clip.content[4:8] == b"ftyp"
    assert again.content == clip.content


def test_browsers_may_be_sent_to_another_address_than_our_own() -> None:
    settings = Settings.from_environment({"LIVEKIT_PUBLIC_URL": "wss://calls.example.org"})
    assert settings.public_url == "wss://calls.example.org"
    assert settings.livekit_url == Settings().livekit_url
    with pytest.raises(ConfigError, match="LIVEKIT_PUBLIC_URL"):
        Settings.from_environment({"LIVEKIT_PUBLIC_URL": "https://calls.example.org"})
