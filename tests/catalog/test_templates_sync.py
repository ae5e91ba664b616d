"""Fetching Connect templates from the simulator: every part of them, their versions, and what stays of what is gone."""

import pytest
from django.core.management import CommandError, call_command

from casesite.aws.errors import AwsError
from casesite.catalog import questions, template_checks, templates_sync
from casesite.catalog.lint import Code, from_stored, lint
from casesite.catalog.models import CasesDomain, CaseTemplate, ConnectTemplate, TemplateCheck
from casesite.catalog.rules import Evaluator
from casesite.catalog.template import FieldType, OptionsRule, RuleKind
from casesite.catalog.template_changes import Change, changes
from casesite.lookups import answer
from casesite.lookups.models import Lookup
from casesite.pacing import gate
from casesite.pacing.models import AccountGate, Mode
from tests.factories import a_user
from tests.sandbox.care import Care

from .conftest import ACCOUNT

pytestmark = pytest.mark.django_db


@pytest.fixture
def region(account, aws):
    """The account has Connect in us-east-1, and no domain there yet."""
    aws.settings(connect_rates={"*": [1000, 1000]})
    for domain in aws.connect_domains(ACCOUNT):
        aws.connect_remove(domain["domainId"])
    account.connect_regions = "us-east-1"
    account.save(update_fields=["connect_regions"])


@pytest.fixture
def large(region, aws):
    """The demo domain with fields of all types and every kind of rule, as the simulator tells it."""
    return Care(aws.connect_demo(ACCOUNT))


@pytest.fixture
def connect(region, aws):
    """A smaller domain: "Complaint" with two rules, "Data request" without a layout, an inactive one."""
    return Care(aws.connect_demo(ACCOUNT, demo="europe"))


def newest(name):
    return ConnectTemplate.objects.get(name=name).newest.snapshot


def test_domain_comes_with_all_its_templates_inactive_ones_too(connect, account, clock):
    templates_sync.refresh(account)

    domain = CasesDomain.objects.get()
    assert (domain.region, domain.domain_id, domain.seen_at, domain.gone_at) == (
        "us-east-1",
        connect.domain_id,
        clock.now,
        None,
    )
    told = {each["name"]: each["status"] == "Active" for each in connect.told["templates"]}
    assert dict(ConnectTemplate.objects.values_list("name", "active")) == told
    assert CaseTemplate.objects.count() == len(told) >= 3


def test_snapshot_holds_fields_options_layout_and_rules_as_aws_has_them(large, account):
    templates_sync.refresh(account)

    snapshot = newest("Product incident")
    assert {field.type for field in snapshot.fields} == set(FieldType)
    assert [section.panel for section in snapshot.sections] == ["topPanel", "moreInfo"]
    assert {rule.kind for rule in snapshot.rules if hasattr(rule, "kind")} == {RuleKind.REQUIRED, RuleKind.HIDDEN}
    assert any(isinstance(rule, OptionsRule) for rule in snapshot.rules)
    told = {each["id"]: each for each in large.told["fields"]}
    for field in snapshot.fields:
        assert field.name == told[field.id]["name"]
        options = {(o["name"], o["value"], o["active"]) for o in told[field.id].get("options") or ()}
        assert {(o.name, o.value, o.active) for o in field.options} == options
    assert max(len(field.options) for field in snapshot.fields) == 300
    assert any(not option.active for field in snapshot.fields for option in field.options)
    assert snapshot.unreadable == ()


def test_filling_that_the_simulator_takes_fits_by_our_rules_too(large, account):
    templates_sync.refresh(account)
    snapshot = newest("Product incident")

    values = {}
    for field in large.incident()["fields"]:
        [(member, value)] = field["value"].items()
        values[field["id"]] = None if member == "emptyValue" else value
    evaluation = Evaluator(snapshot).evaluate(values)

    assert (evaluation.missing(), evaluation.unfit()) == ([], [])
    assert dict(evaluation.values) == {id_: value for id_, value in values.items() if value is not None}


def test_template_without_a_layout_has_no_sections(connect, account):
    templates_sync.refresh(account)

    assert newest("Data request").sections is None


