# Cold: makes the electrical side of every connector of a board, once at the start.
from evse.assembly import connector


def outlets(board, settings, written, now_ms, Outlet):
    """An Outlet for each connector; its class is handed in, as what a cold module imports is forgotten with it.

    written: registers (Wh) to go on from.
    """
    wake = " wake" if settings.get("WakeUpCar") else ""
    fallback = settings.get("LoadFallbackCurrent")
    kept = board.kept if len(board.kept) == 2 * len(written) else None
    made = []
    for k, part in enumerate(board.connectors):
        meter = None
        if part.meter:
            from evse.readings import Readings

            meter = Readings(written[k])
        evse = connector(
            part.max_ma,
            part.pulses_per_kwh,
            part.socket,
            now_ms,
            written[k],
            part.ventilation,
            part.phases,
            kept[2 * k + 1] if kept else 0,
            meter,
            part.parts + wake,
        )
        evse.limits.set("user", settings.get("MaxCurrent") * 1000, "MaxCurrent")
        if fallback >= 0:  # who manages the load has not said anything yet
            evse.limits.fallback_ma = fallback * 1000
            evse.limits.set("load", fallback * 1000, "silent")
        made.append(Outlet(part, evse))
    return made
