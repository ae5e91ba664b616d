"""What the start of the whole site is compared with: a Django project with one page and a Celery application with one task."""
