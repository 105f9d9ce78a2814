"""The store of alerts where it must be there already: whoever only reads must not make an empty one."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from schemas.settings import Settings
from sinks.alerts.service import open_store
from sinks.store.engine import StoreNotReadyError, sqlite_url
from sinks.store.store import Store


def existing_store(settings: Settings) -> Store:
    """The store that the settings name. Raises StoreNotReadyError where its file is not there; none is made."""
    file = _file_of(settings.store_url or sqlite_url(settings.data_dir))
    if file is not None and not file.is_file():
        where = "set NTK_DATA_DIR or NTK_STORE_URL, or run it beside the console"
        raise StoreNotReadyError(f"no store at {file}: {where}")
    return open_store(settings)


def _file_of(url: str) -> Path | None:
    """None: it is no file of this machine, or no address at all, which opening it says better."""
    try:
        found = make_url(url)
    except ArgumentError:
        return None
    is_file = found.get_backend_name() == "sqlite" and found.database
    return Path(found.database).absolute() if is_file and found.database else None
