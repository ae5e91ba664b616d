"""Our evaluator against the simulator's own, which was written without it: what one lets through, the other takes."""

import random

import pytest
from botocore.exceptions import ClientError

from casesite.catalog import templates_sync
from casesite.catalog.models import ConnectTemplate
from casesite.catalog.rules import Evaluator
from casesite.catalog.template import FieldType
from casesite.catalog.template_form import asked_ids
from casesite.catalog.values import as_union
from tests.sandbox.care import INCIDENT, Care
from tests.sandbox.clients import Clients

from .conftest import ACCOUNT

pytestmark = pytest.mark.django_db

FILLINGS = 60
SOME = {
    FieldType.TEXT: ["x", "SO-4711"],
    FieldType.NUMBER: [0.0, 3.0, -2.5],
    FieldType.BOOLEAN: [True, False],
    FieldType.DATE_TIME: ["2026-11-20T14:02:00.000Z"],
    FieldType.URL: ["https://example.com/x"],
}


@pytest.fixture
def care(account, aws):
    aws.settings(connect_rates={"*": [1000, 1000]})
    account.connect_regions = "us-east-1"
    account.save(update_fields=["connect_regions"])
    found = next(each for each in aws.connect_domains(ACCOUNT) if each["region"] == "us-east-1")
    templates_sync.refresh(account)
    return Care(found)


USUAL = {
    "Product incident": INCIDENT,
    "Delivery complaint": {"title": "Late", "Order number": "SO-1", "Delivery problem": "late"},
    "General question": {"title": "A question"},
}


def filling(template, care, name, chance):
    """A filling that would do, with some fields answered otherwise or not at all."""
    usual = {care.field(each): value for each, value in USUAL[name].items()} | {"customer_id": care.customer}
    asked = [each for each in asked_ids(template) if each not in ("assigned_queue", "reference_number")]
    for id_ in chance.sample(asked, min(chance.randrange(7), len(asked))):
        field = template.live[id_]
        some = SOME.get(field.type) or [option.value for option in field.options[:4]]
        if field.type == FieldType.USER or id_ == "assigned_user":
            some = [care.user]
        if id_ == "customer_id":
            some = [care.customer]
        usual[id_] = chance.choice([*some, None])
    return usual


@pytest.mark.parametrize("name", list(USUAL))
def test_evaluators_agree_on_random_fillings(care, aws, name):
    template = ConnectTemplate.objects.get(name=name).newest.snapshot
    cases, evaluator, chance = Clients(aws.url).cases(ACCOUNT), Evaluator(template), random.Random(name)
    taken = refused = 0
    for _ in range(FILLINGS):
        evaluation = evaluator.evaluate(filling(template, care, name, chance))
        wrong = {*evaluation.missing(), *evaluation.unfit()}
        fields = [{"id": id_, "value": as_union(template.live[id_], value)} for id_, value in evaluation.values.items()]
        try:
            cases.create_case(domainId=care.domain_id, templateId=template.id, fields=fields)
            said = set()
            taken += 1
        except ClientError as error:
            problems = error.response["Error"]["Message"].split("; ")
            said = {problem.split(" ")[1] for problem in problems}
            refused += 1
        assert said <= wrong  # a value that fits no field at all is told before any rule is asked
        assert bool(said) == bool(wrong)

    assert taken and refused
