from django.apps import AppConfig


class WebConfig(AppConfig):
    name = "casesite.web"

    def ready(self) -> None:
        from casesite.web import health

        health.register("database", health.check_database)
