# Cold: long work beside OCPP, each job a coroutine of a cold module in a task of its own.
#
#   cold.call("ocpp16.jobs", "start", cp, "diagnostics", "ocpp16.diagnostics", "run", url)     awaits run(cp, url)
#
# A job in parts returns ("module", "function", arguments behind cp ...), what comes next, for which nothing of it stays loaded;
# with seconds before them it is what comes then, with -1 once no contactor is closed: nothing is loaded while it waits.
# Those that transfer wait for each other, and so do those that answer a CALL, whose id is their name or first argument. cp.jobs
# has [task, status told last] of each job that runs. A part for which memory is short is tried again, a few times, with the same
# arguments. What a job dies of is logged and takes nothing else down, its CALL is answered InternalError; what must outlive a
# reset is for the job to write down.
import asyncio

from ocpp16.rpc import Call
import cold


def start(cp, name, module, function, *args):
    """Run `function(cp, *args)` of a cold module as the job `name`, in the place of the one that has this name."""
    cancel(cp, name)
    cp.jobs[name] = entry = [None, "Idle"]
    entry[0] = asyncio.create_task(cold.call("ocpp16.job", "run", cp, name, entry, module, function, args))


def cancel(cp, name):
    """End a job, if there is one; its statuses that have not left yet do so."""
    entry = cp.jobs.pop(name, None)
    if entry:
        entry[0].cancel()


def tell(cp, name, status, action, request=None):
    """Send a status of the job, "Uploading" or the like, with the requestId of the messages that have one."""
    if name in cp.jobs:
        cp.jobs[name][1] = status
    payload = {"status": status}
    if request is not None:
        payload["requestId"] = request
    cp.send(Call(action, payload, cp.informed))
