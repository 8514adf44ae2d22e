"""The avatar worker of this product: `python -m agent avatar-worker`, with a GPU or without.

Agents whose VISAVIS_AVATAR_WORKER is its name send it their faces. See docs/avatar-worker.md.
"""

from livekit.agents import AgentServer
from livekit.plugins.visavis import worker
from livekit.plugins.visavis.dispatch import DEFAULT_WORKER

from agent import personas
from agent.config import Settings


def make_server(settings: Settings) -> AgentServer:
    """An AgentServer that draws with these settings' renderer; warm for their persona's face."""
    persona = personas.from_setting(settings.persona)
    return worker.make_server(
        name=settings.avatar_worker or DEFAULT_WORKER,
        renderer=settings.renderer_of(persona.renderer),
        portrait=settings.portrait or persona.portrait,
        sessions=settings.avatar_sessions,
        idle_processes=settings.idle_processes,
        port=settings.worker_port,
        url=settings.livekit_url,
        api_key=settings.livekit_api_key,
        api_secret=settings.livekit_api_secret.get_secret_value(),
        log_level=settings.log_level,
    )


server = make_server(Settings.from_environment())
