"""The shapes that a page is pictured in: how wide, light or dark, in the system's colours or ours."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Shape:
    width: int
    scheme: str = "light"
    forced: bool = False
    contrast: bool = False

    @property
    def suffix(self) -> str:
        said = {"dark": self.scheme == "dark", "forced": self.forced, "contrast": self.contrast}
        return "-".join([f"{self.width}", *(name for name, holds in said.items() if holds)])

    @property
    def text(self) -> str:
        colours = "forced colours" if self.forced else "more contrast" if self.contrast else self.scheme
        return f"{self.width} {colours}"

    @property
    def height(self) -> int:
        return {1280: 900, 768: 1024, 390: 844}[self.width]


ALL = tuple(Shape(width, scheme) for scheme in ("light", "dark") for width in (1280, 768, 390))
STRONG = (*ALL, Shape(1280, contrast=True), Shape(1280, "dark", forced=True))
FEW = (Shape(1280), Shape(768, "dark"), Shape(390))  # for the many pages that are made of the same pieces
