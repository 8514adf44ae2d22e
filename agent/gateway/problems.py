"""What a request gets when it cannot be served: one sentence for a person, never a stack trace.

Every error body of the gateway is `{"detail": "<sentence>", "code": "<its name>"}`, without the
code where no page meets it; the reason behind it is in the log.
"""

import logging

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from avatar.errors import Sentence, code_of

logger = logging.getLogger(__name__)

CRASHED = Sentence("crashed", "Something went wrong on this server. Its log says what.")
_SENTENCES = {
    404: "There is nothing at this address.",
    405: "This address does not take that kind of request.",
}


class Problem(Exception):
    """A request that is refused. `sentence` says what happened and what to do; a Sentence where a
    page may meet it."""

    def __init__(self, status: int, sentence: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(sentence)
        self.status, self.sentence, self.retry_after_s = status, sentence, retry_after_s


def reply(status: int, sentence: str, headers: dict[str, str] | None = None) -> JSONResponse:
    """The body every refusal has."""
    kept = {"Cache-Control": "no-store", **(headers or {})}
    return JSONResponse({"detail": sentence, **coded(sentence)}, status_code=status, headers=kept)


def coded(sentence: str) -> dict[str, str]:
    """`code` for a body, where the sentence has one."""
    return {"code": code} if (code := code_of(sentence)) else {}


async def _on_problem(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, Problem)
    headers = {}
    if error.retry_after_s is not None:
        headers["Retry-After"] = str(max(1, round(error.retry_after_s + 0.5)))
    return reply(error.status, error.sentence, headers)


async def _on_http(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    sentence = _SENTENCES.get(error.status_code, "This request cannot be answered.")
    return reply(error.status_code, sentence, dict(error.headers or {}))


async def _on_invalid(_: Request, __: Exception) -> JSONResponse:
    return reply(422, "Something in this request has the wrong form.")


async def _on_crash(request: Request, error: Exception) -> JSONResponse:
    logger.error("request failed", extra={"path": request.url.path}, exc_info=error)
    return reply(500, CRASHED)


def install(app: FastAPI) -> None:
    """Answer every error of `app` in this form."""
    app.add_exception_handler(Problem, _on_problem)
    app.add_exception_handler(HTTPException, _on_http)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(Exception, _on_crash)
