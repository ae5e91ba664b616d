"""Views behind the same sign-in, middleware and frame as ours."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_POST

from .forms import PlainForm
from .models import Note


@login_required
def empty(request: HttpRequest) -> HttpResponse:
    """The frame of every page, and nothing in it."""
    return render(request, "base.html")


@login_required
def plain(request: HttpRequest) -> HttpResponse:
    return render(request, "comparison/plain.html", {"form": PlainForm(user=request.user)})


@login_required
@require_POST
def bare(request: HttpRequest) -> HttpResponse:
    """Session, CSRF, one INSERT."""
    note = Note(author=request.user, subject=request.POST["subject"], body=request.POST["communication_body"])
    note.at = timezone.now()
    note.save(force_insert=True)
    return HttpResponseRedirect("/comparison/empty/")
