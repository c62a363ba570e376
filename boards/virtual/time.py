"""Virtual time, in place of the built-in module: it moves only by its own `advance`.

It passes while the program waits (asyncio, sleep), never while it computes, so a run repeats exactly;
each timer fires at its own due time, and asyncio is never taken past the due time of its next task.
Needs no supervisor: `import time; time.speed(0)` jumps from one due time to the next.
PILOTWIRE_TICKS in the environment is the first value of ticks_ms (2**30 - 5000: five seconds before it wraps).
"""

import os
import sys
from micropython import const

_path = sys.path
sys.path = ()  # an empty path makes MicroPython take the built-in of the same name
import time as _real

sys.path = _path
del _path

_MASK = const((1 << 30) - 1)
_HALF = const(1 << 29)
_FAR = const(1 << 60)
# The C task queue stamps tasks that are ready with the real clock: asyncio's own clock starts so far
# ahead of it that such a stamp is always in the past. Its ticks wrap at 2**62, and at 2**30 in a build of
# 32 bits, where it may gain or lose three days on the real clock.
_LOOP_MASK = _real.ticks_add(0, -1)
_lead = _real.ticks_add(_real.ticks_ms(), 1 << 40 if sys.maxsize >> 32 else 1 << 28)
# A loop that waits for the clock without ever sleeping sees it move by 1 ms after so many looks.
_SPINS = const(500)
_BACKLOG_MS = const(50)  # real time that may be made up for; what is more is dropped

_now = 0  # ms since start, unmasked
_sub = 0  # microseconds of sleep_us below one millisecond
_cost = 0  # microseconds of charge() below one millisecond
_offset = int(os.getenv("PILOTWIRE_TICKS") or 0)
_rtc = 0  # ms since 2000-01-01 when _now was 0
_timers = []  # [due, period or 0, callback]
_busy = False
_spins = 0
_passed = False  # asyncio's last turn was for a task that was due, without a look at the peers
_installed = False
_milli = 1000  # speed in thousandths, 0 = as fast as possible
_holds = 0
_credit = 0  # virtual microseconds that real time has earned and the clock has not moved yet
_last = _real.ticks_us()


def speed(factor):
    """Upper bound of virtual per real time; 0 = as fast as possible."""
    speed_milli(int(factor * 1000))


def speed_milli(thousandths):
    """As speed(), without a float."""
    global _milli, _credit
    _accrue()
    _milli = thousandths
    _credit = 0


def hold(n):
    """n = +1: a real peer is waited for, so the speed is at most 1; n = -1: no longer."""
    global _holds
    _accrue()
    _holds += n


def every(period_ms, callback):
    """Call callback(handle) each period_ms; the handle is for cancel()."""
    if period_ms < 1:
        raise ValueError("period")
    return _add(period_ms, period_ms, callback)


def once(delay_ms, callback):
    """Call callback(handle) once, delay_ms from now."""
    return _add(delay_ms, 0, callback)


def _add(delay, period, callback):
    handle = [_now + delay, period, callback]
    _timers.append(handle)
    return handle


def again(handle, delay_ms):
    """Move the due time of a timer (a watchdog that is fed) without allocation."""
    handle[0] = _now + delay_ms


def cancel(handle):
    """Take a timer out; one that is gone already is no error."""
    if handle in _timers:
        _timers.remove(handle)


def virtual_ms():
    """Milliseconds since the start, never wrapping."""
    return _now


def set_rtc(ms):
    """Set the wall clock to ms since 2000-01-01."""
    global _rtc
    _rtc = ms - _now


def rtc_ms():
    """The wall clock in ms since 2000-01-01."""
    return _rtc + _now


def start(ticks):
    """Make ticks_ms() return `ticks` now (PILOTWIRE_TICKS does the same from outside)."""
    global _offset
    _offset = ticks - _now


def _first(limit):
    """The timer that is due first, not after limit."""
    found = None
    for t in _timers:
        if t[0] < limit or (found is None and t[0] == limit):
            found = t
            limit = t[0]
    return found


def advance(to):
    """Move to `to` ms, running every timer on the way at exactly its own due time.

    A callback may take longer (see charge): what fell due meanwhile runs after it. No timer that is due is left behind, since
    the loop waits for the time until the next one, which must never be less than nothing.
    """
    global _now, _busy
    if _busy:  # a callback waits: as on the chip nothing else runs meanwhile
        if to > _now:
            _now = to
        return
    _busy = True
    try:
        while True:
            t = _first(to)
            if t is None:
                break
            if t[0] > _now:
                _now = t[0]
            if t[1]:
                t[0] += t[1]
            else:
                _timers.remove(t)
            t[2](t)
            if _now > to:
                to = _now
        if to > _now:
            _now = to
    finally:
        _busy = False


def charge(us):
    """C code would have taken this long on the chip: the clock jumps, and what fell due meanwhile runs late."""
    global _now, _cost, _credit
    _cost += us
    ms = _cost // 1000
    if ms:
        _cost -= ms * 1000
        _now += ms
        if _rate():
            _credit -= ms * 1000
        advance(_now)


def _rate():
    return 1000 if _holds > 0 and (_milli > 1000 or not _milli) else _milli


