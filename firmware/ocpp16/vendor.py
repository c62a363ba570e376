# Cold: DataTransfer of vendor org.pilotwire. A module like this one is registered in ChargePoint.vendors; its handle() gets the
# messageId in lower case and the data, and returns the payload of the answer.
#
#   RequeueRefused: queue the messages again that the central system refused for good (TX-08); data of the answer: how many


def handle(cp, message, data):
    if message == "requeuerefused":
        return {"status": "Accepted", "data": str(cp.transactions.requeue())}
    return {"status": "UnknownMessageId"}
