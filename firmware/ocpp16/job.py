# Cold: what stays of ocpp16.jobs while a job runs.
import cold


async def run(cp, name, entry, module, function, args):
    try:
        await cold.run(module, function, cp, *args)  # by name: the callers' strings
    except Exception as e:  # MemoryError as well
        cp.log.exception(name, e)
    finally:
        if cp.jobs.get(name) is entry:  # else another has taken its place
            del cp.jobs[name]