def _accrue():
    global _last, _credit
    n = _real.ticks_us()
    passed = _real.ticks_diff(n, _last)
    rate = _rate()
    # In two parts, which stay small integers in a build of 32 bits.
    _credit += passed * (rate // 1000) + passed * (rate % 1000) // 1000
    _last = n


def _owed(need):
    """Real microseconds to wait until `need` more virtual ms have been earned."""
    global _credit
    rate = _rate()
    if not rate:
        return 0
    _accrue()
    if _credit > _BACKLOG_MS * rate:
        _credit = _BACKLOG_MS * rate
    short = need * 1000 - _credit
    return short * 1000 // rate if short > 0 else 0


def _move(need):
    """Advance by what was earned, at most by need ms."""
    global _credit
    if _rate():
        _accrue()
        earned = _credit // 1000
        if earned < need:
            need = earned
        _credit -= need * 1000
    if need > 0:
        advance(_now + need)


def sleep_ms(ms):
    global _spins
    _spins = 0
    end = _now + int(ms)
    if _busy:
        advance(end)
    while _now < end:
        t = _first(end)
        need = (t[0] if t else end) - _now
        if need > 0:
            us = _owed(need)
            if us > 0:
                _real.sleep_us(us)
            _move(need)
        else:
            advance(_now)


def sleep(seconds):
    sleep_ms(int(seconds * 1000))


def sleep_us(us):
    global _sub
    _sub += us
    if _sub >= 1000:
        ms = _sub // 1000
        _sub -= ms * 1000
        sleep_ms(ms)


def _spin():
    global _spins
    if not _installed:
        core = sys.modules.get("asyncio.core")
        if hasattr(core, "IOQueue"):
            install(core)
    _spins += 1
    if _spins >= _SPINS and not _busy:
        _spins = 0
        advance(_now + 1)


def ticks_ms():
    _spin()
    return (_now + _offset) & _MASK


def ticks_us():
    _spin()
    return ((_now + _offset) * 1000 + _sub) & _MASK


def ticks_cpu():
    return _real.ticks_cpu() & _MASK


def ticks_add(ticks, delta):
    if not -_HALF <= delta < _HALF:
        raise OverflowError("ticks interval overflow")
    return (ticks + delta) & _MASK


def ticks_diff(a, b):
    return ((a - b + _HALF) & _MASK) - _HALF


def time():
    return (_rtc + _now) // 1000


def time_ns():
    return (_rtc + _now) * 1000000 + _sub * 1000


def gmtime(seconds=None):
    if seconds is None:
        seconds = time()
    return _real.gmtime(int(seconds) + 946684800)[:8]


localtime = gmtime


def mktime(t):
    # Days from the civil calendar, as the C function uses the time zone of the desktop.
    y = t[0] - (t[1] < 3)
    m = (t[1] + 9) % 12
    days = 365 * y + y // 4 - y // 100 + y // 400 + (153 * m + 2) // 5 + t[2] - 730426
    return ((days * 24 + t[3]) * 60 + t[4]) * 60 + t[5]


def _loop_ticks():
    _spin()
    return (_now + _lead) & _LOOP_MASK


def install(core):
    """Put asyncio on this clock; core is asyncio.core. Its loop does so itself when it first asks for the time."""
    global _installed
    _installed = True
    if getattr(core.IOQueue, "virtual", False):
        return
    poll = core.IOQueue.wait_io_event
    register = core.IOQueue._enqueue

    def enqueue(queue, stream, i):
        # With an object that has no file descriptor in its set, each poll takes a real millisecond
        # (modselect.c): flags stay outside of it.
        if type(stream).__name__ == "ThreadSafeFlag" and id(stream) not in queue.map:
            queue.map[id(stream)] = entry = [None, None, stream]
            entry[i] = core.cur_task
            core.cur_task.data = queue
        else:
            register(queue, stream, i)

    def wake(queue):
        for k in queue.map:
            entry = queue.map[k]
            if type(entry[2]).__name__ == "ThreadSafeFlag" and entry[2].state:
                del queue.map[k]
                core._task_queue.push(entry[0])
                return True
        return False

    def wait_io_event(queue, dt):
        global _spins, _passed
        if wake(queue) or not dt:
            # A task that is due goes before those whom a peer keeps ready, every other time: the stamps of these are always in
            # the past here, and on the chip they are of now.
            head = core._task_queue.peek()
            due = head is not None and _real.ticks_diff(head.ph_key, _lead & _LOOP_MASK) >= 0
            _passed = due and not _passed
            if not _passed:
                poll(queue, 0)
            _spin()
            return
        _spins = 0
        # Without any task that is due some time (dt < 0) the loop counts on one that is ready after this.
        while True:
            end = _now + dt if dt > 0 else _FAR
            t = _first(end)
            if t:
                end = t[0]
            need = end - _now if end < _FAR else 1000
            us = _owed(need)
            # Nothing is due ever: only a peer can wake the program, and it lives in real time.
            poll(queue, 20 if end == _FAR and not _rate() else us // 1000)
            head = core._task_queue.peek()
            ready = head is not None and _real.ticks_diff(head.ph_key, _now + _lead & _LOOP_MASK) <= 0
            if not ready and 50 < us < 1000:
                _real.sleep_us(us)
            if _rate() or not (ready or end == _FAR):
                _move(need)
            if dt > 0 or ready or wake(queue) or core._task_queue.peek() is not None:
                return

    core.ticks = _loop_ticks
    core.ticks_add = _real.ticks_add
    core.ticks_diff = _real.ticks_diff
    core.IOQueue._enqueue = enqueue
    core.IOQueue.wait_io_event = wait_io_event
    core.IOQueue.virtual = True
