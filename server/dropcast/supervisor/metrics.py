"""The supervisor's side of the metrics: a sheet of memory for each worker, and the page that adds all of them up.

A worker that ends leaves its counters to the ledger, so that totals never fall, and takes its gauges with it.
"""

from collections.abc import Iterable

from dropcast import __version__
from dropcast.metrics import counts
from dropcast.metrics.catalogue import CATALOGUE
from dropcast.metrics.ledger import Family, Ledger, Sample
from dropcast.metrics.sharing import Sheet
from dropcast.metrics.text import render
from dropcast.metrics.values import plain
from dropcast.store.keys import Keys
from dropcast.supervisor.probe import Probe

_SUPERVISOR = "supervisor"
_OWN = {metric.name: metric for metric in CATALOGUE if not metric.field}


class Metrics:
    def __init__(self, workers: Iterable[str], engine_url: str, keys: Keys) -> None:
        self._sheets = {name: Sheet.make() for name in workers}
        self._up = dict.fromkeys(self._sheets, False)
        self._starts = dict.fromkeys(self._sheets, 0)
        self._ledger = Ledger()
        self._probe = Probe(engine_url, keys)

    def descriptor(self, name: str) -> int:
        """Return where the worker is to write; it begins anew."""
        self._starts[name] += 1
        return self._sheets[name].descriptor

    def ready(self, name: str) -> None:
        """A child accepts connections; one that is no worker does not matter here."""
        if name in self._up:
            self._up[name] = True

    def ended(self, name: str) -> None:
        """A child's process is no more: nobody writes on its sheet."""
        if name not in self._up:
            return
        self._up[name] = False
        self._ledger.end(name, self._sheets[name].read())
        self._sheets[name].clear()

    async def page(self) -> str:
        """Return the page that Prometheus reads."""
        found = await self._probe.ask()
        counted = {name: sheet.read() for name, sheet in self._sheets.items()}
        # The supervisor's own lines may have been dropped as well.
        counted[_SUPERVISOR] = {"log_lines_dropped": plain(counts.log_lines_dropped)}
        families = self._ledger.families(counted)
        return render([*families, *self._own(found.as_samples())])

    async def close(self) -> None:
        for sheet in self._sheets.values():
            sheet.close()
        await self._probe.close()

    def _own(self, probed: dict[str, list[Sample]]) -> Iterable[Family]:
        names = list(self._sheets)
        samples = {
            "dropcast_worker_up": [Sample((name,), self._up[name]) for name in names],
            "dropcast_worker_restarts_total": [
                Sample((name,), max(0, self._starts[name] - 1)) for name in names
            ],
            "dropcast_build_info": [Sample((__version__,), 1)],
            **probed,
        }
        return [Family(metric, samples.get(name, [])) for name, metric in _OWN.items()]
