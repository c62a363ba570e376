# A master tag teaches the local list, on a box that may have no central system at all.
from ocpp_bench import Bench
import cold


def box(**settings):
    return Bench(MasterTag="MASTER", **settings)


def listed(b, tag):
    return cold.call("ocpp16.local_list", "find", b.cp, tag) is not None


def charges(b, tag):
    b.plug()
    b.present(tag)
    begun = b.cp.connectors[0].transaction is not None
    if begun:
        b.present(tag)
    b.unplug()
    return begun


def test_learned_and_forgotten():
    b = box()
    assert not charges(b, "TAG")
    b.present("master")
    b.present("TAG")
    assert listed(b, "tag") and charges(b, "tag") and not charges(b, "OTHER")
    assert not charges(b, "MASTER")
    b.reboot()
    assert charges(b, "TAG")
    for tag in ("OTHER", "THIRD"):
        b.present("MASTER")
        b.present(tag)
    assert charges(b, "OTHER") and charges(b, "TAG") and charges(b, "THIRD")
    b.present("MASTER")
    b.present("TAG")
    assert not listed(b, "TAG") and not charges(b, "TAG") and charges(b, "OTHER")


# One tag for each time the master is presented, within half a minute; the master twice: never mind.
def test_only_when_asked():
    b = box()
    b.present("MASTER")
    b.run(31)
    b.present("LATE")
    b.present("MASTER")
    b.present("MASTER")
    b.present("NO")
    b.present("MASTER")
    b.present("YES")
    b.present("MORE")
    assert [tag for tag in ("LATE", "NO", "YES", "MORE") if listed(b, tag)] == ["YES"]
    assert b.cp.unbound is None or b.cp.unbound[0] == "YES"


# Off unless it is set; and never set from afar.
def test_off():
    b = Bench()
    b.connect()
    for tag in ("", "MASTER", "TAG"):
        b.present(tag)
    assert not listed(b, "TAG") and not listed(b, "MASTER")
    answer = b.call("GetConfiguration", {"key": ["MasterTag"]})
    assert answer["unknownKey"] == ["MasterTag"]
    assert b.call("ChangeConfiguration", {"key": "MasterTag", "value": "X"}) == {"status": "NotSupported"}


# A central system's list and its version stay as they are, apart from what was learned.
def test_beside_a_central_system():
    b = box(LocalPreAuthorize="true")
    b.connect()
    entry = {"idTag": "A", "idTagInfo": {"status": "Accepted"}}
    payload = {"listVersion": 7, "updateType": "Full", "localAuthorizationList": [entry]}
    assert b.call("SendLocalList", payload) == {"status": "Accepted"}
    b.present("MASTER")
    b.present("B")
    assert listed(b, "A") and listed(b, "B")
    assert b.call("GetLocalListVersion", {}) == {"listVersion": 7}


# A list that is full learns no more; what was to be learned is told.
def test_full():
    b = box(LocalAuthListMaxLength="2")
    for tag in ("A", "B", "C"):
        b.present("MASTER")
        b.present(tag)
    assert listed(b, "A") and listed(b, "B") and not listed(b, "C")
    assert any(["C: not learned" in line for line in b.lines])
