# Cold: the page of set-up mode, made from the registry of settings and sent field by field: it is never in RAM as a whole.
import settingsread
from setup import form

# What is asked for first, in these words; everything else follows under its own name.
_FIRST = (
    ("WifiSsid", "Name of the wireless network"),
    ("WifiKey", "Its password"),
    ("CentralSystemURL", "Central system, ws:// or wss://"),
    ("ChargePointId", "Identity of this charger"),
    ("AuthorizationKey", "Its key at the central system"),
    ("MaxCurrent", "Largest current in A"),
    ("FreeChargingTag", "Tag to charge without a card"),
)
_HEAD = """<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>pilotwire set-up</title>
<meta name="viewport" content="width=device-width,initial-scale=1"><style>
body{font:16px/1.4 sans-serif;max-width:32em;margin:auto;padding:1em;color:#123}
label{display:block;margin:.8em 0}input,select{display:block;width:100%;box-sizing:border-box;font:inherit;padding:.4em}
button{font:inherit;padding:.6em 2em}small{color:#567}b{color:#b00}.no{border:2px solid #b00}
</style></head><body><h1>"""
_FOOT = "</body></html>"


def whole(settings, given, wrong, token):
    """Pieces of the page; `given` is what was typed already, `wrong` what is wrong with it."""
    yield _HEAD + "Set up this charger</h1>"
    if wrong:
        yield "<p role=alert><b>Nothing was saved: please look at %s.</b></p>" % ", ".join(sorted(wrong))
    yield '<form method="post" action="/"><input type="hidden" name="token" value="%s">' % token
    first = []
    for name, label in _FIRST:
        option = settingsread.find(settings, name)
        if option and form.shown(option):
            first.append(name)
            yield _field(settings, option, label, given, wrong)
    yield "<details%s><summary>Everything else</summary>" % (" open" if [n for n in wrong if n not in first] else "")
    for option in settingsread.options(settings):
        if option.name not in first and form.shown(option):
            yield _field(settings, option, option.name, given, wrong)
    yield "</details><p><button>Save and restart</button></p></form>" + _FOOT


def saved(settings):
    """Pieces of the page that says so."""
    yield _HEAD + "Saved</h1><p>The charger starts again"
    name = settings.get("WifiSsid")
    if name:
        yield " and joins the network <em>%s</em>" % escape(name)
    yield ". This network goes away. Should the charger not appear at the central system, hold its button while it"
    yield " starts, until this network is there again.</p>" + _FOOT


def _field(settings, option, label, given, wrong):
    name = option.name
    why = wrong.get(name)
    hidden = form.secret(option)
    text = "" if hidden else given.get(name, settingsread.text_of(settings, option))
    head = '<label>%s<small> %s</small>' % (label, "" if option.range in ("-", "..") else option.range.replace("..", " to "))
    mark = ' class="no"' if why else ""
    if option.type == "bool":
        parts = ['<select name="%s"%s>' % (name, mark)]
        for value in ("true", "false"):
            parts.append("<option%s>%s</option>" % (" selected" if value == text.lower() else "", value))
        field = "".join(parts) + "</select>"
    else:
        kind = "password" if hidden else "number" if option.type == "int" else "text"
        more = ' placeholder="unchanged" autocomplete="new-password"' if hidden else ""
        field = '<input name="%s" type="%s" value="%s"%s%s>' % (name, kind, escape(text), more, mark)
    return head + field + ("<b>%s</b></label>" % escape(why) if why else "</label>")


def escape(text):
    """Text for HTML, also within quotes."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")
