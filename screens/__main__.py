"""`python -m screens [PAGE ...] [--to FOLDER]`: start a site of its own with demo data and picture its pages, all or those named.

Each at 1280, 768 and 390 px, light and dark; some in forced colours too. A run of all pages also writes index.md.
"""

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from casesite.runner.parts import ROOT
from screens.camera import Camera
from screens.pages import PAGES
from screens.stage import Stage
from tests import browsers
from tests.sites import Site

# The same letters on every machine with the same fonts.
ARGUMENTS = [*browsers.ARGUMENTS, "--force-color-profile=srgb", "--font-render-hinting=none"]
FOLDER = ROOT / "docs" / "screens"


def main(words: list[str]) -> int:
    given = _given(words)
    pages = [page for page in PAGES if not given.pages or page.name in given.pages]
    if not (path := browsers.find()):
        print(browsers.WHY, file=sys.stderr)
        return 1
    given.to.mkdir(parents=True, exist_ok=True)
    var = Path(tempfile.mkdtemp(prefix="casesite-screens-"))
    site = Site.start(var, time_scale=1)
    try:
        stage = Stage(site)
        with sync_playwright() as playwright:
            camera = Camera(playwright.chromium.launch(executable_path=path, args=ARGUMENTS), site.url)
            for page in pages:
                size = sum(camera.take(stage, page, given.to))
                print(f"{page.name}: {size / 1024:.0f} KB", flush=True)
    finally:
        site.stop()
        shutil.rmtree(var, ignore_errors=True)
    if not given.pages:
        (given.to / "index.md").write_text(_index(), encoding="utf-8")
    return 0


def _given(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m screens", description=__doc__)
    parser.add_argument("pages", nargs="*", metavar="PAGE", choices=[*(page.name for page in PAGES), []])
    parser.add_argument("--to", type=Path, default=FOLDER, help="the folder for the pictures (docs/screens)")
    return parser.parse_args(words)


def _index() -> str:
    """All pictures by page, as a table of links."""
    lines = [
        "# Screens",
        "",
        "Every page, with the demo's data. Made by `make screens`, which starts a site of its own for that.",
        "",
    ]
    for page in PAGES:
        pictures = ", ".join(f"[{shape.text}]({page.name}-{shape.suffix}.png)" for shape in page.shapes)
        lines += [f"- **{page.title}**: {pictures}"]
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
