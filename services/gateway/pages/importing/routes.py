"""The import page: choose files, see what was read, confirm."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response
from warmcast.jobs.v1 import jobs_pb2

from services.common import errors
from services.common.comparison import ComparisonKey
from services.common.errors import WarmcastError
from services.gateway.http.representation import Representation
from services.gateway.pages.importing.entered import Entered, confirmed
from services.gateway.pages.importing.preview import preview
from services.gateway.pages.importing.sample import SAMPLE, sample_csv
from services.gateway.pages.links import Links
from services.gateway.pages.rendering import Content
from services.gateway.pages.site import Site, see_other
from services.gateway.pages.words import TIMEFRAMES
from services.gateway.premium.cache import AnswerCache
from services.gateway.upstream.clients import Jobs

_NO_STORE = {"cache-control": "no-store"}
# Errors of the data or of a dependency are shown above the form, which keeps what was entered.
_ABOVE_THE_FORM = (400, 409, 413, 415, 422, 503, 504)
_ADVICE = {
    errors.UNREADABLE_INPUT: "Correct the file or export it again. Then choose it again.",
    errors.TOO_LARGE: "Nothing was stored. Export fewer terms or a shorter time.",
    errors.DATA_MISMATCH: "Nothing was stored.",
    errors.SERVICE_OUTDATED: "Nothing was stored. Send the form again after the update.",
    errors.UNAVAILABLE: "Nothing was stored. Send the form again.",
    errors.DEADLINE_EXCEEDED: "Send the form again. Data that are stored already are not stored twice.",
}
_SETTINGS = {"tf": "Timeframe", "geo": "Place", "asOf": "Exported at", "charset": "Charset"}  # by parameter
_SHOWN_COLUMNS = 100  # a file may have more that are not read


@dataclass(frozen=True)
class ImportPages:
    """The form, its preview, and storing what the preview showed."""

    site: Site
    jobs: Jobs
    answers: AnswerCache
    secret: str  # that jobs accepts; empty where none is configured

    async def form(self, request: Request) -> Response:
        """The form for logins that may write; for others, what it does."""
        return self._form(request, Entered())

    async def preview(self, request: Request) -> Response:
        """What was read of the files. Nothing is stored."""
        entered = Entered()
        try:
            upload = await self.site.write_upload(request)
            entered = Entered.of(upload)
            message = entered.message(upload.files)
            read = preview(await self.jobs.preview(message, self.secret), entered)
        except WarmcastError as error:
            return self._refused(request, entered, error)
        main = self.site.templates.render(
            "importing/preview.html",
            preview=read,
            shown_columns=_SHOWN_COLUMNS,
            **self._form_values(request, entered),
        )
        return self.site.respond(request, _content("Preview of an import", main), headers=_NO_STORE)

    async def confirm(self, request: Request) -> Response:
        """Stores the files, if they are those of the preview, and leads to the comparison."""
        entered = Entered()
        try:
            upload = await self.site.write_upload(request)
            entered = Entered.of(upload)
            message, data_hash = confirmed(upload)
            operator = self.site.require_writer(request).name
            return self._stored(await self.jobs.ingest_previewed(message, data_hash, self.secret, operator=operator))
        except WarmcastError as error:
            return self._refused(request, entered, error)

    async def sample(self, request: Request) -> Response:
        """A sample export."""
        headers = {"cache-control": "max-age=86400", "content-disposition": f'attachment; filename="{SAMPLE}"'}
        return Representation(sample_csv(), headers, "text/csv").respond(request.scope["headers"])

    async def open_sample(self, request: Request) -> Response:
        """Stores the sample and leads to its comparison."""
        await self.site.write_form(request)
        message = jobs_pb2.IngestSnapshotRequest()
        message.files.files.add(name=SAMPLE, content=sample_csv())
        operator = self.site.require_writer(request).name
        return self._stored(await self.jobs.ingest(message, self.secret, operator=operator))

    def _stored(self, stored: jobs_pb2.IngestSnapshotResponse) -> Response:
        key = ComparisonKey(stored.slug, stored.timeframe, stored.geo)
        self.answers.invalidate(key)
        return see_other(Links.of(key).page)

    def _refused(self, request: Request, entered: Entered, error: WarmcastError) -> Response:
        status = error.reason.http_status
        if status not in _ABOVE_THE_FORM:
            raise error
        return self._form(request, entered, error, status)

    def _form(
        self, request: Request, entered: Entered, error: WarmcastError | None = None, status: int = 200
    ) -> Response:
        session = self.site.sessions.read(request)
        main = self.site.templates.render(
            "importing/form.html",
            error=error,
            advice=_advice(error) if error else "",
            setting=_setting(error) if error else "",
            logged_in=session is not None,
            may_write=session is not None and session.may_write,
            login=self.site.sessions.configured,
            **self._form_values(request, entered),
        )
        headers = dict(_NO_STORE)
        if error and error.retry_after:
            headers["retry-after"] = f"{error.retry_after:.0f}"
        return self.site.respond(request, _content("Import", main), status, headers)

    def _form_values(self, request: Request, entered: Entered) -> dict[str, object]:
        session = self.site.sessions.read(request)
        return {
            "entered": entered,
            "timeframes": TIMEFRAMES,
            "max_bytes": self.site.bounds.max_bytes,
            "token": self.site.sessions.form_token(session) if session else "",
        }


def _setting(error: WarmcastError) -> str:
    """What the form calls the parameter that an error is about; empty for what is not among its settings."""
    return next((_SETTINGS[name] for name, _ in error.fields if name in _SETTINGS), "")


def _advice(error: WarmcastError) -> str:
    if setting := _setting(error):
        return f"In this form, that is “{setting}”."
    return _ADVICE.get(error.reason, "")


def _content(title: str, main: Markup) -> Content:
    description = "Import a Google Trends export of two search terms."
    return Content(title, main, description, path="/import", script="import.js", style="import.css")
