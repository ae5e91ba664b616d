"""That the tests of all pages look at all of them: a page which `World.pages` lacks is told by its address."""

import pytest
from django.urls import resolve

from tests.worlds import World, routes

pytestmark = pytest.mark.django_db

POSTED = "is posted to and shows nothing of its own"
FRAGMENT = "is a piece of a page that is looked at"
FILE = "is no page but a file"
ELSEWHERE = "leads to another page"
NOBODYS = "is for nobody, and the page that says so is looked at in tests/e2e/test_pages.py"
NO_PAGES = {
    "accounts/logout/": POSTED,
    "accounts/<int:pk>/check/": POSTED,
    "accounts/<int:pk>/refresh/": POSTED,
    "accounts/<int:pk>/templates/": POSTED,
    "lookups/<int:pk>/again/": POSTED,
    "cases/new/support/save/": POSTED,
    "cases/new/connect/<int:pk>/save/": POSTED,
    "cases/<reference:reference>/save/": POSTED,
    "cases/files/": POSTED,
    "templates/<int:pk>/checks/<int:check>/remove/": POSTED,
    "queue/<uuid:pk>/": POSTED,
    "admin/logout/": POSTED,
    "admin/submissions/submission/approve/": POSTED,
    "cases/<reference:reference>/state/": FRAGMENT,
    "cases/files/<uuid:key>/scan/": FRAGMENT,
    "queue/state/": FRAGMENT,
    "cases/<reference:reference>/files/<uuid:key>/": FILE,
    "admin/jsi18n/": FILE,
    "admin/password_change/": ELSEWHERE,
    **{f"admin/{kind}/<path:object_id>/": ELSEWHERE for kind in ("teams/team", "teams/awsaccount", "teams/cannedtext")},
    **{f"admin/{kind}/<path:object_id>/": ELSEWHERE for kind in ("catalog/casesdomain", "catalog/connecttemplate")},
    "admin/auth/user/<path:object_id>/": ELSEWHERE,
    "admin/login/": NOBODYS,
    "admin/teams/team/<path:object_id>/delete/": NOBODYS,
    "admin/teams/awsaccount/<path:object_id>/delete/": NOBODYS,
    "admin/catalog/casesdomain/add/": NOBODYS,
    "admin/catalog/casesdomain/<path:object_id>/delete/": NOBODYS,
    "admin/catalog/connecttemplate/add/": NOBODYS,
    "admin/catalog/connecttemplate/<path:object_id>/delete/": NOBODYS,
    "admin/(?P<url>.*)$": NOBODYS,
}


def test_every_address_that_shows_a_page_is_looked_at(bells):
    looked_at = {resolve(address.partition("?")[0]).route or "/" for _name, address in World().pages()}

    assert looked_at | NO_PAGES.keys() == {route.replace("^", "") for route in routes()}
    assert not looked_at & NO_PAGES.keys()


def test_what_is_called_no_page_shows_none(bells):
    world = World()
    clients = [world.client(name) for name in ("author", "lead", "superuser")]

    for route, why in NO_PAGES.items():
        for client in clients:
            answer = client.get(world.address(route))
            assert answer.status_code != 200 or b"<html" not in b"".join(answer), f"{route} does not say: it {why}"
