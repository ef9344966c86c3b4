"""docs/reference/metrics.md: every metric, from metrics/catalogue.py."""

from dropcast.metrics.catalogue import GROUPS
from dropcast.specs.tables import code, page, table


def render() -> str:
    parts = []
    for title, metrics in GROUPS.items():
        rows = [
            (code(metric.name), metric.kind.value, ", ".join(map(code, metric.labels)), metric.help)
            for metric in metrics
        ]
        parts += [f"## {title}", table(("metric", "kind", "labels", "what it says"), rows)]
    return page(
        "Metrics",
        "server/dropcast/metrics/catalogue.py",
        "With `--metrics-port 9470` the supervisor serves them at `http://127.0.0.1:9470/metrics`, for Prometheus; "
        "`--metrics-host` names another address. Whoever reaches that port may read them: it asks for no token. "
        "`docs/grafana/dropcast.json` is a dashboard for Grafana that shows all of them.",
        "Counters and histograms are sums over the workers, up to half a second old. What a worker counted stays in "
        "the sums when it dies, but for the half second before, so a counter never falls while the supervisor lives; "
        "its gauges go with it. Several servers on one engine each tell their own, except for `dropcast_engine_*` "
        "of the engine itself and `dropcast_holds_open`, which every one of them tells alike: take the `max` of "
        "those. Times are in seconds.",
        *parts,
    )
