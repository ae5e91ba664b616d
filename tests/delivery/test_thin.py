import pytest
from casesite.delivery import work, reconcile
from casesite.submissions.states import State
from casesite.submissions.models import Submission
from tests.factories import a_submission

pytestmark = pytest.mark.django_db(transaction=True)

def test_thin(sandbox, bells):
    s = a_submission(State.QUEUED)
    while work.step(s.account_id): pass
    s.refresh_from_db(); s.case.refresh_from_db()
    assert s.case.aws_display_id == sandbox.cases()[0].display_id
    for r in sandbox.requests(): print(r["operation"], r["outcome"], r["error_code"])
