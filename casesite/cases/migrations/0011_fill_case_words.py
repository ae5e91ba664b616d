from django.db import migrations

from casesite.cases.words import of_case

AT_ONCE = 2000

def fill(apps, editor):
    cases = apps.get_model("cases", "Case").objects.order_by("pk")
    last = 0
    while rows := list(cases.filter(pk__gt=last).only("pk", "subject", "reference")[:AT_ONCE]):
        for row in rows:
            row.words = of_case(row.subject, row.reference)

        cases.bulk_update(rows, ["words"], batch_size=400)
        last = rows[-1].pk

class Migration(migrations.Migration):
    dependencies = [("cases", "0010_case_words")]

    operations = [migrations.RunPython(fill, migrations.RunPython.noop, elidable=True)]
