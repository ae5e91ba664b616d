"""Finds a Chromium for the browser tests: on the PATH, else Playwright's own. `--install` gets one where that is allowed."""

import os
import shutil
import subprocess
import sys
from functools import cache

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
# Quiet and alone: no call home, and as root no sandbox of its own.
ARGUMENTS = [
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
]
WHY = "no Chromium or Chrome here: `make test` could not get one through apt or Playwright; put one on the PATH"


@cache
def find() -> str | None:
    """The path of a browser that runs."""
    return next((path for name in NAMES if (path := shutil.which(name)) and _runs(path)), None) or _playwrights_own()


def install() -> str | None:
    """The browser that is there, or else one from the system's packages, or else Playwright's."""
    if find():
        return find()
    for command in _ways():
        print(f"no browser yet: {' '.join(command)}", flush=True)
        subprocess.run(
            command, stdin=subprocess.DEVNULL, check=False, env=os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        )
        find.cache_clear()
        if find():
            break
    return find()


def _ways() -> list[list[str]]:
    ways = [[sys.executable, "-m", "playwright", "install", "chromium"]]
    if shutil.which("apt-get") and os.geteuid() == 0:
        apt = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", "chromium"]
        ways = [["apt-get", "update", "-qq"], apt, *ways]
    return ways


def _playwrights_own() -> str | None:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if os.path.exists(path) and _runs(path) else None


def _runs(path: str) -> bool:
    """A name on the PATH may only tell how to install the real thing."""
    try:
        return subprocess.run([path, "--version"], capture_output=True, timeout=20).returncode == 0
    except (OSError, subprocess.SubprocessError):
        return False


if __name__ == "__main__":
    if "--install" in sys.argv:
        install()
    print(find() or WHY)
