"""What the tables in SQLAlchemy share."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, DateTime, Identity, MetaData, func

# Fixed names for constraints without an explicit one, so that migrations can refer to them.
metadata = MetaData(
    naming_convention={
        "pk": "%(table_name)s_pkey",
        "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
        "uq": "%(table_name)s_%(column_0_N_name)s_key",
        "ck": "%(table_name)s_%(constraint_name)s_check",
    }
)


def moment(name: str, *, nullable: bool = True) -> Column[object]:
    """A time; by default that of the insertion unless `nullable`."""
    default = None if nullable else func.now()
    return Column(name, DateTime(timezone=True), nullable=nullable, server_default=default)


def identity() -> Column[int]:
    """The primary key of rows that PostgreSQL numbers."""
    return Column("id", BigInteger, Identity(always=True), primary_key=True)
