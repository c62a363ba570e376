# A clock that certificates can be checked with, before the central system has told the time.
#
# In this order: SNTP where a server is set; what the clock showed when we were last connected, and never before the build;
# the Date of a server whose certificate is not valid yet by that. Cold: for one attempt to connect.
# A time that is only a bound is lent to the clock of the chip for the handshake, so that nothing is stamped with it.
import asyncio
import json

import cold

_FILE = "clock"  # of the store: UTC, as seconds since 2000
_BUILD = cold.HERE + "/build.json"
_DAY_S = 86400
_MONTHS = "JanFebMarAprMayJunJulAugSepOctNovDec"
_HEAD = 2048


def _least(cp):
    """The latest time that is known to be past."""
    try:
        with open(_BUILD) as f:
            least = json.load(f)["date"]
    except (OSError, KeyError, ValueError):
        least = 0
    kept = cp.store.read(_FILE)
    if kept and kept.isdigit():
        least = max(least, int(kept))
    return least


def remember(cp):
    """The central system has accepted us, so the clock is right: keep what it shows."""
    utc = cp.clock.utc()
    if utc is not None and utc > _least(cp) + _DAY_S:
        cp.store.write(_FILE, b"%d" % utc)


async def prepare(cp, log):
    """Make the clock of the chip, which is unknown, show a time at or after the build."""
    least = _least(cp)
    server = cp.settings.get("SntpServer")
    if server:
        try:
            utc = await cold.load("sntp").ask(server)
            if utc >= least:
                _set(cp, utc)
                return
            log.warning("link", "%s: a time in the past" % server)
        except (OSError, ValueError) as e:
            log.warning("link", "%s: no time: %s" % (server, e))
        finally:
            cold.drop("sntp")
    cp.clock.lend(least)


def heard(cp, head):
    """The answer to a handshake, good or not: its Date is taken while the time is unknown."""
    utc = date(head)
    if utc is not None and utc >= _least(cp):
        _set(cp, utc)


async def ask_server(cp, log, link, host, port):
    """Lend the clock the Date of the server itself, unverified, if that is later than what it shows."""
    connect = cold.load("tlsclient").connect
    cold.drop("tlsclient")
    stream = await connect(await link.socket(host, port), host, verify=False, hook=link.hook)
    try:
        stream.write(b"HEAD / HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n" % host.encode())
        await stream.drain()  # type: ignore
        head = b""
        while len(head) < _HEAD and b"\r\n\r\n" not in head:
            data = await asyncio.wait_for(stream.read(512), 10)  # type: ignore
            if not data:
                break
            head += data
    finally:
        await stream.wait_closed()
    utc = date(head)
    if utc is not None and utc > _least(cp):
        log.info("link", "clock unknown: using the date of " + host)
        cp.clock.lend(utc)


def _set(cp, utc):
    cp.clock.set_utc(utc)
    cp.transactions.synced()


def date(head):
    """Seconds since 2000 of the Date in the head of an HTTP answer, or None."""
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"date":
            try:
                # Sun, 22 Nov 2026 10:00:00 GMT
                _, day, month, year, time, zone = value.decode().split()
                month = _MONTHS.find(month)
                if zone == "GMT" and month >= 0 and month % 3 == 0:
                    return cold.call("iso8601", "parse", "%s-%02d-%sT%sZ" % (year, month // 3 + 1, day, time))
            except ValueError:
                pass
    return None
