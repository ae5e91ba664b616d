"""Every environment variable is read here, once, with its type. docs/operations.md lists them."""

import os
import secrets
import shlex
import time
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import environ
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _

from casesite.runner import broker_url, record

env = environ.Env()
BASE_DIR = Path(__file__).resolve().parent.parent


def _one_of(name: str, default: str, allowed: tuple[str, ...]) -> str:
    value = env.str(name, default=default)
    if value not in allowed:
        raise ImproperlyConfigured(f"{name}={value!r}: use one of {', '.join(allowed)}")
    return value


def _number(name: str, default: float, low: float, high: float) -> float:
    value = env.float(name, default=default)
    if not low <= value <= high:
        raise ImproperlyConfigured(f"{name}={value}: use a number from {low:g} to {high:g}")
    return value


def _secret_key(folder: Path) -> str:
    """The signing key: from the environment, else made once and kept readable by its owner only."""
    if key := env.str("CASESITE_SECRET_KEY", default=""):
        return key
    path = folder / "secret-key"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        try:
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            pass
        else:
            with os.fdopen(handle, "w") as file:
                file.write(secrets.token_urlsafe(50))
        # Another process may have made the file this instant and not written it yet.
        for _attempt in range(100):
            if key := path.read_text().strip():
                return key
            time.sleep(0.02)
    except OSError as exc:
        raise ImproperlyConfigured(
            f"{folder} cannot be written ({exc.strerror}): set CASESITE_VAR to a folder that can"
        ) from exc
    raise ImproperlyConfigured(f"{path} is empty: delete it and start again")


def database(url: str) -> dict[str, Any]:
    """What Django is told of a database by its address. Raises ImproperlyConfigured or ValueError where that is none."""
    told: dict[str, Any] = env.db_url_config(url)
    if told["ENGINE"].endswith("sqlite3"):
        # FULL: with NORMAL a power cut may erase a committed intent, and the case would be sent twice.
        told["OPTIONS"] = {
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
        }
        told["CONN_MAX_AGE"] = None
    else:
        # Asynchronous commit is never safe where a commit stands for a promise to AWS.
        told.setdefault("OPTIONS", {})["options"] = (
            "-c synchronous_commit=on -c lock_timeout=5000 -c statement_timeout=15000"
        )
        told["CONN_MAX_AGE"] = 60
        told["CONN_HEALTH_CHECKS"] = True
    return told


# --- where and as what it runs -------------------------------------------------------------------------------------------
VAR = Path(env.str("CASESITE_VAR", default=str(BASE_DIR / "var"))).resolve()
# A command beside `manage.py up` reaches the same site: what its own shell leaves out comes from there.
for _name, _value in record.environment(VAR).items():
    os.environ.setdefault(_name, _value)
_SHARED = (
    "CASESITE_AWS",
    "CASESITE_TIME_SCALE",
    "CASESITE_TIME_SCALE_FORCED",
    "CASESITE_GATE_RATE",
    "CASESITE_GATE_BURST",
    "CASESITE_DRY_RUNS",
    "DATABASE_URL",
)
STARTED_WITH = {name: value for name in _SHARED if (value := env.str(name, default=""))}
AWS_MODE = _one_of("CASESITE_AWS", "sandbox", ("sandbox", "live"))
SANDBOX = AWS_MODE == "sandbox"
NAMED_SANDBOX = env.str("CASESITE_SANDBOX_URL", default="")  # empty: `up` starts one of its own
SANDBOX_URL = NAMED_SANDBOX or "http://127.0.0.1:8010"
TIME_SCALE = _number("CASESITE_TIME_SCALE", 1, 1, 60)
if TIME_SCALE != 1 and not SANDBOX and not env.bool("CASESITE_TIME_SCALE_FORCED", default=False):
    raise ImproperlyConfigured("CASESITE_TIME_SCALE shortens safety times and is refused with CASESITE_AWS=live")
# Live only: where to find each service instead of AWS's public address. Empty leaves it to the SDK.
_any_endpoint = env.str("AWS_ENDPOINT_URL", default="")
AWS_ENDPOINTS = {
    "support": env.str("AWS_ENDPOINT_URL_SUPPORT", default=_any_endpoint),
    "sts": env.str("AWS_ENDPOINT_URL_STS", default=_any_endpoint),
    "connectcases": env.str("AWS_ENDPOINT_URL_CONNECTCASES", default=_any_endpoint),
    "connect": env.str("AWS_ENDPOINT_URL_CONNECT", default=_any_endpoint),
    "customer-profiles": env.str("AWS_ENDPOINT_URL_CUSTOMER_PROFILES", default=_any_endpoint),
}
DEBUG = env.bool("CASESITE_DEBUG", default=False)
PORT = env.int("PORT", default=8000)
URL = env.str("CASESITE_URL", default=f"http://127.0.0.1:{PORT}").rstrip("/")
_parts = urlsplit(URL)
if _parts.scheme not in ("http", "https") or not _parts.hostname:
    raise ImproperlyConfigured(f"CASESITE_URL={URL!r}: use an address such as https://cases.example.com")
