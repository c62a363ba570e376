# Cold: what stays of ocpp16.jobs while a job runs.
import asyncio
import gc

import cold

_TURN_S = 1
_TURN_MS = 500
_STARVED = 3  # times that a part is tried again


async def run(cp, name, entry, module, function, args):
    ids = (name,) + args[:1]  # one of them may be that of the CALL that it answers
    try:
        # In the room of one: those that transfer, and those that answer a CALL.
        while any([i in cp.rpc.deferred[1:] for i in ids]) or cp.transferring and name in ("diagnostics", "log", "firmware"):
            await asyncio.sleep(_TURN_S)
        step = (module, function) + args
        wait, starved = _TURN_MS, 0
        while True:
            await asyncio.sleep_ms(abs(wait))  # what was before leaves something behind, which goes meanwhile
            while wait < 0 and any([c.energised for c in cp.connectors]):
                await asyncio.sleep(_TURN_S)
            gc.collect()
            wait = _TURN_MS
            try:
                step = await cold.run(step[0], step[1], cp, *step[2:])  # by name: the callers' strings
            except MemoryError as e:  # to load it, or there where it is not looked at: another job may need the room now
                starved += 1
                if starved > _STARVED:
                    raise
                cp.log.warning(name, "out of memory, again: %r" % e)
                continue
            if not isinstance(step, tuple):  # the part of it that comes next
                return
            if isinstance(step[0], int):
                wait, step = 1000 * step[0], step[1:]
    except Exception as e:  # MemoryError as well
        cp.log.exception(name, e)
        for i in ids:
            cp.rpc.answer(i, None)
    finally:
        if cp.jobs.get(name) is entry:  # else another has taken its place
            del cp.jobs[name]
