"""The addresses under /api/portraits: what there is, a photo in, a portrait out, one away.

A photo is the whole body of POST /api/portraits, with no form around it: nothing has to be parsed
before its size is known. Making takes seconds, so the answer is a job to ask about.
"""

import re
from typing import Final

from fastapi import FastAPI, Request, Response
from fastapi.responses import FileResponse
from pydantic import BaseModel

from agent.buckets import RateLimit
from agent.config import Settings
from agent.gateway import photos, portraits
from agent.gateway.guards import PhotoRule, refuse_foreign_pages, take_turn
from agent.gateway.jobs import CONSENT, Job, Jobs, State
from agent.gateway.portraits import PortraitCard
from agent.gateway.problems import Problem
from avatar.errors import Sentence, code_of

NO_CONSENT = Sentence(
    "no-consent",
    "Tick that this is you, or that you may use the photo. Without that no face is made.",
)
FOREIGN = Sentence("foreign-page", "Faces can only be made and deleted on this server's own page.")
WRONG_NAME = Sentence(
    "face-name", "A name is 1 to 40 small letters, digits and hyphens. Choose another."
)
TOO_OFTEN = Sentence(
    "photos-too-often", "Too many photos came from here. Wait a moment, then try again."
)

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_RESERVED: Final = frozenset({"jobs"})


class PortraitList(BaseModel):
    """The answer of GET /api/portraits. `refusal` says why no photo is taken; None: it is."""

    refusal: str | None
    consent: str
    """What somebody who gives a photo declares; it is kept in the pack."""
    max_bytes: int
    portraits: list[PortraitCard]


class Warned(BaseModel):
    """What could be better about a photo that was taken; `code` names the sentence."""

    code: str
    detail: str


class JobReply(BaseModel):
    """How far a photo is. `steps`: what was begun, the last is under way; `share` of it all, 0..1.

    `detail`: why it was refused, and the `code` of that. `portrait`: what it became.
    """

    id: str
    name: str
    state: State
    steps: list[str]
    share: float
    detail: str | None
    code: str
    warnings: list[Warned]
    portrait: PortraitCard | None


def add_portrait_routes(app: FastAPI, settings: Settings, rule: PhotoRule, jobs: Jobs) -> None:
    """Add the routes; `jobs` must be entered while the app runs."""
    _add_job_routes(app, rule, jobs)  # first: "jobs" is no portrait's name
    _add_read_routes(app, settings, rule)
    _add_photo_route(app, settings, rule, jobs)


def visible(settings: Settings, rule: PhotoRule, request: Request) -> tuple[str, ...]:
    """The portraits this request may name: those that ship, the one in the settings, own ones."""
    known = portraits.names(own=rule.refusal(request) is None)
    chosen = settings.portrait
    return (*known, chosen) if chosen in portraits.mine() and chosen not in known else known


def _add_read_routes(app: FastAPI, settings: Settings, rule: PhotoRule) -> None:
    @app.get("/api/portraits")
    def portraits_route(request: Request, response: Response) -> PortraitList:
        """The portraits there are, and whether a photo may become one."""
        response.headers["Cache-Control"] = "no-store"
        refusal = rule.refusal(request)
        return PortraitList(
            refusal=refusal,
            consent=CONSENT,
            max_bytes=photos.MAX_BYTES,
            portraits=portraits.listing(own=refusal is None),
        )

    def headers(name: str) -> dict[str, str]:
        who = "private" if name in portraits.mine() else "public"
        return {"Cache-Control": f"{who}, max-age=300"}

    @app.get("/api/portraits/{name}/poster")
    def poster_route(request: Request, name: str) -> Response:
        """The still picture of a portrait, WebP or PNG."""
        found, media_type = portraits.poster(name, visible(settings, rule, request))
        return Response(found, media_type=media_type, headers=headers(name))

    @app.get("/api/portraits/{name}/{kind}", response_class=FileResponse)
    def extra_route(request: Request, name: str, kind: str) -> FileResponse:
        """The preview clip (MP4), or the contact sheet (PNG) of one made from a photo."""
        path, media_type = portraits.extra(name, kind, visible(settings, rule, request))
        return FileResponse(path, media_type=media_type, headers=headers(name))

    @app.delete("/api/portraits/{name}", status_code=204)
    def delete_route(request: Request, name: str) -> None:
        """Delete one of one's own portraits; 403 for one that ships."""
        refuse_foreign_pages(request, FOREIGN)
        rule.require(request)
        portraits.delete(name)


def _add_photo_route(app: FastAPI, settings: Settings, rule: PhotoRule, jobs: Jobs) -> None:
    limit = RateLimit(burst=8, per_second=1 / 15)
    kinds = ("image/jpeg", "image/png", "image/webp")
    body = {"content": {kind: {"schema": {"format": "binary"}} for kind in kinds}}

    @app.post("/api/portraits", status_code=202, openapi_extra={"requestBody": body})
    async def photo_route(
        request: Request, name: str | None = None, consent: bool = False
    ) -> JobReply:
        """Make a portrait from the photo in the body; answers with the job that does it."""
        refuse_foreign_pages(request, FOREIGN)
        rule.require(request)
        take_turn(limit, request, TOO_OFTEN)
        if not consent:
            raise Problem(422, NO_CONSENT)
        # on the loop, although it reads folders: nobody may take the name in between
        chosen = _choose_name(name, jobs.names(), settings.max_portraits)
        with jobs.arrival(chosen) as job:
            jobs.start(job, await photos.receive(request, job.folder))
        return _reply(job)


def _choose_name(wanted: str | None, under_way: set[str], most: int) -> str:
    """A name that is free, and a place for it. Raises Problem when there is none."""
    if len(portraits.mine()) + len(under_way) >= most:
        sentence = f"There are {most} faces already. Delete one, then try again."
        raise Problem(409, Sentence("faces-full", sentence))
    taken = under_way | set(portraits.names(own=True)) | _RESERVED
    if not wanted:
        return portraits.free_name(taken)
    if not _NAME.fullmatch(wanted):
        raise Problem(422, WRONG_NAME)
    if wanted in taken:
        sentence = f"There is a face called {wanted} already. Choose another name."
        raise Problem(409, Sentence("face-name-taken", sentence))
    return wanted


def _add_job_routes(app: FastAPI, rule: PhotoRule, jobs: Jobs) -> None:
    @app.get("/api/portraits/jobs/{job_id}")
    def job_route(request: Request, response: Response, job_id: str) -> JobReply:
        """How far a photo is."""
        rule.require(request)
        response.headers["Cache-Control"] = "no-store"
        return _reply(jobs.find(job_id))

    @app.delete("/api/portraits/jobs/{job_id}", status_code=204)
    async def give_up_route(request: Request, job_id: str) -> None:
        """Give a photo up; one that is over stays as it is."""
        refuse_foreign_pages(request, FOREIGN)
        rule.require(request)
        await jobs.give_up(jobs.find(job_id))


def _reply(job: Job) -> JobReply:
    return JobReply(
        id=job.id,
        name=job.name,
        state=job.state,
        steps=list(job.steps),
        share=job.share,
        detail=job.detail,
        code=code_of(job.detail),
        warnings=[Warned(code=code_of(text), detail=text) for text in job.warnings],
        portrait=portraits.card(job.name) if job.state == "done" else None,
    )