SECURE = _parts.scheme == "https"
SECRET_KEY = _secret_key(VAR)

# --- what accounts start with; each account has columns of its own ---------------------------------------------------------
CASES_PER_HOUR = env.int("CASESITE_CASES_PER_HOUR", default=10)
RESERVED_URGENT = env.int("CASESITE_RESERVED_URGENT", default=3)
GATE_RATE = _number("CASESITE_GATE_RATE", 1, 1, 1000)  # multiplies the rates of gates: for benchmarks and raised quotas
GATE_BURST = _number("CASESITE_GATE_BURST", 1, 1, 1000)  # and how many calls may be made at once
DRY_RUNS = env.bool("CASESITE_DRY_RUNS", default=True)  # ask AWS whether it would accept a case before it goes out
SCAN_SECONDS = _number("CASESITE_SCAN_SECONDS", 120, 1, 3600)
try:  # what looks at each file before it goes out; empty: nothing does
    SCAN_COMMAND = shlex.split(env.str("CASESITE_SCAN_COMMAND", default=""))
except ValueError as exc:
    raise ImproperlyConfigured(f"CASESITE_SCAN_COMMAND can't be read as a command: {exc}") from exc
WORKER_THREADS = env.int("CASESITE_WORKER_THREADS", default=16)
FAILPOINT = env.str("CASESITE_FAILPOINT", default="")  # tests only, see casesite/delivery/failpoints.py
if FAILPOINT and not SANDBOX:
    raise ImproperlyConfigured("CASESITE_FAILPOINT is for tests and is refused with CASESITE_AWS=live")

# --- letters ---------------------------------------------------------------------------------------------------------------
_mail_url = env.str("CASESITE_MAIL_URL", default="")  # empty: nobody gets a letter; the desk tells the same
MAIL = bool(_mail_url)
if MAIL:
    globals().update(env.email_url_config(_mail_url))
EMAIL_TIMEOUT = 10  # seconds
DEFAULT_FROM_EMAIL = env.str("CASESITE_MAIL_FROM", default=f"casesite@{_parts.hostname}")

# --- Django ----------------------------------------------------------------------------------------------------------------
ALLOWED_HOSTS = list({_parts.hostname, "127.0.0.1", "localhost", "[::1]"}) if not SECURE else [_parts.hostname]
CSRF_TRUSTED_ORIGINS = [URL]
ROOT_URLCONF = "casesite.urls"
WSGI_APPLICATION = "casesite.wsgi.application"
INSTALLED_APPS = [
    "casesite.apps.CasesiteConfig",
    "casesite.review.site.CasesiteAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "crispy_forms",
    "crispy_bootstrap5",
    "django_htmx",
    "csp",
    "axes",
    "simple_history",
    "casesite.web",
    "casesite.teams",
    "casesite.pacing",
    "casesite.lookups",
    "casesite.catalog",
    "casesite.cases",
    "casesite.submissions",
    "casesite.notices",
    "casesite.delivery",
    "casesite.desk",
    "casesite.review",
    "casesite.runner",
]
MIDDLEWARE = [
    "casesite.web.health.HealthMiddleware",  # before host names, redirects and sessions
    "casesite.web.request_ids.RequestIdMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "casesite.web.middleware.TimeZoneMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "simple_history.middleware.HistoryRequestMiddleware",
    "axes.middleware.AxesMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "casesite.web.context.page",
            ],
        },
    }
]
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "casesite.web.sessions.PasswordBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "desk"
LOGOUT_REDIRECT_URL = "login"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_TZ = True
TIME_ZONE = "UTC"
CRISPY_ALLOWED_TEMPLATE_PACKS = "bootstrap5"
CRISPY_TEMPLATE_PACK = "bootstrap5"
DATA_UPLOAD_MAX_MEMORY_SIZE = 2_500_000
DATA_UPLOAD_MAX_NUMBER_FIELDS = 500
FILE_UPLOAD_HANDLERS = ["casesite.cases.receiving.ReceivingHandler"]
RECEIVING = VAR / "receiving"  # beside the files, so that a received one is moved and not copied
FILE_UPLOAD_PERMISSIONS = 0o600
FILE_UPLOAD_DIRECTORY_PERMISSIONS = 0o700

# Sign-in attempts: ten wrong passwords for one name from one address stop that pair for a quarter of an hour.
AXES_FAILURE_LIMIT = 10
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_LOCKOUT_TEMPLATE = "registration/locked.html"
AXES_RESET_ON_SUCCESS = True
AXES_VERBOSE = False
AXES_ENABLE_ADMIN = False  # `manage.py axes_reset_username NAME` lets a person in again before the time is over
AXES_IPWARE_PROXY_COUNT = env.int("CASESITE_PROXIES", default=0)

