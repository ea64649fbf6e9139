"""Scripts, the style sheet and the icon: a fixed map of names, each with the hash of its bytes in it.

A new file of our own is one name in ``_OWN``. A file of others is an entry of ``assets/assets.json``, with
its npm package, version, licence and checksum.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from aws_lambda_powertools.event_handler.api_gateway import Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError

from functions.console.web import Router

router = Router()

FOLDER: Final = Path(__file__).with_name("assets")
_OWN: Final = ("console.css", "console.js", "form.js", "icon.svg")
_TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml; charset=utf-8",
}
_FOREVER: Final = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True)
class Asset:
    """A file that pages load.

    Attributes:
        name: in its address, with the hash: ``console.0a1b2c3d4e5f.css``.
        text: all assets are text, so the API needs no binary media types.
        media_type: of the answer.
    """

    name: str
    text: str
    media_type: str


@router.get("/assets/<name>")
def asset(name: str) -> Response[Any]:
    """Return an asset. Its name changes with its bytes, so browsers keep it for a year."""
    known = {item.name: item for item in assets().values()}.get(name)
    if known is None:
        raise NotFoundError
    return Response(200, known.media_type, known.text, {"Cache-Control": _FOREVER})


@cache
def assets() -> Mapping[str, Asset]:
    """Return all assets by the names of their files."""
    others = [entry["file"] for entry in json.loads((FOLDER / "assets.json").read_text())]
    return {file: _asset(FOLDER / file) for file in (*_OWN, *others)}


def _asset(path: Path) -> Asset:
    content = path.read_bytes()
    digest = hashlib.sha256(content).hexdigest()[:12]
    return Asset(f"{path.stem}.{digest}{path.suffix}", content.decode(), _TYPES[path.suffix])
