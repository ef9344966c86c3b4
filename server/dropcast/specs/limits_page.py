"""docs/limits.md: every limit on what one client may cost, from limits.py."""

from dropcast.limits import GROUPS, HITS
from dropcast.settings import Settings
from dropcast.specs.tables import code, page, table

_DEFAULTS = Settings()


def render() -> str:
    parts = []
    for title, limits in GROUPS.items():
        rows = [
            (
                code(limit.setting),
                code(getattr(_DEFAULTS, limit.setting)),
                limit.per,
                limit.bounds,
                limit.beyond,
                code(limit.metric or f'{HITS}{{limit="{limit.setting}"}}'),
            )
            for limit in limits
        ]
        heads = ("setting", "default", "per", "what is bounded", "beyond it", "metric")
        parts += [f"## {title}", table(heads, rows)]
    return page(
        "Limits",
        "server/dropcast/limits.py",
        "What one client may cost is bounded. Each limit is a [setting](reference/settings.md) and is counted by a "
        "[metric](reference/metrics.md). A limit per worker, address or viewer is counted by each worker by itself: "
        "with N workers a client may reach up to N times as much. A limit per show that the engine keeps is exact "
        "over all workers.",
        *parts,
    )
