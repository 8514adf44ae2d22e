"""The plugin's logger, named as the ecosystem names them."""

import logging

logger = logging.getLogger("livekit.plugins.espeak")
