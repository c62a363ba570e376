# Reservations: a connector, or any connector, is kept for a tag or a group until they come, or until the time is over.
from ocpp_bench import Bench
import isoformat

LATER = 3600


def ready(connectors=1, **settings):
    b = Bench(connectors, **settings)
    b.connect()
    b.run(0)
    b.sent.clear()
    return b


def reserve(b, number=1, connector=1, tag="MINE", parent=None, seconds=LATER):
    payload = {
        "reservationId": number,
        "connectorId": connector,
        "idTag": tag,
        "expiryDate": isoformat.format(b.world_s + seconds),
    }
    if parent:
        payload["parentIdTag"] = parent
    status = b.call("ReserveNow", payload)["status"]
    b.run(0)
    return status


def cancel(b, number):
    status = b.call("CancelReservation", {"reservationId": number})["status"]
    b.run(0)
    return status


def remote(b, tag, number=None):
    payload = {"idTag": tag}
    if number:
        payload["connectorId"] = number
    status = b.call("RemoteStartTransaction", payload)["status"]
    b.run(0)
    b.run(0)
    return status


def starts(b):
    return [(p["connectorId"], p["idTag"], p.get("reservationId")) for p in b.payloads("StartTransaction")]


CASES_SESSION = [False, True]


# req: RES-01, RES-05, RES-12, TX-02
# Reserved, Preparing, a transaction that names the reservation; then it is used up. Also after a power cut.
def test_session(cut):
    b = ready()
    assert reserve(b, 0) == "Accepted"
    assert b.statuses() == ["Reserved"]
    if cut:
        b.reboot()
        b.sent.clear()
        b.connect()
        assert b.statuses() == ["Reserved"]
    b.present("mine")
    assert b.statuses()[-2:] == ["Reserved", "Preparing"] and len(b.payloads("Authorize")) == 1
    b.plug()
    b.charge(10)
    assert starts(b) == [(1, "mine", 0)]
    assert b.statuses()[-1] == "Charging" and b.cp.reservations == []
    b.present("mine")
    b.unplug()
    assert b.statuses()[-1] == "Available"
    b.plug()
    b.present("OTHER")
    assert starts(b)[1:] == [(1, "OTHER", None)]


# req: RES-02
# What is not Available is told as it is; another reservation is Occupied, even for the same tag.
def test_refused():
    b = ready()
    assert reserve(b, 1, 2) == "Rejected" and reserve(b, 1, -1) == "Rejected"
    assert reserve(b, 1, 1, seconds=-5) == "Rejected"
    assert reserve(b, 1) == "Accepted"
    assert reserve(b, 2) == "Occupied"
    assert cancel(b, 1) == "Accepted"
    c = b.cp.connectors[0]
    c.fault = "rcd"
    b.run(0)
    assert reserve(b, 1, 1, seconds=-5) == "Faulted"
    c.fault = None
    b.run(0)
    b.call("ChangeAvailability", {"connectorId": 1, "type": "Inoperative"})
    b.run(0)
    assert reserve(b) == "Unavailable"
    b.call("ChangeAvailability", {"connectorId": 1, "type": "Operative"})
    b.plug()
    assert reserve(b) == "Occupied"  # Preparing
    b.present("A")
    b.charge(5)
    assert reserve(b) == "Occupied"  # Charging
    b.present("A")
    assert b.statuses()[-1] == "Finishing" and reserve(b) == "Occupied"


# req: RES-03
# The same id replaces: another tag, and another connector, whose old one is Available again.
def test_replaced():
    b = ready(2)
    assert reserve(b, 7, 1) == "Accepted"
    assert reserve(b, 7, 1, "OTHER") == "Accepted"
    assert reserve(b, 7, 2, "OTHER") == "Accepted"
    assert b.statuses(1) == ["Reserved", "Available"] and b.statuses(2) == ["Reserved"]
    assert [entry[:2] for entry in b.cp.reservations] == [(7, 2)]


# req: RES-04
# Another tag is refused in silence when there is no parent.
def test_other_tag():
    b = ready()
    reserve(b)
    b.sent.clear()
    b.present("OTHER")
    b.plug()
    b.present("OTHER")
    b.run(2)
    assert b.sent == []


