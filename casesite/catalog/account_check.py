"""Checking whether the site can do its work in an AWS account, and saying so in words. For workers and commands.

Every question is harmless: reads, and dry runs of what the site does in an account today.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar

from django.conf import settings
from django.db.models import Q
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from casesite import clock
from casesite.aws import connect_cases, connect_people, support
from casesite.aws.clients import clients
from casesite.aws.errors import AwsError, Cause, DryRunOpenedCase, OutcomeUnknown, Refused
from casesite.aws.requests import SupportCaseRequest
from casesite.database import write
from casesite.lookups.reading import read, target_of, tell_gate
from casesite.lookups.words import Words, action_of, explain, is_passing, is_without_plan
from casesite.pacing import gate
from casesite.pacing.models import Mode
from casesite.teams.models import AwsAccount, CheckResult

from . import known, people_sync, sync
from .models import SupportCatalog

GOOD, LIMITED, BLOCKED = CheckResult.GOOD, CheckResult.LIMITED, CheckResult.BLOCKED
SEVERITY_OF_RESULT = {GOOD: 0, LIMITED: 1, BLOCKED: 2}
SKEW = timedelta(seconds=60)
TRIES = 3  # of a question that AWS throttles
PATIENCE = 10.0  # seconds to wait for a token
Answer = TypeVar("Answer")


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing looked at: what was found, and what to do about it."""

    name: str
    state: CheckResult
    text: str
    todo: str = ""
    code: str = ""  # marks what others have to know of it


@dataclass(frozen=True, kw_only=True)
class Need:
    """An operation that the site calls, and what is missing without it. The form needs those that `feed_forms`."""

    operation: str  # the SDK's method
    name: str | Promise
    without: str | Promise
    state: CheckResult = LIMITED
    feeds_forms: bool = False
    params: dict[str, Any] = field(default_factory=dict)
    permission: str = ""  # where it is not named like the operation
    allowed: str = ""  # codes that mark what was found
    denied: str = ""

    @property
    def action(self) -> str:
        return "support:" + (self.permission or "".join(part.title() for part in self.operation.split("_")))


_CHOICE = {"issueType": "technical", "serviceCode": "general-info", "categoryCode": "using-aws"}
_NO_LOOKING = gettext_lazy("When an answer is lost, the site can't find out whether AWS has the case.")
SEVERITIES = Need(
    operation="describe_severity_levels",
    name=gettext_lazy("Read severities"),
    without=gettext_lazy("The form has no severities to offer."),
    feeds_forms=True,
)
SERVICES = Need(
    operation="describe_services",
    name=gettext_lazy("Read services"),
    without=gettext_lazy("The form has no services to offer."),
    feeds_forms=True,
)
CREATE_CASE = Need(
    operation="create_case",
    name=gettext_lazy("Open cases"),
    without=gettext_lazy("No case can be opened."),
    state=BLOCKED,
)
OTHERS = (
    Need(operation="describe_cases", name=gettext_lazy("Find cases"), without=_NO_LOOKING),
    Need(
        operation="describe_communications",
        name=gettext_lazy("Read correspondence"),
        without=_NO_LOOKING,
        params={"caseId": "case-000000000000-check-0000-0000000000000000"},
    ),
    Need(
        operation="describe_supported_languages",
        name=gettext_lazy("Read languages"),
        without=gettext_lazy("The form offers all languages, also those that AWS may refuse."),
        params=_CHOICE,
    ),
    Need(
        operation="describe_create_case_options",
        name=gettext_lazy("Read case options"),
        without=gettext_lazy("The form can't say how AWS answers."),
        params=_CHOICE | {"language": "en"},
    ),
    Need(
        operation="add_attachments_to_set",
        name=gettext_lazy("Attach files"),
        without=gettext_lazy("Cases go out without files."),
        params={"attachments": [{"fileName": "check.txt", "data": b"A dry run."}]},
        denied=known.MAY_NOT_ATTACH,
    ),
    Need(
        operation="get_attachment_upload_links",
        name=gettext_lazy("Upload large files"),
        without=gettext_lazy("A case takes 3 files of 5 MB in place of 10 of 150 MB."),
        params={"fileName": "check.txt", "fileSizeBytes": 1},
        permission="UploadAttachment",
        allowed=known.MAY_UPLOAD,
        denied=known.MAY_NOT_UPLOAD,
    ),
)


class Stop(Exception):
    """What was found makes further questions pointless."""