def test_same_answer_again_only_moves_when_it_was_seen(connect, account, clock):
    templates_sync.refresh(account)
    before = CaseTemplate.objects.count()
    clock.advance(hours=3)

    templates_sync.refresh(account)

    assert CaseTemplate.objects.count() == before
    assert set(CaseTemplate.objects.values_list("seen_at", flat=True)) == {clock.now}


def test_changed_template_is_a_new_version_and_the_old_one_stays(connect, account, aws, clock):
    templates_sync.refresh(account)
    old = ConnectTemplate.objects.get(name="Complaint").newest
    field = connect.part("fields", "Language")
    options = [*field["options"], {"name": "Brand new", "value": "brand_new", "active": True}]
    aws.connect_put(connect.domain_id, "fields", id=field["id"], options=options)
    clock.advance(hours=1)

    templates_sync.refresh(account)

    new = ConnectTemplate.objects.get(name="Complaint").newest
    assert new.pk != old.pk
    assert changes(old.snapshot, new.snapshot) == [Change(f"Option Brand new added to {field['name']}")]
    assert CaseTemplate.objects.filter(pk=old.pk).exists()


def test_deleted_template_is_kept_as_such_and_its_versions_with_it(connect, account, aws, clock):
    templates_sync.refresh(account)
    aws.connect_delete(connect.domain_id, "templates", connect.template("Data request"))

    templates_sync.refresh(account)

    gone = ConnectTemplate.objects.get(name="Data request")
    assert (gone.deleted_at, gone.versions.count()) == (clock.now, 1)
    assert gone not in ConnectTemplate.objects.filter(ConnectTemplate.objects.open_now())


def test_deleted_field_is_found_by_lint(connect, account, aws):
    templates_sync.refresh(account)
    aws.connect_delete(connect.domain_id, "fields", connect.field("Complaint about"))

    templates_sync.refresh(account)

    version = ConnectTemplate.objects.get(name="Complaint").newest
    assert Code.READS_MISSING_FIELD in [finding.code for finding in from_stored(version.findings)]
    assert from_stored(version.findings) == lint(version.snapshot)


def test_domain_that_is_gone_and_region_that_is_no_longer_named_are_told(connect, account, aws, clock):
    templates_sync.refresh(account)
    aws.connect_remove(connect.domain_id)
    templates_sync.refresh(account)
    assert CasesDomain.objects.get().gone_at == clock.now

    aws.connect_demo(ACCOUNT, demo="europe")
    templates_sync.refresh(account)
    assert CasesDomain.objects.get().gone_at is None

    account.connect_regions = ""
    templates_sync.refresh(account)
    assert CasesDomain.objects.get().gone_at == clock.now


def test_two_regions_are_fetched_each_through_its_own_gate(connect, account, aws):
    aws.connect_demo(ACCOUNT, region="eu-central-1", demo="europe")
    account.connect_regions = "us-east-1, eu-central-1"

    templates_sync.refresh(account)

    assert set(CasesDomain.objects.values_list("region", flat=True)) == {"us-east-1", "eu-central-1"}
    gates = AccountGate.objects.filter(family="connectcases", mode=Mode.READ)
    assert set(gates.values_list("region", flat=True)) == {"us-east-1", "eu-central-1"}


def test_rules_that_aws_leaves_unprocessed_are_asked_for_again(connect, account, aws):
    aws.settings(rules_in_batch=1)

    templates_sync.refresh(account)

    assert len(newest("Complaint").rules) == 2
    assert len(aws.requests("connectcases.BatchGetCaseRule")) == 2


@pytest.mark.parametrize(
    "operation",
    [
        "ListDomains",
        "ListTemplates",
        "GetTemplate",
        "GetLayout",
        "BatchGetField",
        "ListFieldOptions",
        "BatchGetCaseRule",
    ],
)
def test_fault_anywhere_leaves_what_was_known(connect, account, aws, operation, clock):
    templates_sync.refresh(account)
    known = list(ConnectTemplate.objects.order_by("pk").values("name", "newest", "deleted_at"))
    aws.fault(f"connectcases.{operation}", "error", code="AccessDeniedException", status=403, times=None)

    with pytest.raises(AwsError):
        templates_sync.refresh(account)

    assert list(ConnectTemplate.objects.order_by("pk").values("name", "newest", "deleted_at")) == known


