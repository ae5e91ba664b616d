"""Where a sentence waits for the next page: in the browser, so that a click costs no second commit."""

from django.conf import settings
from django.contrib.messages.storage.cookie import CookieStorage
from django.contrib.messages.storage.fallback import FallbackStorage
from django.contrib.messages.storage.session import SessionStorage


class OwnCookie(CookieStorage):
    """Signed, and told apart from that of another site on the same host name."""

    cookie_name = settings.SESSION_COOKIE_NAME.replace("session", "messages")


class Messages(FallbackStorage):
    """What is too long for a cookie waits in the session."""

    storage_classes = (OwnCookie, SessionStorage)
