"""The page of settings says what the registry says."""

from pilotwire import build, settings_page


def test_page_is_up_to_date():
    written = (build.repository() / "docs" / "settings.md").read_text()
    assert written == settings_page.page(), "run `make docs`"


def test_every_option_has_a_row():
    assert settings_page.page().count("\n| ") > 30
    assert "| WifiKey | str | not by OCPP, never shown |" in settings_page.page()
