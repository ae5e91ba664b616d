from django.db import migrations
from django.db.models import OuterRef, Subquery, Value
from django.db.models.fields.json import KT
from django.db.models.functions import Coalesce


def fill(apps, editor):
    case = apps.get_model("cases", "Case").objects.filter(pk=OuterRef("case"))
    apps.get_model("submissions", "Submission").objects.update(
        team=Subquery(case.values("team")[:1]),
        severity_code=Coalesce(KT("content__severity_code"), Value("")),
    )


class Migration(migrations.Migration):
    dependencies = [("submissions", "0012_submission_team")]

    operations = [migrations.RunPython(fill, migrations.RunPython.noop, elidable=True)]