def check(account: AwsAccount) -> AwsAccount:
    """Look at an account anew and keep the result, and its catalogue with it. Returns the account as it now is.

    Raises an AwsError or GateClosed where AWS could not be asked: that says nothing about the account, so the old result
    stays.
    """
    began = clock.now()
    examination = Examination(account)
    examination.run()
    _keep(account, began, examination)
    account.refresh_from_db()
    return account


def answer(account: AwsAccount, params: dict[str, Any]) -> dict[str, Any]:
    """The handler of the lookup."""
    account = check(account)
    return {"result": account.check_result, "summary": account.check_summary}


class Examination:
    """One check of one account."""

    def __init__(self, account: AwsAccount) -> None:
        self.account = account
        self.target = target_of(account)
        self.findings: list[Finding] = []
        self.skew: timedelta | None = None
        self.catalog: SupportCatalog | None = account.support_catalogs.newest()

    @property
    def result(self) -> CheckResult:
        return max((finding.state for finding in self.findings), key=SEVERITY_OF_RESULT.__getitem__)

    @property
    def summary(self) -> str:
        """The first of the worst findings."""
        worst = next(finding for finding in self.findings if finding.state == self.result)
        if worst.state == GOOD:
            return _("Everything the site needs works.")
        return str(Words(worst.text, worst.todo))

    def run(self) -> None:
        try:
            self._credentials()
            self._reads()
            for region in self.account.regions:
                self._connect(region)
            for need in OTHERS:
                self._dry_run(need)
            # Last, so that what it found is kept: a stand-in that ignores dry runs must not be asked twice.
            self._create_case()
        except Stop:
            pass
        self._clock()

    # --- steps -----------------------------------------------------------------------------------------------------
    def _credentials(self) -> None:
        name = _("Role") if self.account.role_arn else _("Credentials")
        clients.forget_keys(self.target)
        try:
            clients.keys(self.target)
        except AwsError as exc:
            self._stop(name, exc)
        if self.account.role_arn:
            self._note(name, GOOD, _("The role can be assumed and belongs to this account."))
        else:
            self._note(name, GOOD, _("The site's own credentials belong to this account."))

    def _reads(self) -> None:
        """Severities and services tell about the plan, and they are the catalogue: it is kept, too."""
        severities = self._read(SEVERITIES, support.severities)
        if severities:
            offered = ", ".join(name for _code, name in severities)
            self._note(_("Support plan"), GOOD, _("Support answers. Severities: %(offered)s.") % {"offered": offered})
        services = self._read(SERVICES, support.services)
        if services is not None and severities is not None:
            self.catalog = sync.store(self.account, services, severities)
        if services is not None:
            count = ngettext("%(count)d service.", "%(count)d services.", len(services)) % {"count": len(services)}
            self._note(_("Catalogue"), GOOD, count)

    def _read(self, need: Need, call: Callable[..., Answer]) -> Answer | None:
        try:
            return self._ask(call)
        except AwsError as exc:
            self._refused(need, exc)
            return None

    def _connect(self, region: str) -> None:
        """Whether templates can be read in a region. It blocks nothing: Support cases need none of it."""
        name = _("Connect in %(region)s") % {"region": region}
        api = gate.Api(connect_cases.SERVICE, region)
        try:
            found = read(self.account, connect_cases.domains, api=api, region=region)
        except (AwsError, gate.GateClosed) as exc:
            if isinstance(exc, AwsError) and exc.code.startswith("AccessDenied"):
                text = _(
                    "The role may not use cases:ListDomains. Templates of Amazon Connect Cases are not fetched here."
                )
                self._note(name, LIMITED, text, _("Allow what README lists for Connect, then check again."))
            else:
                words = explain(exc)
                self._note(name, LIMITED, words.text, words.todo)
            return
        if found:
            names = ", ".join(row["name"] for row in found)
            self._note(name, GOOD, _("Cases domains: %(names)s.") % {"names": names})
            for tags in ({}, {"casesite-ref": "check"}):
                if not self._may_open(region, found[0]["domainId"], tags):
                    break
            self._people(region)
        else:
            todo = _("Take the region off the account's settings, or set up Cases there.")
            self._note(name, LIMITED, _("There is no Cases domain in this region."), todo)

    def _may_open(self, region: str, domain_id: str, tags: dict[str, str]) -> bool:
        """Whether cases may be opened in a domain, with tags or without; asked with a template that is not there."""
        name = _("Put tags on cases in %(region)s") if tags else _("Open cases in Connect in %(region)s")
        name %= {"region": region}
        api = gate.Api(connect_cases.SERVICE, region)
        try:
            read(
                self.account, connect_cases.ask_whether_allowed, api=api, region=region, domain_id=domain_id, tags=tags
            )
        except (AwsError, gate.GateClosed) as exc:
            if not (isinstance(exc, AwsError) and exc.code.startswith("AccessDenied")):
                words = explain(exc)
                self._note(name, LIMITED, words.text, words.todo)
                return False
            action = "cases:TagResource" if tags else "cases:CreateCase"
            text = _("The role may not use %(action)s, or only with templates that it names.") % {"action": action}
            todo = _("Allow what README lists for Connect, then check again.")
            if tags:
                todo += " " + _("Or switch tags off for its domains, under Cases domains.")
            self._note(name, LIMITED, text, todo)
            return False
        self._note(name, GOOD, _("Allowed."))
        return True

    def _people(self, region: str) -> None:
        """Whether customers and users can be found in a region: searches that find nobody. Without it their ARNs are typed."""
        customers, users = set[str](), set[str]()
        name = _("Customers and users in %(region)s") % {"region": region}
        try:
            for profiles, instance in people_sync.look_up(self.account, region):
                customers.add(profiles)
                users.add(instance.rpartition("/")[2])
        except (AwsError, gate.GateClosed) as exc:
            self._not_found(name, exc, _("Where they are kept is not found by itself."))
        domains = self.account.cases_domains.filter(region=region, gone_at=None)
        customers |= {domain.customers_in for domain in domains} - {""}
        users |= {domain.users_in for domain in domains} - {""}
        for profiles in sorted(customers):
            asked: dict[str, Any] = {
                "profiles_domain": profiles,
                "key": "_profileId",
                "values": [connect_people.NOBODY],
            }
            name = _("Find customers in %(region)s") % {"region": region}
            without = _("Customers are given by the ARN of their profile.")
            self._search(name, without, connect_people.search_profiles, connect_people.PROFILES, region, **asked)
        for instance in sorted(users):
            asked = {"instance_id": instance, "words": ["casesite-check"]}
            name = _("Find users in %(region)s") % {"region": region}
            without = _("Users are given by their ARN.")
            self._search(name, without, connect_people.search_users, connect_people.CONNECT, region, **asked)

    def _search(
        self, name: str, without: str, call: Callable[..., Any], service: str, region: str, **asked: Any
    ) -> None:
        try:
            people_sync.ask(self.account, call, service, region, patience=PATIENCE, **asked)
        except (AwsError, gate.GateClosed) as exc:
            self._not_found(name, exc, without)
        else:
            self._note(name, GOOD, _("Searching is allowed."))

    def _not_found(self, name: str, exc: AwsError | gate.GateClosed, without: str) -> None:
        if isinstance(exc, AwsError) and exc.code.startswith("AccessDenied"):
            text = _("The role may not use %(action)s. %(without)s") % {"action": action_of(exc), "without": without}
            todo = _("Allow what README lists for finding customers and users, then check again.")
            self._note(name, LIMITED, text, todo)
            return
        words = explain(exc)
        todo = words.todo or _("Look at the domain's settings under Cases domains, then check again.")
        self._note(name, LIMITED, words.text, todo)

    def _create_case(self) -> None:
        if gate.dry_runs_off(self.account.pk):
            text = _("Not asked: AWS opened a case once although it was only asked whether it would.")
            self._note(str(CREATE_CASE.name), LIMITED, text)
            return
        try:
            self._dry_run(CREATE_CASE, **self._harmless_case())
        except DryRunOpenedCase as exc:
            with write():
                gate.forbid_dry_runs(self.account.pk)
            text = _("AWS opened a case although it was only asked whether it would: %(said)s") % {"said": exc.text}
            todo = _("Resolve that case in the Support Center. This is not asked again.")
            self._note(str(CREATE_CASE.name), LIMITED, text, todo)

    def _dry_run(self, need: Need, **params: Any) -> None:
        try:
            aws_date = self._ask(support.permitted, operation=need.operation, **(params or need.params))
        except OutcomeUnknown:
            raise
        except AwsError as exc:
            self._refused(need, exc)
            return
        if aws_date and self.skew is None:
            self.skew = clock.now() - aws_date
        self._allowed(need)

    def _harmless_case(self) -> dict[str, Any]:
        """A request that AWS would take, by the account's own catalogue. The subject is AWS's own for tests."""
        service, category, severity = "general-info", "using-aws", "low"
        if self.catalog:
            snapshot = self.catalog.snapshot
            offered = next((row for row in snapshot.services if row.categories), None)
            if offered:
                service, category = offered.code, offered.categories[0].code
            severity = snapshot.severities[0].code
        return SupportCaseRequest(
            subject="TEST CASE-Please ignore",
            communication_body="Casesite asks whether this account may open cases. This is a dry run.",
            severity_code=severity,
            service_code=service,
            category_code=category,
            issue_type="technical",
            language="en",
        ).as_params()

    def _clock(self) -> None:
        if self.skew is None:
            return
        seconds = round(self.skew.total_seconds())
        if abs(self.skew) <= SKEW:
            self._note(_("Clock"), GOOD, _("This machine's clock agrees with AWS's."))
            return
        off = ngettext("%(count)d second", "%(count)d seconds", abs(seconds)) % {"count": abs(seconds)}
        text = (
            _("This machine's clock is %(off)s ahead of AWS's.")
            if seconds > 0
            else _("This machine's clock is %(off)s behind AWS's.")
        )
        todo = _("An operator has to set the clock: AWS refuses requests that are five minutes off.")
        self._note(_("Clock"), LIMITED, text % {"off": off}, todo)

    # --- asking and noting -------------------------------------------------------------------------------------------
    def _ask(self, call: Callable[..., Answer], **params: Any) -> Answer:
        """Ask AWS at the account's pace, and again where it throttles."""
        for left in reversed(range(TRIES)):
            self._pace()
            try:
                return call(self.target, **params)
            except AwsError as exc:
                tell_gate(self.account, exc)
                if not left or not (isinstance(exc, Refused) and exc.cause == Cause.THROTTLED):
                    raise
        raise AssertionError("unreachable")

    def _pace(self) -> None:
        """Wait for a token. A gate that is shut for trouble is no obstacle: whether it may open is what a check finds out."""
        give_up = time.monotonic() + PATIENCE
        while shut := self._take_token():
            if shut.because not in ("rate", "throttled"):
                time.sleep(0.25 / settings.GATE_RATE)
                return
            if time.monotonic() > give_up:
                raise gate.GateClosed(shut)
            time.sleep(0.05)

    def _take_token(self) -> gate.Closed | None:
        """One for reads, else one for writes as long as a send still finds one: somebody waits for the check."""
        with write():
            shut = gate.take(self.account.pk, Mode.READ)
            if shut and shut.because == "rate" and gate.take(self.account.pk, Mode.WRITE, leave=1) is None:
                return None
            return shut

    def _refused(self, need: Need, exc: AwsError) -> None:
        """AWS did not do what was asked. That it looked at the parameters or counted cases shows that it let us in."""
        if isinstance(exc, Refused) and exc.cause in (Cause.INVALID, Cause.QUOTA):
            self._allowed(need)
        elif is_without_plan(exc):
            self._stop(_("Support plan"), exc)
        elif exc.code.startswith(("AccessDenied", "NotAuthorized")):
            state = BLOCKED if need.feeds_forms and self.catalog is None else need.state
            text = _("The role may not use %(action)s. %(without)s") % {"action": need.action, "without": need.without}
            todo = _("Allow %(action)s in the role's policy, then check again.") % {"action": need.action}
            self._note(str(need.name), state, text, todo, code=need.denied)
        else:
            self._stop(_("Access"), exc)

    def _allowed(self, need: Need) -> None:
        self._note(str(need.name), GOOD, _("%(action)s is allowed.") % {"action": need.action}, code=need.allowed)

    def _stop(self, name: str, exc: AwsError) -> None:
        """Without this nothing works. Trouble on the way to AWS is no finding: it says nothing about the account."""
        if is_passing(exc) or getattr(exc, "cause", None) == Cause.CERTIFICATE:
            raise exc
        words = explain(exc)
        self._note(name, BLOCKED, words.text, words.todo)
        raise Stop

    def _note(self, name: str, state: CheckResult, text: str, todo: str = "", *, code: str = "") -> None:
        self.findings.append(Finding(name=name, state=state, text=text, todo=todo, code=code))


def _keep(account: AwsAccount, began: datetime, examination: Examination) -> None:
    """Write the result, unless a check that began later was quicker, and open the gates of an account that can send."""
    details = [
        {"name": row.name, "state": row.state.value, "text": row.text, "todo": row.todo}
        | ({"code": row.code} if row.code else {})
        for row in examination.findings
    ]
    with write():
        AwsAccount.objects.filter(Q(checked_at=None) | Q(checked_at__lte=began), pk=account.pk).update(
            checked_at=began,
            check_result=examination.result,
            check_summary=examination.summary[:500],
            check_details=details,
        )
        if examination.result != BLOCKED:
            for mode in Mode:
                gate.release(account.pk, mode)
                for region in account.regions:  # where access is still missing, the next call stops the lane again
                    gate.release(account.pk, mode, gate.Api("connectcases", region))
