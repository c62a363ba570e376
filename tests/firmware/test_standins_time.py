# The virtual clock: what it promises to everything that is tested on it.
import asyncio
import io
import time

CASES_CALENDAR = [
    ((2000, 1, 1, 0, 0, 0), 0),
    ((2000, 2, 29, 23, 59, 59), 5183999),
    ((2026, 3, 1, 12, 0, 5), 825681605),
    ((2100, 3, 1, 0, 0, 0), 3160857600),
]


def test_calendar(date, seconds):
    assert time.mktime(date + (0, 0)) == seconds
    assert time.gmtime(seconds)[:6] == date


def test_gmtime_has_the_fields_of_the_chip():
    assert len(time.gmtime()) == 8
    assert isinstance(time.time(), int)


# A timer is called at exactly its own due time, whoever waits, and in the order in which timers are due.
async def test_timers_are_exact():
    seen = []
    start = time.virtual_ms()
    a = time.every(20, lambda t: seen.append(("a", time.virtual_ms() - start)))
    b = time.every(30, lambda t: seen.append(("b", time.virtual_ms() - start)))
    await asyncio.sleep_ms(45)
    time.sleep_ms(20)
    time.cancel(a)
    time.cancel(b)
    assert seen == [("a", 20), ("b", 30), ("a", 40), ("a", 60), ("b", 60)]


async def test_once_and_again():
    seen = []
    start = time.virtual_ms()
    handle = time.once(100, lambda t: seen.append(time.virtual_ms() - start))
    await asyncio.sleep_ms(60)
    time.again(handle, 100)
    await asyncio.sleep_ms(200)
    assert seen == [160]
    time.cancel(handle)  # gone already


# asyncio is never taken past the due time of its next task.
async def test_tasks_run_at_their_due_time():
    late = []

    async def tick(ms, n):
        for _ in range(n):
            due = time.ticks_add(time.ticks_ms(), ms)
            await asyncio.sleep_ms(ms)
            if time.ticks_diff(time.ticks_ms(), due):
                late.append(ms)

    timer = time.every(20, lambda t: None)
    await asyncio.gather(tick(7, 300), tick(1000, 3), tick(1, 500))
    time.cancel(timer)
    assert late == []


async def test_a_flag_set_in_a_timer_wakes_at_once():
    flag = asyncio.ThreadSafeFlag()
    start = time.virtual_ms()
    time.once(123, lambda t: flag.set())
    await flag.wait()
    assert time.virtual_ms() - start == 123


async def test_wait_for_times_out():
    start = time.virtual_ms()
    try:
        await asyncio.wait_for_ms(asyncio.Event().wait(), 500)
        raise AssertionError("no timeout")
    except asyncio.TimeoutError:
        pass
    assert time.virtual_ms() - start == 500


async def test_cancel_of_a_long_sleep():
    async def long():
        await asyncio.sleep(86400)

    task = asyncio.create_task(long())
    await asyncio.sleep_ms(10)
    start = time.virtual_ms()
    task.cancel()
    try:
        await task
    except asyncio.CancelledError:
        pass
    assert time.virtual_ms() == start


async def test_a_year_passes():
    start = time.time()
    for _ in range(73):
        await asyncio.sleep(5 * 86400)
    assert time.time() - start == 365 * 86400


# Loops that look at the clock and never sleep must end, on the chip as here.
async def test_busy_loops_end():
    start = time.ticks_ms()
    while time.ticks_diff(time.ticks_ms(), start) < 3:
        pass
    while time.ticks_diff(time.ticks_ms(), start) < 6:
        await asyncio.sleep_ms(0)


def test_ticks_wrap_as_on_the_chip():
    now = time.virtual_ms()
    time.start((1 << 30) - 5)
    assert time.ticks_ms() == (1 << 30) - 5
    time.sleep_ms(10)
    assert time.ticks_ms() == 5
    assert time.ticks_diff(5, (1 << 30) - 5) == 10
    assert time.ticks_add((1 << 30) - 5, 10) == 5
    time.start(now)


def test_a_callback_that_waits_holds_up_the_others():
    start = time.virtual_ms()
    seen = []

    def slow(t):
        time.sleep_ms(50)

    a = time.once(10, slow)
    b = time.every(20, lambda t: seen.append(time.virtual_ms() - start))
    time.sleep_ms(100)
    time.cancel(a)
    time.cancel(b)
    assert seen[0] == 60
    assert len(seen) == 5


# What falls due while C code of a callback computes runs late, at once after it, and the loop goes on.
async def test_a_callback_that_costs_time_does_not_stop_the_clock():
    start = time.virtual_ms()
    seen = []
    a = time.every(20, lambda t: time.charge(8000))
    b = time.every(5, lambda t: seen.append(time.virtual_ms() - start))
    await asyncio.sleep_ms(100)
    time.cancel(a)
    time.cancel(b)
    assert time.virtual_ms() - start in range(100, 109)
    assert seen[:6] == [5, 10, 15, 28, 28, 30]
    assert len(seen) in (20, 21)


def test_hold_slows_down_to_real_time():
    real = time._real.ticks_ms()
    time.hold(1)
    time.sleep_ms(30)
    time.hold(-1)
    assert time._real.ticks_ms() - real >= 29


class Ready(io.IOBase):
    """A peer that has always sent something."""

    def ioctl(self, request, argument):
        return argument if request == 3 else 0

    def readinto(self, buf):
        buf[0] = 0
        return 1


# Who waits for a time is not starved by who waits for a peer that is always ready, and takes long to take what came.
async def test_a_ready_peer_starves_nobody():
    reader, buf = asyncio.StreamReader(Ready()), bytearray(1)
    start = time.virtual_ms()
    late = []

    async def ticks():
        for k in range(1, 11):
            await asyncio.sleep_ms(100)
            late.append(time.virtual_ms() - start - 100 * k)

    task = asyncio.create_task(ticks())
    for _ in range(60):
        await reader.readinto(buf)
        time.charge(45000)
    await task
    assert max(late) < 500, late
