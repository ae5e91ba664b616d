"""The settings of Celery that take effect: misspelt ones are ignored in silence, so each is read where it is used.

A process of its own loads the site's settings, not the tests', and connects to a real broker.
"""

import json
import socket
import subprocess
import sys

import pytest

from casesite.runner import broker, parts
from tests.sandboxes import ROOT

PROGRAM = """
import json, warnings
import django
from celery.app.defaults import DEFAULTS
from django.conf import settings
django.setup()
from casesite.celery import app

with app.connection_for_write() as connection:
    channel = connection.default_channel
    made = channel.pool.make_connection()
    line = {name: getattr(made, name) for name in
            ("socket_timeout", "socket_connect_timeout", "socket_keepalive", "health_check_interval")}
    line |= {"retries": made.retry._retries, "db": made.db}
    line |= {"visibility_timeout": channel.visibility_timeout, "order": channel.queue_order_strategy}
    line |= {"max_retries": connection.transport_options["max_retries"], "prefix": channel.global_keyprefix}
app.loader.import_default_modules()
warnings.simplefilter("ignore")  # of a worker run by root
worker = app.Worker(queues="urgent,default,lookups,sync")
names = [
    "task_acks_late", "task_ignore_result", "result_backend", "task_publish_retry", "broker_connection_retry",
    "broker_connection_retry_on_startup", "broker_connection_max_retries", "worker_enable_soft_shutdown_on_idle",
    "worker_soft_shutdown_timeout", "worker_cancel_long_running_tasks_on_connection_loss", "worker_send_task_events",
    "worker_hijack_root_logger", "task_serializer", "accept_content", "beat_schedule", "task_annotations",
    "task_acks_on_failure_or_timeout", "task_time_limit", "task_soft_time_limit",
]
print(json.dumps({
    "conf": {name: app.conf[name] for name in names},
    "line": line,
    "worker": {"pool": worker.pool_cls.__module__, "threads": worker.concurrency, "prefetch": worker.prefetch_multiplier},
    "tasks": sorted(name for name in app.tasks if not name.startswith("celery.")),
    "ignoring": sorted(name for name, task in app.tasks.items() if task.ignore_result),
    "unknown": [name for name in dir(settings) if name.startswith("CELERY_") and name[7:].lower() not in DEFAULTS],
}))
"""


@pytest.fixture(scope="module")
def broker_url(tmp_path_factory):
    """A Valkey as `up` starts it."""
    binary = broker.find_binary()
    assert binary is not None
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    server = broker.server(tmp_path_factory.mktemp("broker"), binary, port=port)
    process = subprocess.Popen(server.part.command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while not server.answers():
            assert process.poll() is None
        yield server.url
    finally:
        process.kill()
        process.wait()


@pytest.fixture(scope="module")
def effective(broker_url, tmp_path_factory):
    """What a worker with the site's own settings has."""
    environment = {
        "PATH": "/usr/bin:/bin",
        "CASESITE_VAR": str(tmp_path_factory.mktemp("var")),
        "DJANGO_SETTINGS_MODULE": "casesite.settings",
        "REDIS_URL": broker_url,
    }
    command = [sys.executable, "-c", PROGRAM]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_messages_may_be_lost_or_doubled_and_leave_nothing(effective):
    assert effective["conf"] == {
        "task_acks_late": False,
        "task_ignore_result": True,
        "result_backend": None,
        "task_publish_retry": False,
        "broker_connection_retry": True,
        "broker_connection_retry_on_startup": True,
        "broker_connection_max_retries": None,
        "worker_enable_soft_shutdown_on_idle": False,
        "worker_soft_shutdown_timeout": 0.0,
        "worker_cancel_long_running_tasks_on_connection_loss": False,
        "worker_send_task_events": False,
        "worker_hijack_root_logger": False,
        "task_serializer": "json",
        "accept_content": ["json"],
        "beat_schedule": {},
        "task_annotations": None,
        "task_acks_on_failure_or_timeout": True,
        "task_time_limit": None,
        "task_soft_time_limit": None,
    }


def test_a_broker_that_hangs_or_dies_is_given_up_quickly(effective):
    assert effective["line"] == {
        "socket_timeout": 2,
        "socket_connect_timeout": 1,
        "socket_keepalive": True,
        "health_check_interval": 25,
        "retries": 0,
        "max_retries": 0,
        "db": 0,
        "visibility_timeout": 3600,
        "order": "priority",
        "prefix": "casesite:",
    }


def test_a_worker_has_sixteen_threads_and_holds_no_bells(effective):
    assert effective["worker"] == {"pool": "celery.concurrency.thread", "threads": 16, "prefetch": 1}


def test_the_names_of_tasks_are_stable_for_ever(effective):
    assert effective["tasks"] == ["cases.scan", "delivery.canary", "delivery.work_off", "lookups.answer"]
    assert set(effective["tasks"]) <= set(effective["ignoring"])


def test_no_celery_setting_is_misspelt(effective):
    assert effective["unknown"] == []


def test_the_worker_that_up_starts_serves_all_queues_with_threads(tmp_path):
    site = parts.Site(tmp_path, 8000, "http://127.0.0.1:8000", "redis://127.0.0.1:6379/0", "", 16, {})

    command = " ".join(parts.worker(site).command)

    assert " -P threads -c 16 -Q urgent,default,lookups,sync " in command
    assert parts.worker(site).grace >= 60


def test_bells_expire_and_each_queue_has_its_priority():
    from casesite import settings

    assert settings.BELL_EXPIRES == 60
    assert settings.BELL_PRIORITY == {"urgent": 0, "default": 3, "lookups": 3, "sync": 6}


def test_a_web_process_that_rings_knows_no_task_and_no_aws_library(broker_url, tmp_path):
    """A bell is sent by its name; what the task does, and boto3 with it, stays in the workers."""
    program = (
        "import sys, casesite.wsgi\n"
        "from celery import current_app\n"
        "from casesite.pacing import bell\n"
        "assert bell.ring_now(bell.WORK_OFF, 7, queue_name='urgent')\n"
        "print([name for name in current_app.tasks if not name.startswith('celery.')])\n"
        "print([name for name in sys.modules if name.partition('.')[0] in ('boto3', 'botocore')])\n"
    )
    environment = {"PATH": "/usr/bin:/bin", "CASESITE_VAR": str(tmp_path), "REDIS_URL": broker_url}

    command = [sys.executable, "-c", program]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60)

    assert done.stdout.splitlines() == ["[]", "[]"], done.stderr
