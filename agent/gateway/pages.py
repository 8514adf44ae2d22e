"""The built page: files of web/dist, and index.html for every address the page itself understands.

Vite names the files under assets/ after their content, so they may be kept for ever; everything
else is asked for again each time and answered with 304 when unchanged.
"""

from pathlib import Path, PurePosixPath

from fastapi.responses import PlainTextResponse
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Receive, Scope, Send

WEB_DIR = Path(__file__).resolve().parents[2] / "web" / "dist"
"""What scripts/setup builds."""

_FOR_EVER = "public, max-age=31536000, immutable"
_ASK_AGAIN = "no-cache"


class Pages(StaticFiles):
    """Serves `web_dir`. A missing file with an extension is a 404, any other path is the page."""

    def __init__(self, web_dir: Path) -> None:
        super().__init__(directory=web_dir, html=True, check_dir=False)

    async def get_response(self, path: str, scope: Scope) -> Response:
        try:
            response = await super().get_response(path, scope)
        except HTTPException as error:
            if error.status_code != 404 or PurePosixPath(path).suffix:
                raise
            response = await super().get_response("index.html", scope)
        kept = path.startswith("assets/") and response.status_code in (200, 304)
        response.headers["Cache-Control"] = _FOR_EVER if kept else _ASK_AGAIN
        return response


async def not_built(scope: Scope, receive: Receive, send: Send) -> None:
    """Stands in for the page when there is no build."""
    sentence = "The page is not built yet. Run scripts/setup, then start again.\n"
    await PlainTextResponse(sentence, status_code=503)(scope, receive, send)
