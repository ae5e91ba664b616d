"""Pages that belong to no package: signing in, and what goes wrong on the way to a page."""

import sys
from contextlib import suppress
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.views import LoginView, PasswordChangeView, redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.middleware.csrf import get_token
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import reverse_lazy
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from casesite.database import TROUBLE

from .auth import KEPT, Kept, here, is_same_origin, resume

DEMO_SIGN_INS = "demo-sign-ins.txt"  # written in the var folder beside the demo's people


class SignIn(LoginView):
    """Name and password; what somebody posted before goes on from here."""

    redirect_authenticated_user = True

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.user.is_authenticated and self.kept and self.get_redirect_url():
            return resume(request, self.get_redirect_url(), self.kept)  # signed in meanwhile, in another tab
        return super().dispatch(request, *args, **kwargs)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if "username" not in request.POST:  # back from the page that says "too many attempts"
            return self.get(request, *args, **kwargs)
        return super().post(request, *args, **kwargs)

    def get_form_kwargs(self) -> dict[str, Any]:
        kwargs = super().get_form_kwargs()
        if "username" not in self.request.POST:
            kwargs.pop("data", None)
            kwargs.pop("files", None)
        return kwargs

    def form_valid(self, form: Any) -> HttpResponse:
        to_desk = super().form_valid(form)
        address = self.get_redirect_url()
        return resume(self.request, address, self.kept) if self.kept and address else to_desk

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        demo = settings.SANDBOX and (settings.VAR / DEMO_SIGN_INS).exists()
        return super().get_context_data(kept=self.kept, demo=demo, **kwargs)

    @property
    def kept(self) -> Kept | None:
        return Kept.read(self.request.POST.get(KEPT, ""))


class ChangePassword(PasswordChangeView):
    template_name = "registration/password.html"
    success_url = reverse_lazy("settings")

    def form_valid(self, form: Any) -> HttpResponse:
        messages.success(self.request, _("Your password is changed. Other sessions of yours are signed out."))
        return super().form_valid(form)


@never_cache
def admin_sign_in(request: HttpRequest) -> HttpResponse:
    """The admin has no sign-in page of its own; who is signed in and sent here may not see what they asked for."""
    if request.user.is_authenticated:
        raise PermissionDenied(_("These pages are for reviewers, leads and administrators."))
    return redirect_to_login(here(request, request.GET.get("next", "")) or "/admin/")


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Says why nothing was done. Text from a page of ours, left open over another sign-in, can be sent again."""
    kept = Kept.of(request.POST, request.FILES) if is_same_origin(request) else None
    return render(request, "403_csrf.html", {"kept": kept, "address": request.get_full_path()}, status=403)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return HttpResponse(_framed(request, "400.html"), status=400)


def server_error(request: HttpRequest) -> HttpResponse:
    if isinstance(sys.exc_info()[1], TROUBLE):
        return _database_trouble(request)
    return HttpResponse(_framed(request, "500.html"), status=500)


def _database_trouble(request: HttpRequest) -> HttpResponse:
    """Says that nothing was done, and carries what was typed to a next try."""
    kept = None
    with suppress(*TROUBLE):  # who asks, and what files came along, may be more than the database can tell now
        kept = _typed(request)
    context = {"kept": kept, "address": request.get_full_path(), "posted": request.method == "POST"}
    answer = HttpResponse(_framed(request, "503.html", **context), status=503)
    answer["Retry-After"] = "30"
    return answer


def _typed(request: HttpRequest) -> Kept | None:
    """What a page of ours posted, unless it is a password."""
    if request.method != "POST" or not is_same_origin(request):
        return None
    return None if any("password" in name for name in request.POST) else Kept.of(request.POST, request.FILES)


def _framed(request: HttpRequest, template: str, **context: Any) -> str:
    """The page in the site's frame, or bare where what broke breaks the frame too."""
    try:
        return render_to_string(template, context, request=request)
    except Exception:  # whatever it is, it is in the log already, and the reader must be told something
        return render_to_string(template, {**context, "bare": True, "csrf_token": get_token(request)})
