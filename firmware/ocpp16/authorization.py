# Cold: may this tag charge? Decided from what is on flash, or by asking the central system (AUTH rows).
#
# The local list goes before the authorization cache; each is a cold module that is loaded for its part of the question only,
# because the memory for all of them at once is not there.
import os

import cold

START = 0
ASK = 1
REFUSE = 2

_CACHE = "ocpp16.authorization_cache"
_VALID = ("Accepted", "ConcurrentTx")


def decide(cp, tag, online):
    """(START, ASK or REFUSE, parentIdTag or None) for a tag that is presented."""
    get = cp.settings.get
    status, parent = known(cp, tag)
    if online:
        return (START if get("LocalPreAuthorize") and status == "Accepted" else ASK), parent
    if not cp.known:  # this central system never accepted us (CORE-BOOT-11)
        return REFUSE, None
    if status and status != "Accepted":  # AUTH-06
        return REFUSE, None
    if status and get("LocalAuthorizeOffline"):
        return START, parent
    return (START if get("AllowOfflineTxForUnknownId") else REFUSE), parent


def known(cp, tag):
    """(status or None, parentIdTag or None) of a tag by what is on flash (AUTH-04)."""
    info = _listed(cp, tag)
    if not info and cp.settings.get("AuthorizationCacheEnabled"):
        info = cold.call(_CACHE, "find", cp, tag)
    return (_status(cp, info), info[2]) if info else (None, None)


def _listed(cp, tag):
    """(status, expiryDate or 0, parentIdTag or None) by the local list, in which ConcurrentTx is valid (AUTH-23), or None."""
    if not cp.settings.get("LocalAuthListEnabled"):
        return None
    try:
        os.stat(cp.store.path("locallist"))
    except OSError:  # mostly there is none: its module stays where it is
        return None
    info = cold.call("ocpp16.local_list", "find", cp, tag)
    return ("Accepted", info[1], info[2]) if info and info[0] in _VALID else info


def _status(cp, info):
    utc = cp.clock.utc()
    return "Expired" if info[1] and utc is not None and utc >= info[1] else info[0]  # AUTH-07


def received(cp, tag, info):
    """Remember an idTagInfo of the central system (AUTH-08), unless the local list knows the tag."""
    listed = _listed(cp, tag)
    if listed:
        if (_status(cp, listed) == "Accepted") != (info["status"] in _VALID):  # AUTH-20
            station = cp.statuses.current(0)[0]
            cp.statuses.notice(0, (station, "LocalListConflict", None, None), cp.clock.utc())
    elif cp.settings.get("AuthorizationCacheEnabled"):
        cold.call(_CACHE, "put", cp, tag, info)
