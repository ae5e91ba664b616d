from django.db import migrations

from casesite.cases import word_index


class Migration(migrations.Migration):
    dependencies = [("cases", "0011_fill_case_words")]

    operations = [migrations.RunPython(word_index.create, word_index.remove)]
