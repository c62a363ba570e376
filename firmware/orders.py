# Cold: orders over the serial line, lines "@{...}" of JSON with one order each; docs/board.md has them.
_SLOTS = ("user", "load")  # the other limits protect


def obey(wallbox, order):
    """Do what an order says; one that makes no sense is a warning and changes nothing."""
    try:
        if "limit" in order:
            _limit(wallbox, order["limit"])
        elif "calibrate" in order:
            _calibrate(wallbox, order["calibrate"])
        else:
            raise ValueError("nobody knows it")
    except (KeyError, IndexError, TypeError, ValueError, OSError) as e:
        wallbox.log.warning("app", "an order that can not be obeyed: %r" % e)


def _outlet(wallbox, number):
    if number < 1:
        raise ValueError("no such connector")
    return wallbox.outlets[number - 1]


def _limit(wallbox, order):
    """{"connector", "slot", "ma", "seconds"}: ma null takes it away; seconds: "load" must be told again within that time."""
    evse = _outlet(wallbox, order["connector"]).evse
    ma, seconds = order["ma"], order.get("seconds", 0)
    # A float would make the safety step allocate.
    if order["slot"] not in _SLOTS or not (ma is None or isinstance(ma, int)) or not isinstance(seconds, int):
        raise ValueError("no such limit")
    evse.limits.set(order["slot"], ma, "serial line", seconds)
    wallbox.ocpp.profiles.due = 0  # others may have what this connector no longer takes


def _calibrate(wallbox, order):
    """{"connector", "high_mv", "low_mv"}: what a voltmeter shows at the pilot, steady +12 V and -12 V."""
    from port import calibrate

    number = order["connector"]
    outlet = _outlet(wallbox, number)
    pairs = calibrate.order(number, outlet, order.get("high_mv", 12000), order.get("low_mv", -12000))
    wallbox.log.info("app", "connector %d is calibrated: %s" % (number, pairs))
