"""The names that people know a job's states by."""

from __future__ import annotations

from warmcast.jobs.v1 import jobs_pb2


def status_name(status: jobs_pb2.JobStatus.ValueType) -> str:
    """`queued`, `running`, `ready`, `failed` or `cancelled`."""
    return jobs_pb2.JobStatus.Name(status).removeprefix("JOB_STATUS_").lower()
