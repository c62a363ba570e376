# Cold: what stays of ocpp16.jobs while a job runs.
import asyncio
import gc

import cold

_TURN_S = 1
_TURN_MS = 500


async def run(cp, name, entry, module, function, args):
    try:
        while cp.transferring and name in ("diagnostics", "log", "firmware"):  # in the room of one
            await asyncio.sleep(_TURN_S)
        step = (module, function) + args
        while True:
            step = await cold.run(step[0], step[1], cp, *step[2:])  # by name: the callers' strings
            if not isinstance(step, tuple):  # the part of it that comes next
                return
            if isinstance(step[0], int):
                pause, step = step[0], step[1:]
                await asyncio.sleep(abs(pause))
                while pause < 0 and any([c.energised for c in cp.connectors]):
                    await asyncio.sleep(_TURN_S)
            else:
                await asyncio.sleep_ms(_TURN_MS)  # what the last one leaves behind goes meanwhile
            gc.collect()
    except Exception as e:  # MemoryError as well
        cp.log.exception(name, e)
    finally:
        if cp.jobs.get(name) is entry:  # else another has taken its place
            del cp.jobs[name]
