"""One browser that takes pictures of whole pages and writes them as small PNGs.

Everything that would differ from run to run without need is held still: animations, caret, time zone, language, fonts.
"""

import base64
import struct
import zlib
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext
from playwright.sync_api import Page as Tab

from screens.opening import sign_in
from screens.pages import Page
from screens.shapes import Shape
from screens.stage import Stage

STILL = """() => {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(`
    *, *::before, *::after { transition: none !important; animation: none !important; caret-color: transparent !important }
    .side.sticky, .saving-line { position: static !important; max-height: none !important; overflow: visible !important } /* a whole page has no lower edge to stick to */
  `);
  document.adoptedStyleSheets.push(sheet);
}"""
# The most frequent colours make the palette, each other pixel takes the nearest of them. For pages that is enough: they are
# flat areas and the soft edges of letters.
INDEXED = """async ([data, most]) => {
  const bytes = Uint8Array.from(atob(data), (each) => each.charCodeAt(0));
  const image = await createImageBitmap(new Blob([bytes]));
  const context = new OffscreenCanvas(image.width, image.height).getContext("2d");
  context.drawImage(image, 0, 0);
  const pixels = new Uint32Array(context.getImageData(0, 0, image.width, image.height).data.buffer);
  const counts = new Map();
  for (const pixel of pixels) counts.set(pixel, (counts.get(pixel) ?? 0) + 1);
  const palette = [...counts].sort((a, b) => b[1] - a[1] || a[0] - b[0]).slice(0, most).map(([pixel]) => pixel);
  const parts = (pixel) => [pixel & 255, (pixel >> 8) & 255, (pixel >> 16) & 255];
  const known = palette.map(parts);
  const places = new Map(palette.map((pixel, place) => [pixel, place]));
  const nearest = (pixel) => {
    const [r, g, b] = parts(pixel);
    let best = 0, least = Infinity;
    known.forEach(([x, y, z], place) => {
      const apart = (r - x) ** 2 * 2 + (g - y) ** 2 * 4 + (b - z) ** 2 * 3;
      if (apart < least) [best, least] = [place, apart];
    });
    return best;
  };
  const indexes = new Uint8Array(pixels.length);
  for (let at = 0; at < pixels.length; at++) {
    let place = places.get(pixels[at]);
    if (place === undefined) places.set(pixels[at], (place = nearest(pixels[at])));
    indexes[at] = place;
  }
  let text = "";
  for (let at = 0; at < indexes.length; at += 32768) text += String.fromCharCode(...indexes.subarray(at, at + 32768));
  return [image.width, image.height, known.flat(), btoa(text)];
}"""
COLOURS = 32
LONGEST = 2600  # px; below that a page tells nothing new


class Camera:
    """`take` pictures a page in all its shapes."""

    def __init__(self, browser: Browser, url: str) -> None:
        self._browser = browser
        self._url = url
        self._sessions: dict[str, Any] = {}
        self._darkroom = browser.new_page()

    def take(self, stage: Stage, page: Page, folder: Path) -> list[int]:
        """Open the page once and picture it in each shape; the files' sizes."""
        context = self._context(self._session(stage, page.who))
        tab = context.new_page()
        page.open(tab, stage)
        tab.evaluate(STILL)
        sizes = [self._picture(tab, shape, folder / f"{page.name}-{shape.suffix}.png") for shape in page.shapes]
        context.close()
        return sizes

    def _context(self, session: Any = None) -> BrowserContext:
        return self._browser.new_context(
            base_url=self._url,
            locale="en-GB",
            timezone_id="UTC",
            reduced_motion="reduce",
            viewport={"width": 1280, "height": 900},
            storage_state=session,
        )

    def _session(self, stage: Stage, name: str) -> Any:
        """The cookies of somebody who is signed in; none for nobody."""
        if name and name not in self._sessions:
            context = self._context()
            sign_in(context.new_page(), name, stage.password(name))
            self._sessions[name] = context.storage_state()
            context.close()
        return self._sessions.get(name)

    def _picture(self, tab: Tab, shape: Shape, path: Path) -> int:
        tab.set_viewport_size({"width": shape.width, "height": shape.height})
        tab.emulate_media(
            color_scheme=shape.scheme,  # type: ignore[arg-type]
            forced_colors="active" if shape.forced else "none",
            contrast="more" if shape.contrast else "no-preference",
        )
        tab.evaluate("document.fonts.ready")
        height = min(LONGEST, tab.evaluate("document.documentElement.scrollHeight"))
        clip = {"x": 0, "y": 0, "width": shape.width, "height": height}
        path.write_bytes(self.small(tab.screenshot(full_page=True, clip=clip)))  # type: ignore[arg-type]
        return path.stat().st_size

    def small(self, png: bytes) -> bytes:
        """The same picture with a palette."""
        width, height, palette, data = self._darkroom.evaluate(INDEXED, [base64.b64encode(png).decode(), COLOURS])
        return _as_png(width, height, bytes(palette), base64.b64decode(data))


def _as_png(width: int, height: int, palette: bytes, indexes: bytes) -> bytes:
    """A PNG file of 8-bit indexes into a palette of RGB triples."""
    rows = b"".join(b"\0" + indexes[at : at + width] for at in range(0, width * height, width))
    parts: list[tuple[bytes, Any]] = [
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)),
        (b"PLTE", palette),
        (b"IDAT", zlib.compress(rows, 9)),
        (b"IEND", b""),
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, body) for name, body in parts)


def _chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
