# Log lines: level, area, text, bounded.
import log


def lines(level=log.DEBUG):
    out = []
    return out, log.Log(out.append, level)


def test_levels():
    out, one = lines()
    one.error("ocpp", "a")
    one.warning("ocpp", "b")
    one.info("link", "c")
    one.debug("evse", "d")
    assert out == ["E ocpp: a", "W ocpp: b", "I link: c", "D evse: d"]


def test_level_cuts_off():
    out, one = lines(log.WARNING)
    one.info("x", "no")
    one.debug("x", "no")
    one.warning("x", "yes")
    assert out == ["W x: yes"]


def test_default_level_is_info():
    out = []
    one = log.Log(out.append)
    one.debug("x", "no")
    one.info("x", "yes")
    assert out == ["I x: yes"]


def test_errors_are_counted_even_when_not_shown():
    out, one = lines(-1)
    one.error("x", "1")
    one.error("x", "2")
    assert out == []
    assert one.errors == 2


def test_bounded():
    out, one = lines()
    one.info("x", "y" * 10000)
    one.info("z" * 10000, "y")
    assert [len(line) <= 160 for line in out] == [True, True]


def test_one_line_each():
    out, one = lines()
    one.info("x", "a\r\nE ocpp: forged\n")
    assert out == ["I x: a  E ocpp: forged "]


def test_anything_can_be_logged():
    out, one = lines()
    one.info("x", OSError(5))
    one.info("x", None)
    assert len(out) == 2


def test_no_state_is_shared():
    _, one = lines()
    _, two = lines()
    one.error("x", "1")
    assert (one.errors, two.errors) == (1, 0)
