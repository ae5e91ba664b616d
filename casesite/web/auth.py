"""Who is asking, without losing what they typed: a form posted after the session ended goes on after the sign-in.

The sign-in page carries the posted fields on in one hidden field; after a good sign-in a page posts them again to where
they were going. Files cannot be carried on.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

from django.conf import settings
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.utils.cache import add_never_cache_headers
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _

KEPT = "kept_fields"
# Without its files a form is shown again instead of being submitted; pages know this action.
LOOK_AGAIN = {"action": "update"}
View = Callable[..., HttpResponse]


@dataclass(frozen=True)
class Kept:
    """What somebody posted, on its way through the sign-in."""

    fields: tuple[tuple[str, str], ...]
    files: tuple[str, ...] = ()  # names of files that have to be chosen again

    @classmethod
    def of(cls, posted: QueryDict, files: Any = None) -> "Kept":
        names = tuple(file.name for _field, several in files.lists() for file in several) if files else ()
        pairs = ((name, value) for name, values in posted.lists() for value in values if name != "csrfmiddlewaretoken")
        return cls(tuple(_looked_at_again(pairs) if names else pairs), names)

    @classmethod
    def read(cls, text: str) -> "Kept | None":
        """What `text` carries, or None where it carries nothing that can be read."""
        try:
            told = json.loads(text)
            return cls(tuple((str(name), str(value)) for name, value in told["fields"]), tuple(map(str, told["files"])))
        except (ValueError, TypeError, KeyError):
            return None

    def __str__(self) -> str:
        return json.dumps({"fields": self.fields, "files": self.files}, ensure_ascii=False)


def _looked_at_again(pairs: Any) -> list[tuple[str, str]]:
    return [(name, LOOK_AGAIN.get(name, value)) for name, value in pairs]


def login_required_keeping_text(view: View) -> View:
    """Only for people who are signed in; what others posted waits until they are."""

    @wraps(view)
    def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.user.is_authenticated:
            return view(request, *args, **kwargs)
        if request.headers.get("HX-Request") == "true":
            return _signed_out_fragment()
        if request.method == "POST":
            return _sign_in_first(request)
        return redirect_to_login(request.get_full_path())

    return checked


def here(request: HttpRequest, address: str) -> str:
    """The address, if it leads nowhere but to this site, else nothing."""
    own = url_has_allowed_host_and_scheme(address, {request.get_host()}, require_https=request.is_secure())
    return address if own else ""


def resume(request: HttpRequest, address: str, kept: Kept) -> HttpResponse:
    """The page that posts the kept fields to where they were going, with this session's own token."""
    answer = render(request, "registration/resume.html", {"address": address, "kept": kept})
    add_never_cache_headers(answer)
    return answer


def _sign_in_first(request: HttpRequest) -> HttpResponse:
    context = {
        "form": AuthenticationForm(request),
        "next": request.get_full_path(),
        "kept": Kept.of(request.POST, request.FILES),
    }
    answer = render(request, "registration/login.html", context)
    add_never_cache_headers(answer)
    return answer


def _signed_out_fragment() -> HttpResponse:
    """Leaves the page as it is, with all that was typed, and has session.js say what happened."""
    words = _("You are signed out. What you typed is still here: when you submit it, you sign in first and it goes on.")
    answer = HttpResponse(status=401)
    answer["HX-Trigger"] = json.dumps({"casesite:signed-out": words})
    return answer


def is_same_origin(request: HttpRequest) -> bool:
    """Whether the browser says that a page of this very site sent the request."""
    origin = request.headers.get("Origin", "")
    return origin == f"{request.scheme}://{request.get_host()}" or origin in settings.CSRF_TRUSTED_ORIGINS