CASES_PARENT = [("GROUP", True), ("group", True), ("STRANGERS", False), (None, False)]


# req: RES-04, RES-11
# With a parent: it is found out by Authorize, or from what is known, and only the group may start.
def test_parent(parent, may):
    b = ready()
    reserve(b, 3, 1, "MINE", "Group")
    info = {"status": "Accepted"}
    if parent:
        info["parentIdTag"] = parent
    b.answers["Authorize"] = lambda payload: {"idTagInfo": info}
    b.present("OTHER")
    assert len(b.payloads("Authorize")) == 1
    assert b.statuses()[-1] == ("Preparing" if may else "Reserved")
    b.plug()
    b.run(1)
    assert starts(b) == ([(1, "OTHER", 3)] if may else [])


# req: RES-11, RES-04
# Offline only what is known counts: without a parent it stays Reserved, the tag of the group starts.
def test_offline():
    b = ready(AllowOfflineTxForUnknownId="true")
    entries = [{"idTag": "FRIEND", "idTagInfo": {"status": "Accepted", "parentIdTag": "GROUP"}}]
    b.call("SendLocalList", {"listVersion": 1, "updateType": "Full", "localAuthorizationList": entries})
    reserve(b, 3, 1, "MINE", "GROUP")
    b.disconnect()
    b.plug()
    b.present("OTHER")
    assert b.cp.connectors[0].transaction is None and b.cp.connectors[0].status == "Reserved"
    b.present("FRIEND")
    b.connect()
    b.run(1)
    assert starts(b) == [(1, "FRIEND", 3)]


# req: RES-05, AUTH-15
# Nobody plugs in: the reservation lives on, by way of Available.
def test_timeout():
    b = ready(ConnectionTimeOut="10")
    reserve(b)
    b.present("MINE")
    b.run(12)
    assert b.statuses() == ["Reserved", "Preparing", "Available", "Reserved"]
    b.present("MINE")
    b.plug()
    b.run(0)
    assert starts(b) == [(1, "MINE", 1)]


# req: RES-05
# The tag starts on another connector: the reservation of the first is neither used nor over.
def test_other_connector():
    b = ready(2)
    reserve(b, 4, 1)
    b.plug(2)
    b.present("MINE")
    b.run(1)
    assert starts(b) == [(2, "MINE", None)] and b.statuses(1) == ["Reserved"]
    # Without a cable it goes to the one that is reserved.
    b = None
    b = ready(2)
    reserve(b, 4, 2)
    b.present("MINE")
    assert b.statuses(2) == ["Reserved", "Preparing"] and b.statuses(1) == []


# req: RES-05, RES-10
# The cable is in already: still Reserved, Preparing when the right tag comes; pulled out, still Reserved.
def test_plugged():
    b = ready()
    reserve(b)
    b.plug()
    b.unplug()
    b.plug()
    b.run(70)
    assert b.statuses() == ["Reserved"]
    b.present("MINE")
    b.charge(5)
    assert b.statuses() == ["Reserved", "Preparing", "Charging"]
    assert starts(b) == [(1, "MINE", 1)]


# req: RES-06
# The time is over: Available by itself.
def test_expiry():
    b = ready()
    reserve(b, 1, 1, seconds=20)
    b.run(18)
    assert b.statuses() == ["Reserved"]
    b.run(4)
    assert b.statuses() == ["Reserved", "Available"] and "reservations" not in b.store.files


# req: RES-06, STAT-07
# It was over while there was no power, or no connection.
def test_expiry_in_the_dark():
    b = ready()
    reserve(b, 1, 1, seconds=20)
    b.disconnect()
    b.run(25)
    b.sent.clear()
    b.connect()
    assert b.statuses() == ["Available"]
    assert reserve(b, 1, 1, seconds=20) == "Accepted"
    b.cut()
    b._world_ms += 30000
    b.start()
    b.run(5)
    b.sent.clear()
    b.connect()
    b.run(1)
    assert b.statuses() == ["Available"] and "reservations" not in b.store.files


