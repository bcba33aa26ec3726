"""Style sheets, scripts and images under names that hold their hash, so that browsers may keep them for ever."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

from services.common import errors
from services.common.errors import WarmcastError
from services.gateway.http.representation import Representation

PATH = "/assets/"
_FOLDER = Path(__file__).parent / "assets"
_MEDIA_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
_IMMUTABLE = {"cache-control": "public, max-age=31536000, immutable"}
_IMPORT = re.compile(rb'(?<=["(])\./([a-z-]+\.(?:js|css|svg))(?=[")])')
_HASH_CHARACTERS = 12


class Assets:
    """The files of one folder. A reference from one file to another, `./name.js`, becomes the hashed name."""

    def __init__(self, folder: Path = _FOLDER) -> None:
        self._folder = folder
        self._hashed: dict[str, str] = {}
        self._files: dict[str, Representation] = {}
        for path in sorted(folder.iterdir()):
            if path.suffix in _MEDIA_TYPES:
                self._add(path.name, ())

    def url(self, name: str) -> str:
        """The address of a file. Raises KeyError for an unknown one."""
        return PATH + self._hashed[name]

    async def serve(self, request: Request) -> Response:
        """One file by its hashed name."""
        found = self._files.get(request.path_params["name"])
        if found is None:
            raise WarmcastError(errors.NOT_FOUND, "unknown asset; reload the page that names it")
        return found.respond(request.scope["headers"])

    def _add(self, name: str, importers: tuple[str, ...]) -> str:
        """Adds a file after those that it refers to, and returns its hashed name."""
        if name in importers:
            raise ValueError(f"assets refer to each other in a circle: {' → '.join((*importers, name))}")
        if name not in self._hashed:
            path = self._folder / name
            content = _IMPORT.sub(
                lambda found: b"./" + self._add(found[1].decode(), (*importers, name)).encode(), path.read_bytes()
            )
            digest = hashlib.sha256(content).hexdigest()[:_HASH_CHARACTERS]
            self._hashed[name] = f"{path.stem}.{digest}{path.suffix}"
            self._files[self._hashed[name]] = Representation(content, _IMMUTABLE, _MEDIA_TYPES[path.suffix])
        return self._hashed[name]
