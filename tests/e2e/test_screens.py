"""`make screens`: pictures of pages, small enough to be kept beside the code."""

import struct

import pytest
from playwright.sync_api import expect

from screens.camera import Camera
from screens.pages import PAGES
from screens.stage import Stage

pytestmark = [pytest.mark.browser, pytest.mark.processes]
NAMED = {page.name: page for page in PAGES}


def test_page_is_pictured_in_its_shapes_in_a_palette(site, browser, tmp_path):
    page = NAMED["settings"]

    sizes = Camera(browser, site.url).take(Stage(site), page, tmp_path)

    pictures = sorted(tmp_path.iterdir())
    assert [each.name for each in pictures] == sorted(f"settings-{shape.suffix}.png" for shape in page.shapes)
    assert max(sizes) < 60_000
    shown = browser.new_page()
    for each in pictures:
        width, _height, depth, colours = struct.unpack(">IIBB", each.read_bytes()[16:26])
        assert (str(width), depth, colours) == (each.stem.split("-")[1], 8, 3)
        shown.goto(each.as_uri())
        expect(shown.locator("img")).to_have_js_property("naturalWidth", width)  # a browser can read it
    shown.close()


def test_every_page_has_a_name_of_its_own():
    assert len(NAMED) == len(PAGES)
