# Cold: a master tag puts the tag that is presented after it on the local list, or takes it off again: for boxes without a central
# system. Ours, not OCPP's, and off unless MasterTag is set, which can only be done locally.
from ocpp16 import local_list
from ocpp16.connector import same
import cold
import ticks

_WAIT_MS = 30000  # from the master tag to the other one


def present(cp, tag, now):
    """True if the tag was meant so: the master, or one to be learned."""
    master = same(tag, cp.settings.get("MasterTag"))
    learning, cp.learning = cp.learning, None
    waits = learning is not None and ticks.diff(now, learning) < 0
    if master:
        if not waits:  # the master twice: never mind
            cp.learning = ticks.add(now, _WAIT_MS)
        cp.log.info("ocpp", "master tag: " + ("never mind" if waits else "present the tag to learn or to forget"))
    elif waits:
        _toggle(cp, tag)
    return master or waits


def _toggle(cp, tag):
    known = local_list.find(cp, tag)
    what = "forgotten" if known else "learned"
    try:
        entry = {"idTag": tag} if known else {"idTag": tag, "idTagInfo": {"status": "Accepted"}}
        entry = cold.call("ocpp16.local_list_entries", "packed", entry)
        if not entry:
            raise ValueError("it is too long")
        # The version stays: a central system that sends lists finds what it expects.
        cold.call("ocpp16.local_auth_list", "replace", cp, max(1, local_list.version(cp)), (0, [entry]), False)
    except (OSError, ValueError) as e:
        what = "not %s: %r" % (what, e)
    cp.log.info("ocpp", "tag %s: %s" % (tag, what))
