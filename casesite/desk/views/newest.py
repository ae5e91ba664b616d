"""The newest revision of a case, with what was decided on it."""

from casesite.cases.models import Case
from casesite.submissions.models import Submission


def newest_of(case: Case) -> Submission | None:
    return (
        case.submissions.opening().filter(newest=True).prefetch_related("decisions__by", "decisions__comments").first()
    )
