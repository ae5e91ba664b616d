"""What every answer carries, who may try how often, and what https changes."""

import json
import subprocess
import sys

import pytest
from django.test import Client

from casesite.runner.parts import ROOT
from tests.factories import PASSWORD, a_team, a_user
from tests.sites import bare_environment, static_root
from tests.worlds import World

POLICY = {
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    "font-src 'self'",
    "connect-src 'self'",
    "form-action 'self'",
    "frame-ancestors 'none'",
    "base-uri 'none'",
}
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}


# --- headers -------------------------------------------------------------------------------------------------------------
@pytest.mark.django_db
def test_every_page_carries_the_policy_and_the_headers(bells):
    world = World()
    clients = {name: world.client(name) for name in ("nobody", "author", "lead", "superuser")}
    more = [
        ("nobody", "/"),
        ("author", "/nowhere/"),
        ("author", "/admin/login/"),
        ("author", world.address("cases/<draft>/state/")),
    ]

    for name, address in [*world.pages(), *more]:
        answer = clients[name].get(address)
        assert set(answer.headers["Content-Security-Policy"].split("; ")) == POLICY, address
        assert {header: answer.headers.get(header) for header in HEADERS} == HEADERS, address


@pytest.mark.django_db
def test_cookies_are_out_of_reach_for_scripts_and_other_sites():
    a_user("somebody")
    client = Client()

    client.get("/accounts/login/")
    client.post("/accounts/login/", {"username": "somebody", "password": PASSWORD})

    flags = {name.rpartition("_")[0]: (each["httponly"], each["samesite"]) for name, each in client.cookies.items()}
    assert flags == {"casesite_csrf": (True, "Lax"), "casesite_session": (True, "Lax")}


# --- sign-in attempts ----------------------------------------------------------------------------------------------------
@pytest.mark.django_db
def test_ten_wrong_passwords_stop_that_name_from_that_address_and_nobody_else():
    team = a_team()
    a_user("owl", team=team), a_user("fox", team=team)

    def sign_in(name: str, password: str, address: str = "192.0.2.1") -> int:
        given = {"username": name, "password": password}
        return Client(REMOTE_ADDR=address).post("/accounts/login/", given).status_code

    wrong = [sign_in("owl", f"guess {n}") for n in range(10)]

    assert wrong == [200] * 9 + [429]
    assert sign_in("owl", PASSWORD) == 429
    assert sign_in("fox", PASSWORD) == 302
    assert sign_in("owl", PASSWORD, "192.0.2.2") == 302


# --- under https -----------------------------------------------------------------------------------------------------------
# In a process of its own: settings are read once.
ASK = """
import json
import django
django.setup()
from django.conf import settings
from django.test import Client

over_https = Client(headers={"host": "cases.example.com", "x-forwarded-proto": "https"})
plain = Client(headers={"host": "cases.example.com"})
page, redirect = over_https.get("/accounts/login/"), plain.get("/accounts/login/?next=/cases/")
stranger = Client(headers={"host": "evil.example", "x-forwarded-proto": "https"}).get("/accounts/login/")
print(json.dumps({
    "status": [page.status_code, redirect.status_code, stranger.status_code],
    "location": redirect.headers["Location"],
    "hsts": page.headers.get("Strict-Transport-Security"),
    "csrf": {name: [each["secure"], each["httponly"], each["samesite"]] for name, each in page.cookies.items()},
    "session": [settings.SESSION_COOKIE_SECURE, settings.SESSION_COOKIE_HTTPONLY, settings.SESSION_COOKIE_SAMESITE],
    "health": plain.get("/healthz").status_code,
}))
"""


def test_https_address_brings_secure_cookies_hsts_and_the_redirect(tmp_path):
    environment = bare_environment() | {
        "DJANGO_SETTINGS_MODULE": "casesite.settings",
        "CASESITE_VAR": str(tmp_path),
        "CASESITE_STATIC_ROOT": str(static_root()),
        "CASESITE_URL": "https://cases.example.com",
        "CASESITE_PROXIES": "1",
    }
    command = [sys.executable, "-c", ASK]

    said = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True, timeout=60)

    assert json.loads(said.stdout) == {
        "status": [200, 301, 400],
        "location": "https://cases.example.com/accounts/login/?next=/cases/",
        "hsts": "max-age=31536000; includeSubDomains; preload",
        "csrf": {"casesite_csrf": [True, True, "Lax"]},
        "session": [True, True, "Lax"],
        "health": 200,
    }
