# The connection to the central system, over a WebSocket that a test feeds.
import asyncio
import gc

from ocpp16.connection import Connection


class Socket:
    """Gives what a test puts into `message`, and ends when it is told."""

    message = None
    open = True

    async def receive(self):
        while self.open and not self.message:
            await asyncio.sleep_ms(10)
        message, self.message = self.message, None
        return message


class Station:
    accepted = False
    received = 0

    def now_ms(self):
        return 0

    def receive(self, message, now):
        self.received += len(message)

    def next_frame(self, now):
        return None


# A message is free again once it has been handled, not when the next one comes: that one may be as large.
async def test_nothing_of_a_message_is_kept():
    station, socket = Station(), Socket()
    connection = Connection(station, None, station, None)
    connection._ws = socket
    reading = asyncio.create_task(connection._read())
    left = []
    for size in (1, 8000):
        socket.message = ["x" * size]
        while socket.message or not station.received:
            await asyncio.sleep_ms(10)
        await asyncio.sleep_ms(100)
        gc.collect()
        left.append(gc.mem_alloc())
    assert station.received == 2
    assert left[1] < left[0] + 2000
    socket.open = False
    await reading


# No memory for a message: it ends the connection, which says why, and is no task that died unseen.
async def test_a_message_for_which_there_is_no_memory():
    class Full(Station):
        def receive(self, message, now):
            raise MemoryError

    socket = Socket()
    connection = Connection(Full(), None, Full(), None)
    connection._ws = socket
    reading = asyncio.create_task(connection._read())
    socket.message = "x"
    await asyncio.sleep_ms(100)
    assert isinstance(await reading, MemoryError)


# Memory that has been short for ten minutes stays so: a start has it back, but it ends no transaction.
async def test_memory_that_stays_short():
    class Busy(Station):
        open = [None]

        def info(self, name, text):
            pass

    async def starved():
        raise MemoryError

    station = Busy()
    station.up, station.transactions = True, station
    connection = Connection(station, station, station, station)
    connection._session, connection._failed = starved, lambda error: None
    station.open[0] = "a transaction"
    running = asyncio.create_task(connection.run())
    await asyncio.sleep(3600)
    assert not running.done() and connection.failures > 10
    station.open[0] = None
    try:
        await asyncio.wait_for(running, 600)
        raise AssertionError("it ended well")
    except MemoryError:
        pass
