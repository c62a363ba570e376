"""Flash has room for an update, beside all that a charger may keep."""

from pilotwire import build, image

_SPARE = 12 * 4096  # what bundleinstall leaves free


def test_a_second_firmware_fits_beside_the_one_that_runs():
    made = build.files()
    other = {name.replace("/a/", "/b/", 1): data for name, data in made.items() if name.startswith("/a/")}
    size = image.partition(image.BOARD_4MB, "vfs").size
    assert image.make_vfs(made | other | {"/data/spare": bytes(_SPARE)}, size)
