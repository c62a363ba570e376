"""Runs in the Unix port for pilotwire.bench.wear: erases of the flash in sessions of an hour, and on an idle day.

    wear.py SESSIONS    prints {"sessions": erases of all of them together, "day": erases}

The charge point of tests/firmware on a flash of its own with LittleFS, ledgers and log as a board has them; this script says what
the electrical side does, and what it logs. In steps of a second.
"""

import json
import sys

import vfs
from flashlog import FlashLog
from large_orders import check
from ledger import Ledger
from nor import Nor, Region
from ocpp_bench import Bench
from store import Store

_HOUR_S = 3600
_WH_S = 6  # 21.6 kW
_IDLE_S = 5  # app._IDLE_TICKS
_FILES, _LOG = 64, 5  # sectors


def files():
    """LittleFS on a flash of its own, as the chip mounts it."""
    nor = Nor(bytearray(b"\xff" * (4096 * _FILES)))
    region = Region(nor, 0, _FILES)
    vfs.VfsLfs2.mkfs(region, progsize=32, readsize=32, lookahead=32)
    vfs.mount(vfs.VfsLfs2(region, progsize=32, readsize=32, lookahead=32), "/flash")
    return nor


class Box:
    """The bench with everything on flash, and what of the app's loop writes."""

    def __init__(self):
        self._files = files()
        self._log = Nor(bytearray(b"\xff" * (4096 * _LOG)))
        self.bench = bench = Bench(sectors=9, events=4, MeterValueSampleInterval="60")
        bench.store = Store("/flash/data")
        bench.start()
        kept = Ledger(Region(self._log, 0, _LOG), (), 0, _LOG)
        bench.cp.log.kept = FlashLog(kept, bench.clock)
        bench.connect()
        self._idle = 0

    @property
    def erases(self):
        return self.bench.nor.erases + self._files.erases + self._log.erases

    def seconds(self, count, wh=0):
        """Time passes, with so much energy a second."""
        bench, cp = self.bench, self.bench.cp
        [c] = cp.connectors
        for _ in range(count):
            c.energised = c.allowed
            if c.energised:
                c.energy_wh += wh
            cp.tick(bench.clock.ms)
            bench.exchange()
            bench.clock.advance(1000)
            bench._world_ms += 1000
            self._idle = 0 if c.energised else self._idle + 1
            if self._idle >= _IDLE_S:
                self._idle = 0
                if not cp.transactions.prepare():
                    cp.log.kept.prepare()
            for said in (bench.sent, bench.replies, bench.lines):
                del said[:-100]

    def session(self, tag):
        bench = self.bench
        [c] = bench.cp.connectors
        bench.plug()
        bench.cp.log.info("app", "tag " + tag)
        bench.present(tag)
        c.requesting = True
        self.seconds(_HOUR_S, _WH_S)
        check(c.transaction, c.status)
        bench.cp.log.info("app", "tag " + tag)
        bench.present(tag)
        c.requesting = False
        self.seconds(5)
        check(not c.transaction and not bench.cp.transactions.queued, bench.cp.transactions.queued)
        bench.unplug()
        self.seconds(60)


def main(sessions):
    box = Box()
    box.seconds(600)
    box.session("FIRST")  # what a new box does once
    before = box.erases
    for k in range(sessions):
        box.session(f"TAG{k % 7}")
    session, before = box.erases - before, box.erases
    box.seconds(24 * _HOUR_S)
    print(json.dumps({"sessions": session, "day": box.erases - before}))


main(int(sys.argv[1]))