# req: RES-07
# Cancelled: Available; what is not known is Rejected; 0 is an id.
def test_cancel():
    b = ready()
    assert cancel(b, 0) == "Rejected"
    for number in (0, -5, 1 << 40):
        assert reserve(b, number) == "Accepted"
        assert cancel(b, number + 1) == "Rejected"
        assert cancel(b, number) == "Accepted"
    assert b.statuses() == ["Reserved", "Available"] * 3
    b.present("OTHER")
    assert len(b.payloads("Authorize")) == 1


# req: RES-07, TX-02
# Cancelled after the tag was shown: it may charge, and names no reservation.
def test_cancel_late():
    b = ready()
    reserve(b)
    b.present("MINE")
    assert cancel(b, 1) == "Accepted"
    b.plug()
    b.run(0)
    assert starts(b) == [(1, "MINE", None)]


# req: RES-08
# Connector 0 on a charger with one connector: shown as Reserved there.
def test_any_of_one():
    b = ready()
    b.cp.settings.set("ReserveConnectorZeroSupported", "false")
    assert reserve(b, 1, 0) == "Rejected"
    b.cp.settings.set("ReserveConnectorZeroSupported", "true")
    assert reserve(b, 1, 0) == "Accepted"
    assert b.statuses() == ["Reserved"]
    assert reserve(b, 2, 0) == "Occupied" and reserve(b, 3, 1) == "Occupied"
    b.present("OTHER")
    assert b.payloads("Authorize") == []
    b.present("MINE")
    b.plug()
    b.run(0)
    assert starts(b) == [(1, "MINE", 1)] and b.cp.reservations == []


# req: RES-08, RES-05
# On one with two: others may have all but the last free one, which then shows Reserved.
def test_any_of_two():
    b = ready(2)
    assert reserve(b, 9, 0) == "Accepted"
    assert b.statuses(1) == b.statuses(2) == []
    b.plug(1)
    b.present("OTHER")
    b.run(1)
    assert starts(b) == [(1, "OTHER", None)]
    assert b.statuses(2) == ["Reserved"]
    b.plug(2)
    b.present("THIRD")
    b.run(1)
    assert len(starts(b)) == 1
    b.present("MINE")
    b.run(1)
    assert starts(b)[1:] == [(2, "MINE", 9)]
    assert reserve(b, 10, 0) == "Occupied"


CASES_NO_ANY = [("fault", "Faulted"), ("unavailable", "Unavailable"), ("station", "Unavailable"), ("busy", "Occupied")]


# req: RES-08
def test_no_any(why, status):
    b = ready(2)
    for c in b.cp.connectors:
        if why == "fault":
            c.fault = "rcd"
        elif why == "unavailable":
            b.call("ChangeAvailability", {"connectorId": c.number, "type": "Inoperative"})
        elif why == "busy":
            b.plug(c.number)
    if why == "station":
        b.call("ChangeAvailability", {"connectorId": 0, "type": "Inoperative"})
    b.run(0)
    assert reserve(b, 1, 0) == status


CASES_ENDS = ["fault", "inoperative"]


# req: RES-09, STAT-04, AVAIL-01
# Faulted or Unavailable ends it: Available afterwards. Inoperative is accepted on a reserved connector.
def test_ends(why):
    b = ready()
    reserve(b)
    c = b.cp.connectors[0]
    if why == "fault":
        c.fault = "rcd"
        b.run(0)
        assert b.statuses()[-1] == "Faulted"
        c.fault = None
    else:
        answer = b.call("ChangeAvailability", {"connectorId": 1, "type": "Inoperative"})
        b.run(0)
        assert answer == {"status": "Accepted"} and b.statuses()[-1] == "Unavailable"
        b.call("ChangeAvailability", {"connectorId": 1, "type": "Operative"})
    b.run(0)
    b.run(0)
    assert b.statuses()[-1] == "Available" and cancel(b, 1) == "Rejected"


