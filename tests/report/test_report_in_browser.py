"""The page of train in a headless browser: it fits a phone and a desk, and asks for nothing."""

import pytest

from tests.page.chromium import Chromium, find_chromium


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    if find_chromium() is None:
        pytest.skip("no Chromium is installed")
    with Chromium(tmp_path_factory.mktemp("profile")) as opened:
        yield opened


@pytest.mark.parametrize("width", [360, 1100])
def test_the_page_fits_and_asks_for_nothing(browser, model_directory, width):
    page = (model_directory / "report.html").as_uri()
    browser.send(
        "Emulation.setDeviceMetricsOverride",
        width=width,
        height=800,
        deviceScaleFactor=1,
        mobile=width < 500,
    )
    browser.forget_requests()
    browser.open(page)
    assert browser.evaluate("document.documentElement.scrollWidth") <= width
    fetched = [url for url in browser.requests() if not url.startswith("data:")]
    assert fetched == [page]
    broken = "[...document.images].filter((image) => !image.naturalWidth).length"
    assert browser.evaluate(broken) == 0


def test_text_can_be_read_in_the_dark(browser, model_directory):
    dark = [{"name": "prefers-color-scheme", "value": "dark"}]
    browser.send("Emulation.setEmulatedMedia", features=dark)
    browser.open((model_directory / "report.html").as_uri())
    colours = browser.evaluate(
        "((style) => [style.color, style.backgroundColor])(getComputedStyle(document.body))"
    )
    ink, paper = (sum(int(part) for part in colour[4:-1].split(",")) / 3 for colour in colours)
    assert ink > 200
    assert paper < 60
