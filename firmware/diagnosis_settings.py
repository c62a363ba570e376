# Cold: the part of a diagnostics file with the settings.
import json

import settingsread


def parts(box, start, stop, hidden):
    """Lines of JSON; values of secret settings, and who a URL says that we are, go into `hidden`."""
    settings = box.settings
    for option in settingsread.options(settings):
        text = settingsread.text_of(settings, option)
        if option.access == "secret" or option.access == "wo":
            if text:
                hidden += [text, json.dumps(text)[1:-1]]
            yield '{"setting": "%s", "secret": true, "set": %s}' % (option.name, "true" if text else "false")
            continue
        login, at, _ = text.partition("://")[2].partition("/")[0].rpartition("@")
        if at:
            hidden.append(login)
            if login.partition(":")[2]:
                hidden.append(login.partition(":")[2])
        yield '{"setting": "%s", "value": %s}' % (option.name, json.dumps(text))
