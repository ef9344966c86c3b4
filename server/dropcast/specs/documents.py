"""All generated documents, by their path in the repository."""

from pathlib import Path

import msgspec

from dropcast.specs import (
    asyncapi,
    codes_page,
    commands_page,
    golden,
    grafana,
    http_page,
    limits_page,
    metrics_page,
    openapi,
    settings_page,
)
from dropcast.specs.schemas import Schema

OPENAPI = "client_sdk/spec/openapi.json"
ASYNCAPI = "client_sdk/spec/asyncapi.json"
REFERENCE = "docs/reference"
LIMITS = "docs/limits.md"
GRAFANA = "docs/grafana/dropcast.json"


def documents(root: Path) -> dict[str, str]:
    """Return the text of each document, by its path under `root`, the root of the repository.

    Nothing is written; read are only the golden frames, which are the examples of the socket's messages.
    """
    http = openapi.document()
    return {
        OPENAPI: _text(http),
        ASYNCAPI: _text(asyncapi.document(golden.read(root))),
        f"{REFERENCE}/codes.md": codes_page.render(),
        f"{REFERENCE}/command-line.md": commands_page.render(),
        f"{REFERENCE}/http.md": http_page.render(http),
        f"{REFERENCE}/metrics.md": metrics_page.render(),
        f"{REFERENCE}/settings.md": settings_page.render(),
        LIMITS: limits_page.render(),
        GRAFANA: _text(grafana.dashboard()),
    }


def _text(document: Schema) -> str:
    return msgspec.json.format(msgspec.json.encode(document), indent=2).decode() + "\n"
