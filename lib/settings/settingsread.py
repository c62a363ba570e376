# Cold: the part of settings that reads the table; small, since it is asked for when others are at work.
from settings import SettingError
import table


class Option:
    """One line of the table."""

    def __init__(self, line):
        parts = line.split(None, 4)
        self.name, self.type, self.access, self.range = parts[:4]
        self.default = parts[4] if len(parts) > 4 else ""

    def parse(self, text):
        """The typed value of `text`; SettingError says what is wrong with it."""
        if self.type == "bool":
            low = text.lower()
            if low == "true" or low == "false":
                return low == "true"
            raise SettingError("value", self.name + " is true or false")
        if self.type == "int":
            digits = text[1:] if text[:1] == "-" else text
            if not digits.isdigit():
                raise SettingError("value", self.name + " is a whole number")
            value = size = int(text)
        else:
            if self.type == "csl":
                text = ",".join([item.strip() for item in text.split(",")])
            value, size = text, len(text)
        low, high = self.range.split("..")
        if (low and size < int(low)) or (high and size > int(high)):
            raise SettingError("value", self.name + " is outside " + self.range)
        return value


def options(settings):
    """All options, in the order of the table; to be closed by who does not ask for all."""
    lines = table.lines(settings.table)
    try:
        for line in lines:
            if line and line[0] != "#":
                option = Option(line)
                if option.name in settings.fixed:
                    option.access = "ro"
                yield option
    finally:
        lines.close()


def find(settings, name):
    """The Option called `name` in any case, or None."""
    low = name.lower()
    every = options(settings)
    for option in every:
        if option.name.lower() == low:
            every.close()
            return option


def text_of(settings, option):
    return settings.fixed.get(option.name) or settings.values.get(option.name, option.default)


def to_text(value):
    """A typed value as the text that OCPP shows and the file holds."""
    if value is True or value is False:
        return "true" if value else "false"
    return str(value)


def read(settings, name):
    option = find(settings, name)
    if option is None:
        raise SettingError("unknown", name)
    return value(settings, option)


def value(settings, option):
    """The typed value of an option, which is not kept in RAM."""
    try:
        return option.parse(text_of(settings, option))
    except SettingError:  # the table has grown stricter since the value was written
        return option.parse(option.default)
