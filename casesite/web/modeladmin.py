"""What all pages of the admin have in common: closed unless a class opens them, and unknown is 404."""

from typing import Any, NoReturn

from django.contrib.admin import ModelAdmin
from django.http import Http404, HttpRequest


class HouseAdmin(ModelAdmin):
    """For superusers only, until a subclass says who else. Another team's object is unknown, by `get_queryset`."""

    actions = None  # deleting many at once is nobody's daily work
    list_per_page = 50
    show_full_result_count = False

    def _get_obj_does_not_exist_redirect(self, request: HttpRequest, opts: Any, object_id: Any) -> NoReturn:
        raise Http404  # Django would redirect to the index

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.is_superuser

    def has_add_permission(self, request: HttpRequest) -> bool:
        return request.user.is_superuser

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.is_superuser

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.is_superuser
