from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("submissions", "__latest__")]

    operations = [
        migrations.RunSQL(
            "ALTER TABLE submissions_submission ADD COLUMN written_by_new text NULL",
            "ALTER TABLE submissions_submission DROP COLUMN written_by_new",
        ),
    ]
