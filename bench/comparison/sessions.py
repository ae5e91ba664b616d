"""What our pages are compared with asks who is signed in as any Django site does, whatever ours does."""

from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.middleware import SessionMiddleware
from django.http import HttpRequest

COMPARISON = "/comparison/"


class ByAddress(SessionMiddleware):
    def process_request(self, request: HttpRequest) -> None:
        super().process_request(request)
        if request.path.startswith(COMPARISON):
            request.session = SessionStore(request.session.session_key)
