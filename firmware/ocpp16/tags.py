# Cold: what a tag does that is presented, or named by the central system (AUTH rows).
#
# An authorisation under way is cp.auth: (tag, connector number or 0). One that waits for a cable in any connector is
# cp.unbound: (tag, parent, deadline).
from ocpp16.authorization import ASK, START, decide
from ocpp16.connector import same
import cold
import ticks

_MAX_TAG = 20
_RESERVATIONS = "ocpp16.reservations"


def present(cp, tag, now):
    """A tag was read."""
    if not 0 < len(tag) <= _MAX_TAG:
        cp.log.warning("ocpp", "a tag of %d characters is not one of OCPP" % len(tag))
        return
    if cp.busy:
        return
    if cp.settings.get("MasterTag") and cold.call("ocpp16.local_learning", "present", cp, tag, now):
        return
    for c in cp.connectors:
        if c.transaction and same(c.transaction.tag, tag):  # AUTH-11
            c.stop("Local", tag)
            return
        if c.release(tag):
            return
        if c.tag and same(c.tag, tag):  # AUTH-14
            c.cancel()
            return
    if cp.unbound and same(cp.unbound[0], tag):
        cp.unbound = None
        return
    settle(cp, (tag, 0), cp.accepted)


def remote_start(cp, number, tag, now):
    """Authorise `tag` for connector `number` as the central system asked."""
    c = cp.connectors[number - 1]
    allowed, reservation = _claim(cp, c, tag, None)
    if not allowed or cp.settings.get("AuthorizeRemoteTxRequests"):  # not allowed: its parent is to be found out (RES-10)
        settle(cp, (tag, number), cp.accepted)
    else:
        c.authorise(tag, None, reservation, now)


def settle(cp, auth, online):
    """Decide an authorisation: here and now, or by asking."""
    if cp.reservations and not cold.call(_RESERVATIONS, "usable", cp, auth[0], auth[1]):
        cp.auth = None
        cp.log.info("ocpp", "tag refused: reserved")
        return
    verdict, parent = decide(cp, auth[0], online)
    cp.auth = auth if verdict == ASK else None
    if verdict == START:
        authorised(cp, auth, parent)
    elif verdict != ASK:
        cp.log.info("ocpp", "tag refused")


def answered(cp, auth, answer):
    """Authorize was answered, or not (AUTH-17)."""
    if not answer:
        settle(cp, auth, False)
        return
    cp.auth = None
    info = answer["idTagInfo"]
    cp.learn(auth[0], info)
    if info["status"] == "Accepted":
        authorised(cp, auth, info.get("parentIdTag"))
    else:
        cp.log.info("ocpp", "tag refused: " + info["status"])


def authorised(cp, auth, parent):
    tag, number = auth
    now = cp.clock.now_ms()
    if number:
        _authorise(cp, cp.connectors[number - 1], tag, parent, now)
        return
    for c in cp.connectors:
        tx = c.transaction
        if tx and parent and tx.parent and same(tx.parent, parent):  # AUTH-12
            c.stop("Local", tag)
            return
        if parent and c.release(tag, parent):
            return
    c = choose(cp, tag, parent)
    if c:
        _authorise(cp, c, tag, parent, now)
    elif choose(cp, tag, parent, False):
        cp.unbound = (tag, parent, ticks.add(now, cp.settings.get("ConnectionTimeOut") * 1000))


def _authorise(cp, c, tag, parent, now):
    """Let the tag begin there if the connector is free for it."""
    allowed, reservation = _claim(cp, c, tag, parent)
    if allowed:
        c.authorise(tag, parent, reservation, now)
    return allowed


def _claim(cp, c, tag, parent):
    """(may the tag begin there, id of the reservation that it uses or None)."""
    if not c.free or not cp.reservations:
        return c.free, None
    return cold.call(_RESERVATIONS, "claim", cp, c, tag, parent)


def choose(cp, tag, parent, sure=True):
    """The connector that a tag without a place is for (AUTH-22): the only free one with a cable, the one that is reserved for
    it, or the only free one. None where that does not decide; with sure=False, any free one."""
    free = [c for c in cp.connectors if _claim(cp, c, tag, parent)[0]]
    plugged = [c for c in free if c.plugged]
    if len(plugged) == 1:
        return plugged[0]
    for c in free:
        if c.reserved and _claim(cp, c, tag, parent)[1] is not None:
            return c
    if len(free) == 1 or (free and not sure):
        return free[0]
    return None


def bind(cp, now):
    """Give an authorisation that waits for a cable to the connector that got one."""
    tag, parent, deadline = cp.unbound
    if ticks.diff(now, deadline) >= 0:
        cp.unbound = None
        return
    for c in cp.connectors:
        if c.plugged and _authorise(cp, c, tag, parent, now):
            cp.unbound = None
            return
