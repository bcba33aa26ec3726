"""JobStatus to and from its protobuf enumeration."""

from __future__ import annotations

from collections.abc import Mapping

from warmcast.jobs.v1 import jobs_pb2 as pb

from services.common.job_status import JobStatus

TO_PROTO: Mapping[JobStatus, pb.JobStatus.ValueType] = {
    status: pb.JobStatus.Value(f"JOB_STATUS_{status.name}") for status in JobStatus
}
FROM_PROTO: Mapping[pb.JobStatus.ValueType, JobStatus] = {number: status for status, number in TO_PROTO.items()}


def status_name(status: pb.JobStatus.ValueType) -> str:
    """The state's name in lower case; `unspecified` where the message has none."""
    return pb.JobStatus.Name(status).removeprefix("JOB_STATUS_").lower()
