# Cold: the part of a diagnostics file with the settings. Reads the table itself: settingsread has no room beside a transfer.
import json

import table


def parts(box, start, stop, hidden):
    """Lines of JSON; values of secret settings, and who a URL says that we are, go into `hidden`."""
    settings = box.settings
    for line in table.lines(settings.table):
        if not line or line[0] == "#":
            continue
        name, _, access, _, *default = line.split(None, 4)
        text = settings.fixed.get(name) or settings.values.get(name, default[0] if default else "")
        if access == "secret" or access == "wo":
            if text:
                hidden += [text, json.dumps(text)[1:-1]]
            yield '{"setting": "%s", "secret": true, "set": %s}' % (name, "true" if text else "false")
            continue
        login, at, _ = text.partition("://")[2].partition("/")[0].rpartition("@")
        if at:
            hidden.append(login)
            if login.partition(":")[2]:
                hidden.append(login.partition(":")[2])
        yield '{"setting": "%s", "value": %s}' % (name, json.dumps(text))
