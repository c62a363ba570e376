# heap: 4M
# timeout: 300
# (the flash is RAM here, several times over)
# Changes of local list, charging profiles and reservations are made whole or not at all: each flash operation of a change is the
# last one, whole, torn or left out; every image that this can leave behind is booted.
import gc
import hashlib
import vfs

from charging_bench import DEFAULT, TX, profile
from nor import Nor, Region, blank
from ocpp_bench import T0, Bench
from store import Store
import cold
import isoformat

_SECTORS = 16
_TEARS = (None, ("bytes", 13), ("bits", 1), ("weak",))
_TAGS = ["Authorization-%06d" % k for k in range(40)]


def mount(flash, new=False):
    """The file system of the chip in `flash`, at /t in place of the one before."""
    try:
        vfs.umount("/t")
    except OSError:
        pass  # there was none
    nor = Nor(flash)
    region = Region(nor, 0, _SECTORS)
    if new:
        vfs.VfsLfs2.mkfs(region, progsize=32, readsize=32, lookahead=32)
    vfs.mount(vfs.VfsLfs2(region, progsize=32, readsize=32, lookahead=32), "/t")
    return nor


def boot(cause="PowerLoss"):
    """A charge point on the files of /t, known to its central system."""
    b = Bench(2)
    b.store = Store("/t/data")
    b.start(cause)
    b.connect()
    b.run(0)
    return b


def state(b):
    """(version, tags on the list), profiles, reservations: as they are on flash, and as the charge point has them."""
    found = [tag for tag in _TAGS if cold.call("ocpp16.local_list", "find", b.cp, tag)]
    version = b.call("GetLocalListVersion", {})["listVersion"]
    profiles = b.store.read("profiles")
    assert (b.cp.profiles.installed > 0) == bool(profiles)
    return (version, found), profiles, [entry[:4] for entry in sorted(b.cp.reservations)]


# -- changes, each on a box that has a list, profiles and a reservation


def accepted(b, action, payload):
    assert b.call(action, payload)["status"] == "Accepted", action


def send(b, number, kind, tags, gone=()):
    entries = [{"idTag": tag, "idTagInfo": {"status": "Accepted", "parentIdTag": "GROUP"}} for tag in tags]
    entries += [{"idTag": tag} for tag in gone]
    accepted(b, "SendLocalList", {"listVersion": number, "updateType": kind, "localAuthorizationList": entries})


def install(b, number, what):
    accepted(b, "SetChargingProfile", {"connectorId": number, "csChargingProfiles": what})


def reserve(b, unique, connector, tag):
    expiry = isoformat.format(T0 + 86400)
    payload = {"reservationId": unique, "connectorId": connector, "expiryDate": expiry, "idTag": tag}
    accepted(b, "ReserveNow", payload)


def prepare(b):
    send(b, 5, "Full", _TAGS[:3])
    install(b, 0, profile(DEFAULT, [(0, 10), (60, 12)], id=1))
    install(b, 1, profile(DEFAULT, [(k * 60, 6 + k) for k in range(24)], level=1, id=2))
    reserve(b, 7, 2, "A")


def full_list(b):
    send(b, 6, "Full", _TAGS[5:])


def differential(b):
    send(b, 6, "Differential", _TAGS[10:20], _TAGS[:2])


def long_list(b):
    send(b, 2, "Full", ["TAG-%d" % k for k in range(18)] + _TAGS[:3])


def empty_list(b):
    send(b, 6, "Full", ())


def new_profile(b):
    install(b, 2, profile(DEFAULT, [(0, 16)], level=2, id=3))


def replaced_profile(b):
    install(b, 1, profile(DEFAULT, [(k * 30, 9) for k in range(24)], level=1, id=9))


def cleared_profile(b):
    accepted(b, "ClearChargingProfile", {"id": 2})


def cleared_profiles(b):
    accepted(b, "ClearChargingProfile", {})


def new_reservation(b):
    reserve(b, 8, 1, "B")


def moved_reservation(b):
    reserve(b, 7, 1, "C")


def cancelled_reservation(b):
    accepted(b, "CancelReservation", {"reservationId": 7})


CASES = [
    ("full list", full_list),
    ("differential list", differential),
    ("list of two runs", long_list),
    ("list emptied", empty_list),
    ("new profile", new_profile),
    ("profile replaced", replaced_profile),
    ("profile cleared", cleared_profile),
    ("all profiles cleared", cleared_profiles),
    ("new reservation", new_reservation),
    ("reservation moved", moved_reservation),
    ("reservation cancelled", cancelled_reservation),
]


def images(flash, operations):
    """(description, image) of what a cut can leave behind, each image once."""
    seen = set()
    base = bytearray(flash)
    for k in range(len(operations) + 1):
        for tear in _TEARS if k < len(operations) else (None,):
            image = bytearray(base)
            nor = Nor(image)
            if tear:
                nor.apply(operations[k], tear)
            digest = hashlib.sha256(image).digest()
            if digest not in seen:
                seen.add(digest)
                yield "cut at %d of %d, %r" % (k, len(operations), tear), image
        if k < len(operations):
            Nor(base).apply(operations[k])


# req: LAL-05, LAL-07, SC-SET-06, SC-SET-08, RES-01, RST-03
def test_change(name, change):
    flash = blank(_SECTORS)
    nor = mount(flash, True)
    b = boot()
    prepare(b)
    before = state(b)
    image = bytes(flash)
    nor.record = []
    change(b)
    operations, nor.record = nor.record, None
    after = state(b)
    assert before != after and len(operations) > 0
    count = kept = 0
    for where, cut in images(image, operations):
        gc.collect()
        mount(cut)
        b = boot()
        found = state(b)
        assert found in (before, after), where
        count += 1
        kept += found == before
        # And the next change finds nothing in its way.
        send(b, 99, "Full", _TAGS[:1])
        install(b, 0, profile(DEFAULT, [(0, 8)], id=1))
        reserve(b, 7, 2, "Z")
    print(name, len(operations), "operations,", count, "images,", kept, "as before")
    assert 0 < kept < count


# req: SC-SET-06
# The start itself, which drops the profiles of transactions that are over, may be cut as well.
def test_start():
    flash = blank(_SECTORS)
    nor = mount(flash, True)
    b = boot()
    prepare(b)
    without = b.store.read("profiles")
    b.plug()
    b.present("A")
    install(b, 1, profile(TX, [(0, 13)], id=4))
    assert b.store.read("profiles") != without
    image = bytes(flash)
    nor.record = []
    boot()
    operations, nor.record = nor.record, None
    for where, cut in images(image, operations):
        gc.collect()
        mount(cut)
        b = boot()
        assert b.store.read("profiles") == without and b.cp.profiles.installed == 2, where