# req: RES-10, REM-START-03
# Remote start for another tag: Rejected; where it might be of the group, accepted and found out.
def test_remote_start_of_another():
    b = ready()
    reserve(b)
    for number in (1, None):
        assert remote(b, "OTHER", number) == "Rejected"
    cancel(b, 1)
    reserve(b, 2, 1, "MINE", "GROUP")
    b.plug()
    b.answers["Authorize"] = lambda payload: {"idTagInfo": {"status": "Accepted", "parentIdTag": "STRANGERS"}}
    for number in (1, None):
        assert remote(b, "OTHER", number) == "Accepted"
        assert starts(b) == [] and b.statuses()[-1] == "Reserved"
    b.answers["Authorize"] = lambda payload: {"idTagInfo": {"status": "Accepted", "parentIdTag": "GROUP"}}
    b.cp.settings.set("AuthorizeRemoteTxRequests", "false")
    assert remote(b, "FRIEND") == "Accepted"
    assert starts(b) == [(1, "FRIEND", 2)]


CASES_REMOTE_START = [("true", None), ("true", 1), ("false", None), ("false", 1)]


# req: REM-START-07
# Remote start for the right tag: with or without Authorize, with or without a connector, it uses the reservation.
def test_remote_start(authorize, number):
    b = ready()
    b.cp.settings.set("AuthorizeRemoteTxRequests", authorize)
    reserve(b, 5)
    assert remote(b, "MINE", number) == "Accepted"
    assert b.statuses() == ["Reserved", "Preparing"]
    b.plug()
    b.run(0)
    assert starts(b) == [(1, "MINE", 5)]
    assert len(b.payloads("Authorize")) == (authorize == "true")


# req: RES-12
# A reservation is no authorisation: who is refused does not start, and the reservation stays.
def test_not_authorised():
    b = ready()
    reserve(b)
    b.answers["Authorize"] = lambda payload: {"idTagInfo": {"status": "Blocked"}}
    b.present("MINE")
    b.plug()
    b.run(1)
    assert starts(b) == [] and b.statuses() == ["Reserved"]


# req: RES-04, AUTH-12
# A tag of the group may still stop what runs on the other connector.
def test_stop_beside():
    b = ready(2)
    b.answers["Authorize"] = lambda payload: {"idTagInfo": {"status": "Accepted", "parentIdTag": "GROUP"}}
    b.plug(1)
    b.present("A")
    reserve(b, 1, 2, "MINE")
    b.present("B")
    assert b.payloads("StopTransaction")[0]["idTag"] == "B"


# req: RES-05, TX-17
# Power is cut right after the start: the reservation is used up, and the StartTransaction that is sent later names it.
def test_cut_after_start():
    b = ready()
    reserve(b, 8)
    b.disconnect()
    b.cp.settings.set("AllowOfflineTxForUnknownId", "true")
    files = dict(b.store.files)
    b.present("MINE")
    b.plug()
    assert b.cp.connectors[0].transaction
    b.store.files = files  # the file of reservations was not written any more
    b.reboot()
    b.connect()
    b.run(1)
    assert starts(b) == [(1, "MINE", 8)] and len(b.payloads("StopTransaction")) == 1
    assert "Reserved" not in b.statuses()[1:] and b.cp.reservations == []


# The same id again, while the transaction that used it runs elsewhere.
def test_id_again():
    b = ready(2)
    reserve(b, 1, 1)
    b.plug(1)
    b.present("MINE")
    b.run(1)
    assert reserve(b, 1, 2) == "Accepted"
    b.run(1)
    assert b.statuses(2) == ["Reserved"]


# A disk that is full: refused, and nothing has changed. Nonsense on flash: no reservation.
def test_damage():
    b = ready()

    def full(name, data):
        raise OSError(28)

    write, b.store.write = b.store.write, full
    assert reserve(b) == "Rejected" and b.statuses() == []
    b.store.write = write
    assert reserve(b, 1, 1, seconds=10) == "Accepted"
    b.store.remove = lambda name: full(name, None)
    b.run(12)
    assert b.statuses() == ["Reserved", "Available"]
    del b.store.remove
    reserve(b)
    good = b.store.files["reservations"]
    for n in range(1, len(good)):
        b.store.files["reservations"] = good[:n]
        b.reboot()
        assert len(b.cp.reservations) <= 1
