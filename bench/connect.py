"""Forms made from Connect templates beside an empty page."""

import json
import re
import statistics
import tempfile
from pathlib import Path
from urllib.parse import urlencode

from bench.figures import Figure, at_most, say
from bench.pages import EMPTY, browsers_of
from bench.requests import Browser
from bench.throughput import fill
from tests.sites import Site

FIELDS, MANY, RULES = 30, 200, 50
ROUNDS, REQUESTS, REQUESTS_MANY = 5, 60, 12
HOW = (
    "Connect forms",
    f"One web process as `make run` starts it, templates of {FIELDS} and of {MANY} fields with {RULES} rules, for one signed-in agent; "
    f"{ROUNDS} rounds in turns with an empty page of the same frame, whose sign-in is Django's own; medians. The fragment is what an answer brings back while one "
    f"fills in the form of {MANY} fields.",
)


def measure() -> list[Figure]:
    with tempfile.TemporaryDirectory(prefix="casesite-bench-") as folder:
        site = Site.in_parts(Path(folder), time_scale=1)
        try:
            for part in ("worker", "dispatcher", "web"):
                site.stop_part(part)
            told = json.loads(fill(site, "connect_forms", MANY, DJANGO_SETTINGS_MODULE="bench.settings"))
            web = site.start_part("web", DJANGO_SETTINGS_MODULE="bench.settings")
            return _form_figures(*browsers_of(site, told, web.pid), told)
        finally:
            site.stop()


def _form_figures(browser: Browser, django: Browser, told: dict[str, str]) -> list[Figure]:
    shown = re.findall(r'name="known" value="([^"]*)"', browser.text(told["many"]))
    typed = urlencode([("action", "update"), ("fields-field-7", "option-3"), *(("known", one) for one in shown)])
    rounds = []
    for number in range(ROUNDS + 1):
        empty = django.get(EMPTY, REQUESTS)
        form = browser.get(told["few"], REQUESTS)
        many = browser.get(told["many"], REQUESTS_MANY)
        fragment = browser.fragment(told["many"], REQUESTS_MANY, typed)
        if number:  # the first one warms
            rounds.append((form.cpu / empty.cpu, form.cpu, many.cpu, fragment.cpu))
            say(
                "  round {}: {:.2f} ×, ms {:.1f}, {:.1f}, {:.1f}".format(
                    number, *(rounds[-1][0], *(each * 1000 for each in rounds[-1][1:]))
                )
            )
    ratio, form_cpu, many_cpu, fragment_cpu = (statistics.median(column) for column in zip(*rounds, strict=True))
    beside = f"{form_cpu * 1000:.1f} ms"
    return [
        at_most(
            f"CPU of a Connect form of {FIELDS} fields, of an empty page's", ratio, 4, "×", digits=2, beside=beside
        ),
        at_most(f"CPU of a Connect form of {MANY} fields and {RULES} rules", many_cpu * 1000, 150, "ms", digits=1),
        at_most(f"CPU of an answer's fragment at {MANY} fields", fragment_cpu * 1000, 60, "ms", digits=1),
    ]
