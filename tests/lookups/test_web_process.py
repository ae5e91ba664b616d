"""The web process imports no boto3 and needs no AWS credentials."""

import subprocess
import sys

PROGRAM = """
import sys
import casesite.wsgi
from django.urls import get_resolver
get_resolver().url_patterns
from casesite.lookups import registry
print(sorted(registry._questions))
print(sorted(name for name in sys.modules if name.split('.')[0] in ('boto3', 'botocore')))
print(sorted(name for name in sys.modules if name.startswith('casesite.aws')))
"""


def test_web_process_loads_nothing_of_aws_but_its_requests():
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=60, check=True)

    questions, boto, ours = done.stdout.splitlines()
    assert "account_check" in questions
    assert boto == "[]"
    assert ours == "['casesite.aws', 'casesite.aws.requests']"
