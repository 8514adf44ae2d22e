"""The gateway as tests reach it: the real app, asked over HTTP without a socket."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
from fastapi import FastAPI

from agent.config import Settings
from agent.gateway.app import create_app

AWAY = Settings(livekit_url="ws://127.0.0.1:9")
"""Nobody listens on the discard port."""


@asynccontextmanager
async def client(
    settings: Settings,
    *,
    web_dir: Path | None = None,
    worker_health_url: str | None = None,
) -> AsyncIterator[httpx.AsyncClient]:
    """A browser of the gateway with these settings."""
    app = create_app(settings, web_dir=web_dir, worker_health_url=worker_health_url)
    async with asgi(app) as http:
        yield http


@asynccontextmanager
async def asgi(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """A browser of this app, its lifespan run."""
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://visavis.test") as http,
    ):
        yield http
