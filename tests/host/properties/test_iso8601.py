"""lib/iso8601 against CPython's datetime."""

import datetime as dt

import iso8601
import isoformat
from hypothesis import given
from hypothesis import strategies as st

_EPOCH = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)
_times = st.datetimes(min_value=dt.datetime(1, 1, 1), max_value=dt.datetime(9999, 12, 31, 23, 59, 59))


def seconds_of(time: dt.datetime) -> int:
    return (time - _EPOCH) // dt.timedelta(seconds=1)


@given(_times)
def test_format_as_datetime_does(time):
    time = time.replace(microsecond=0)
    seconds = seconds_of(time.replace(tzinfo=dt.UTC))
    assert isoformat.format(seconds) == time.isoformat() + "Z"
    assert iso8601.parse(isoformat.format(seconds)) == seconds


@given(
    _times, st.integers(-1439, 1439), st.sampled_from(("%s%02d:%02d", "%s%02d%02d")), st.text("0123456789", max_size=12)
)
def test_parse_as_datetime_does(time, minutes, form, fraction):
    time = time.replace(microsecond=0)
    text = time.isoformat() + ("." + fraction if fraction else "")
    text += form % ("-" if minutes < 0 else "+", abs(minutes) // 60, abs(minutes) % 60)
    naive = seconds_of(time.replace(tzinfo=dt.UTC))
    assert iso8601.parse(text) == naive - minutes * 60


@given(st.one_of(st.text(max_size=40), st.text("0123456789-:TZ+. ", min_size=15, max_size=30)))
def test_anything_is_a_time_or_a_value_error(text):
    try:
        iso8601.parse(text)
    except ValueError:
        return
    dt.datetime.fromisoformat(text[:19].upper())


@given(
    st.integers(0, 10000),
    st.integers(0, 14),
    st.integers(0, 33),
    st.integers(0, 25),
    st.integers(0, 61),
    st.integers(0, 61),
)
def test_ranges(year, month, day, hour, minute, second):
    text = f"{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z"
    try:
        expected = seconds_of(dt.datetime(year, month, day, hour, minute, second, tzinfo=dt.UTC))
    except ValueError:
        expected = None
    try:
        got = iso8601.parse(text)
    except ValueError:
        got = None
    assert got == expected
