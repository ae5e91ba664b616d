"""What all pages of the admin have in common: closed unless a class opens them, and unknown is 404."""

from typing import Any, NoReturn

from django.contrib.admin import ModelAdmin, ShowFacets
from django.contrib.admin.utils import unquote
from django.contrib.admin.views.main import ChangeList
from django.http import Http404, HttpRequest, HttpResponse

from casesite.web import paging


class HouseList(ChangeList):
    """A list in pages by the place of a row: nothing is counted and nothing skipped (casesite/web/paging.py)."""

    page: paging.Page

    def get_filters_params(self, params: Any = None) -> dict[str, Any]:
        return {name: value for name, value in super().get_filters_params(params).items() if name not in paging.NAMES}

    def get_results(self, request: HttpRequest) -> None:
        self.page = self.get_page(request)
        self.result_list = self.page.rows
        self.result_count = len(self.page.rows)
        self.full_result_count = None
        self.multi_page = self.can_show_all = self.show_all = False

    def get_page(self, request: HttpRequest) -> paging.Page:
        """By the columns that the list is sorted by."""
        return paging.page_of_sorted(self.queryset, request.GET, size=self.list_per_page)


class HouseAdmin(ModelAdmin):
    """For superusers only, until a subclass says who else. Another team's object is unknown, by `get_queryset`."""

    actions = None  # deleting many at once is nobody's daily work
    list_per_page = 50
    show_full_result_count = False
    show_facets = ShowFacets.NEVER
    empty_value_display = ""

    def get_changelist(self, request: HttpRequest, **options: Any) -> type[ChangeList]:
        return HouseList

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """The form, which knows who fills it in (`by`) and puts no colon behind its labels."""
        form = super().get_form(request, obj, change=change, **kwargs)

        class HouseForm(form):  # type: ignore[misc, valid-type]
            by = request.user

            def __init__(self, *args: Any, **kwargs: Any) -> None:
                super().__init__(*args, **{"label_suffix": "", **kwargs})

        return HouseForm

    def _get_obj_does_not_exist_redirect(self, request: HttpRequest, opts: Any, object_id: Any) -> NoReturn:
        raise Http404  # Django would redirect to the index

    def delete_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        self._known(request, object_id)
        return super().delete_view(request, object_id, extra_context)

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        self._known(request, object_id)
        return super().history_view(request, object_id, extra_context)

    def _known(self, request: HttpRequest, object_id: str) -> None:
        """Django would ask for permission before it looks whether there is such an object."""
        if self.get_object(request, unquote(object_id)) is None:
            raise Http404

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
