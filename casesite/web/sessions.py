"""Who is signed in: Django's sessions and passwords, with the two questions of each request compiled once.

Every page asks for the session and for the person. Built anew each time, these queries were a third of an empty page.
"""

from datetime import datetime
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.backends import ModelBackend
from django.contrib.sessions.backends.db import SessionStore as DatabaseSessions
from django.contrib.sessions.models import Session
from django.utils import timezone

from casesite import prepared

_current_sessions = prepared.Objects(
    lambda key, now: Session.objects.filter(session_key=key, expire_date__gt=now), key=str, now=datetime
)
_people = prepared.Objects(lambda pk: get_user_model()._default_manager.filter(pk=pk), pk=int)


class SessionStore(DatabaseSessions):
    """Sessions in the database (SESSION_ENGINE names this module). Writing, ending and cleaning up are Django's."""

    def _get_session_from_db(self) -> Session | None:
        for session in _current_sessions(key=self.session_key, now=timezone.now()):
            return session
        self._session_key = None  # as Django does: a key that nobody has is not taken over
        return None


class PasswordBackend(ModelBackend):
    """People by name and password. Whom a session names is asked for each request."""

    def get_user(self, user_id: int) -> Any:
        for person in _people(pk=user_id):
            return person if self.user_can_authenticate(person) else None
        return None
