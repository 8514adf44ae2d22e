"""ElevenLabs' timings reach the mouth: visemes begin where the server's speech has its phones."""

import asyncio

import numpy as np
from fake_elevenlabs import FakeElevenLabs
from onsets import TEXTS, mouth, onset_errors
from wires import http, persona, settings, spoken

from agent.providers.choose import make_voice

LIMIT_S = 60


async def test_visemes_begin_within_40_ms_of_the_servers_truth() -> None:
    errors: list[float] = []
    async with asyncio.timeout(LIMIT_S), FakeElevenLabs() as service, http():
        chain = make_voice(settings(elevenlabs=service.url), persona())
        for text in TEXTS:
            heard = await spoken(chain, text)
            assert chain.stage.name == "elevenlabs"
            errors += onset_errors(*mouth(heard), service.said[-1])
        await chain.aclose()
    assert len(errors) > 40
    assert np.percentile(errors, 95) <= 0.040
