# PEM comes in every shape that central systems send, and goes out in one.
import certificates
import pem


def error(text):
    try:
        list(pem.decode(text))
    except pem.PemError:
        return True
    return False


def test_round_trip():
    for size in (1, 2, 3, 47, 48, 49, 96, 500):
        data = bytes(i * 7 & 255 for i in range(size))
        text = pem.encode(data, "X")
        assert list(pem.decode(text, "X")) == [data]
        assert max(len(line) for line in text.split("\n")) <= 64
    assert pem.encode(next(pem.decode(certificates.ROOT))) == certificates.ROOT


def test_chain():
    text = certificates.LEAF + "subject=anything\n" + certificates.SUB + certificates.ROOT
    ders = list(pem.decode(text))
    assert len(ders) == 3
    assert [pem.encode(d) for d in ders] == [certificates.LEAF, certificates.SUB, certificates.ROOT]
    assert list(pem.decode(text.encode())) == ders


def test_line_breaks_of_any_kind():
    der = next(pem.decode(certificates.ROOT))
    one_line = certificates.ROOT.replace("\n", "")
    for text in (one_line, certificates.ROOT.replace("\n", "\r\n"), certificates.ROOT.replace("\n", " \t\n\n")):
        assert list(pem.decode(text)) == [der]


def test_what_is_no_pem():
    good = certificates.ROOT
    end = "-----END CERTIFICATE-----"
    for text in (
        "",
        "x",
        good[:-30],
        good.replace(end, ""),
        good.replace(end, "=" + end),
        good.replace(end, "A" + end),
        good.replace("M", "*", 1),
        good.replace("M", "é", 1),
        good.replace("CERTIFICATE", "PRIVATE KEY"),
        "-----BEGIN CERTIFICATE-----" + end,
        "-----BEGIN CERTIFICATE-----" + "A" * 9000 + end,
        good * 11,
        "-----BEGIN CERTIFICATE-----QUI" + end,
        "-----BEGIN CERTIFICATE-----QUJ=" + end,  # bits behind the last byte
        "-----BEGIN CERTIFICATE-----QQ==QQ==" + end,
        "-----BEGIN CERTIFICATE-----" + good,
    ):
        assert error(text), text[:80]
        assert error(text.encode()), text[:80]
    assert error(good.encode().replace(b"M", b"\xff", 1))
