"""Processes that run on look for garbage seldom, and never again at what was there when they began."""

import os
import subprocess
import sys

from casesite.runner.parts import ROOT

TOLD = "import gc; print(gc.get_threshold()[0], gc.get_freeze_count() > 10_000)"


def ran(program, tmp_path):
    environment = os.environ | {"CASESITE_VAR": str(tmp_path), "DJANGO_SETTINGS_MODULE": "casesite.settings"}
    command = [sys.executable, "-c", f"{program}\n{TOLD}"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_the_web_process_leaves_alone_what_it_loaded(tmp_path):
    assert ran("import casesite.wsgi", tmp_path) == "10000 True"


def test_a_dispatcher_leaves_alone_what_it_loaded(tmp_path):
    program = """
import django; django.setup()
from casesite.delivery import process
from casesite.delivery.management.commands import dispatcher
dispatcher.begin = lambda after_restore: False
dispatcher.Dispatcher.run = lambda self: None
dispatcher.resign = process.keep_beating = process.stopped = lambda: None
import os
dispatcher.Command(stdout=open(os.devnull, "w")).handle(after_restore=False)
"""
    assert ran(program, tmp_path) == "10000 True"


def test_a_worker_leaves_alone_what_it_loaded(tmp_path):
    program = """
import django; django.setup()
from casesite.delivery import process, tasks, watchdog
process.start_beating = lambda *_about: None
watchdog.start = lambda: None
from celery.signals import worker_ready
worker_ready.send(sender=None)
"""
    assert ran(program, tmp_path) == "10000 True"