def test_throttled_region_slows_its_own_gate_and_no_other(connect, account, aws):
    aws.fault("connectcases.ListTemplates", "error", code="ThrottlingException", status=429, times=None)

    with pytest.raises(AwsError):
        templates_sync.refresh(account)

    api = gate.Api("connectcases", "us-east-1")
    assert gate.of(account.pk, Mode.READ, api).throttles == 1
    assert gate.of(account.pk, Mode.READ).throttles == 0


def test_saved_check_runs_with_each_new_version(connect, account, aws, clock):
    templates_sync.refresh(account)
    template = ConnectTemplate.objects.get(name="Complaint")
    values = {"title": "Late answer", connect.field("Complaint about"): "staff"}
    expected = template_checks.result_of(Evaluator(template.newest.snapshot).evaluate(values))
    more = {"saved_by": a_user(), "saved_at": clock.now}
    check = TemplateCheck.objects.create(template=template, name="Staff", values=values, expected=expected, **more)
    aws.connect_delete(connect.domain_id, "rules", connect.rule("Amount hidden for all else"))
    clock.advance(hours=1)

    templates_sync.refresh(account)

    check.refresh_from_db()
    assert check.broken_at == clock.now
    assert template_checks.differences(check, newest("Complaint")) == ["Invoice amount shows now"]


# --- when it is asked for ---------------------------------------------------------------------------------------------------
def asked():
    questions.ask_for_due_refreshes()
    return Lookup.objects.filter(kind=questions.TEMPLATES).count()


def test_templates_are_due_at_once_then_daily_and_when_the_regions_change(connect, account, clock):
    assert asked() == 1
    answer.answer_open(account.pk)
    assert Lookup.objects.get(kind=questions.TEMPLATES).answer == {"templates": 3, "domains": 1}
    clock.advance(hours=23)
    assert asked() == 1

    account.settings_changed_at = clock.now
    account.save(update_fields=["settings_changed_at"])
    clock.advance(minutes=1)
    assert asked() == 2
    answer.answer_open(account.pk)

    clock.advance(hours=25)
    assert asked() == 3


def test_domains_are_forgotten_once_the_last_region_is_taken_away(connect, account, clock):
    asked()
    answer.answer_open(account.pk)
    clock.advance(minutes=20)
    account.connect_regions, account.settings_changed_at = "", clock.now
    account.save(update_fields=["connect_regions", "settings_changed_at"])

    assert asked() == 2
    answer.answer_open(account.pk)

    assert CasesDomain.objects.get().gone_at == clock.now
    clock.advance(hours=25)
    assert asked() == 2


def test_account_without_regions_is_never_asked(account):
    assert asked() == 0


# --- commands -----------------------------------------------------------------------------------------------------------------
def test_sync_catalog_fetches_both_halves(connect, account, capsys):
    call_command("sync_catalog", ACCOUNT)

    assert capsys.readouterr().out.endswith("2 active templates in 1 Cases domain\n")


def test_sync_catalog_goes_on_with_one_half_when_the_other_fails(connect, account, aws, capsys):
    aws.fault("connectcases.ListDomains", "error", code="AccessDeniedException", status=403, times=None)

    with pytest.raises(CommandError):
        call_command("sync_catalog", ACCOUNT)

    assert "56 services" in capsys.readouterr().out
    assert account.support_catalogs.exists()


def test_lint_templates_tells_findings_with_what_to_do_and_fails_for_errors(connect, account, aws, capsys):
    templates_sync.refresh(account)
    call_command("lint_templates", ACCOUNT)
    assert "Complaint: nothing found" in capsys.readouterr().out

    aws.connect_delete(connect.domain_id, "fields", connect.field("Complaint about"))
    templates_sync.refresh(account)
    with pytest.raises(CommandError):
        call_command("lint_templates", ACCOUNT)
    told = capsys.readouterr().out
    assert "error: The template requires" in told
    assert "Take it off the template's required fields" in told
