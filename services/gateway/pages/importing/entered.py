"""What a reader entered in the import form, besides the files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from starlette.datastructures import QueryParams
from warmcast.jobs.v1 import jobs_pb2

from services.common.comparison import invalid
from services.gateway.routes.requests import parameters
from services.gateway.routes.requests.uploads import Form, check_files

_MAX_SHOWN = 200  # characters of a field that are shown again


@dataclass(frozen=True)
class Entered:
    """Texts as they were sent, to be shown again. Empty ones are inferred from the file."""

    timeframe: str = ""
    geo: str = ""
    as_of: str = ""
    charset: str = ""
    terms: tuple[str, ...] = ()
    must_choose: bool = False  # whether the file has other terms too

    @classmethod
    def of(cls, form: Form) -> Entered:
        """The fields of a form."""
        fields = dict(form.fields)
        names = ("tf", "geo", "asOf", "charset")
        timeframe, geo, as_of, charset = (fields.get(name, "").strip()[:_MAX_SHOWN] for name in names)
        terms = tuple(value for name, value in form.fields if name == "term")
        return cls(timeframe, geo, as_of, charset, terms, must_choose="mustChoose" in fields)

    @property
    def fields(self) -> list[tuple[str, str]]:
        """Name and value of each field, to be sent again."""
        single = [("tf", self.timeframe), ("geo", self.geo), ("asOf", self.as_of), ("charset", self.charset)]
        return single + [("term", term) for term in self.terms]

    def message(self, files: Sequence[jobs_pb2.TrendsFile]) -> jobs_pb2.IngestSnapshotRequest:
        """The request to read these files. Raises INVALID_ARGUMENT that names the field."""
        check_files(files)
        if len(self.terms) != 2 and (self.terms or self.must_choose):
            raise invalid("term", f"choose two terms, not {len(self.terms)}")
        query = QueryParams(self.fields)
        as_of = parameters.as_of(query)
        message = jobs_pb2.IngestSnapshotRequest(timeframe=parameters.timeframe(query) or "", terms=self.terms)
        if self.geo:
            message.geo = parameters.agreed_geo(self.geo) or ""
        if as_of is not None:
            message.as_of.FromDatetime(as_of)
        message.files.files.extend(files)
        for file in message.files.files:
            file.charset = self.charset.lower() or file.charset
        return message


def confirmed(form: Form) -> tuple[jobs_pb2.IngestSnapshotRequest, str]:
    """The request to store what a preview showed, with its time of the data, and its hash."""
    message = Entered.of(form).message(form.files)
    query = QueryParams(list(form.fields))
    previewed_at, data_hash = parameters.as_of(QueryParams(asOf=query.get("previewedAt", ""))), query.get("dataHash")
    if previewed_at is None or not data_hash:
        raise invalid("dataHash", "there was no preview of these data; choose the file and preview it first")
    message.as_of.FromDatetime(previewed_at)
    return message, data_hash