# --- database --------------------------------------------------------------------------------------------------------------
DATABASE_URL = env.str("DATABASE_URL", default="") or f"sqlite:///{VAR / 'casesite.sqlite3'}"
DATABASES = {"default": database(DATABASE_URL)}

# --- broker and workers: the values and their reasons stand in docs/delivery.md -------------------------------------------------
NAMED_BROKER = env.str("REDIS_URL", default="")  # empty: `up` starts one of its own
REDIS_URL = NAMED_BROKER or "redis://127.0.0.1:6379/0"
_line = {"socket_timeout": 2, "socket_connect_timeout": 1, "socket_keepalive": True}
try:
    _broker = broker_url.read(REDIS_URL, timeouts=_line)
except ValueError as exc:
    raise ImproperlyConfigured(f"REDIS_URL can't be read: {exc}") from exc
CELERY_BROKER_URL = _broker.url
CELERY_BROKER_USE_SSL = _broker.tls or False  # by a rediss:// address alone Celery would trust any certificate
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 3600,
    **_line,
    "health_check_interval": 25,
    "max_retries": 0,
    "queue_order_strategy": "priority",
    "global_keyprefix": "casesite:",
    **_broker.options,
}
if REDIS_URL.startswith("filesystem:"):
    _mail = VAR / "broker"
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "data_folder_in": str(_mail),
        "data_folder_out": str(_mail),
        "control_folder": str(_mail / "control"),
    }
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_BROKER_CONNECTION_RETRY = True
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_PUBLISH_RETRY = False
CELERY_TASK_ACKS_LATE = False
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_STORE_ERRORS_EVEN_IF_IGNORED = False
CELERY_RESULT_BACKEND = None
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_WORKER_POOL = "threads"
CELERY_WORKER_CONCURRENCY = WORKER_THREADS
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_SEND_TASK_EVENTS = False
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = False
CELERY_TASK_DEFAULT_QUEUE = "default"
CELERY_TASK_CREATE_MISSING_QUEUES = True
BELL_EXPIRES = 60  # seconds; a broker that returns must not deliver an hour of stale bells
BELL_PRIORITY = {"urgent": 0, "default": 3, "lookups": 3, "sync": 6}

# --- static files, pages, security -----------------------------------------------------------------------------------------------
STATIC_URL = "static/"
STATIC_ROOT = Path(env.str("CASESITE_STATIC_ROOT", default=str(BASE_DIR / "staticfiles")))
STATICFILES_DIRS = [BASE_DIR / "static"]
_FOLDER = {"location": str(VAR / "files")}
FILES_BACKEND = env.str("CASESITE_FILES_BACKEND", default="django.core.files.storage.FileSystemStorage")
FILES_OPTIONS = env.json(
    "CASESITE_FILES_OPTIONS", default=_FOLDER if FILES_BACKEND.endswith("FileSystemStorage") else {}
)
STORAGES = {
    "default": {"BACKEND": FILES_BACKEND, "OPTIONS": FILES_OPTIONS},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],  # Bootstrap's icons are data: SVG
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
    }
}
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
SESSION_ENGINE = "casesite.web.sessions"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
# Several sites may run side by side on one host name: cookies carry the port, else they sign each other out.
SESSION_COOKIE_NAME = "casesite_session" if SECURE else f"casesite_session_{PORT}"
CSRF_COOKIE_NAME = "casesite_csrf" if SECURE else f"casesite_csrf_{PORT}"
CSRF_COOKIE_HTTPONLY = True
CSRF_FAILURE_VIEW = "casesite.web.views.csrf_failure"
MESSAGE_STORAGE = "casesite.web.messages.Messages"
if SECURE:
    SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = True
    SECURE_SSL_REDIRECT = True
    SECURE_HSTS_SECONDS = 31_536_000
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    SECURE_HSTS_PRELOAD = True
    if env.int("CASESITE_PROXIES", default=0):
        SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

LOG_FORMAT = _one_of("CASESITE_LOG_FORMAT", "console", ("console", "json"))  # for people, or for programs
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "console": {
            "()": "casesite.web.logs.FieldFormatter",
            "format": "%(asctime)s %(levelname)s %(name)s %(message)s",
        },
        "json": {"()": "casesite.web.logs.JsonFormatter"},
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": LOG_FORMAT}},
    "root": {"handlers": ["console"], "level": env.str("CASESITE_LOG_LEVEL", default="INFO")},
    "loggers": {
        "botocore": {"level": "WARNING"},
        "celery": {"level": "WARNING"},  # a line for each bell says nothing
        "django.server": {"handlers": ["console"], "level": "WARNING", "propagate": False},
        "axes": {"level": "WARNING"},
    },
}
