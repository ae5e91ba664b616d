"""What a case can be filed under: services and categories, severities by plan, languages by service and category."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

LANGUAGES = {
    "en": ("English", "English"),
    "ja": ("Japanese", "日本語"),
    "zh": ("Chinese", "中文"),
    "ko": ("Korean", "한국어"),
    "es": ("Spanish", "Español"),
    "pt": ("Portuguese", "Português"),
    "fr": ("French", "Français"),
    "tr": ("Turkish", "Türkçe"),
}
LANGUAGES_BY_ISSUE_TYPE = {
    "technical": ("en", "ja", "zh", "ko"),
    "customer-service": tuple(LANGUAGES),
}
ISSUE_TYPES = tuple(LANGUAGES_BY_ISSUE_TYPE)

SEVERITIES = ("low", "normal", "high", "urgent", "critical")
SEVERITIES_BY_PLAN = {
    "basic": (),
    "developer": (),
    "business": SEVERITIES[:4],
    "business_plus": SEVERITIES,
    "enterprise": SEVERITIES,
    "unified": SEVERITIES,
}
SEVERITY_NAMES = {
    "en": ("Low", "Normal", "High", "Urgent", "Critical"),
    "ja": ("低", "通常", "高", "緊急", "重大"),
    "zh": ("低", "正常", "高", "紧急", "严重"),
    "ko": ("낮음", "보통", "높음", "긴급", "심각"),
    "es": ("Baja", "Normal", "Alta", "Urgente", "Crítica"),
    "pt": ("Baixa", "Normal", "Alta", "Urgente", "Crítica"),
    "fr": ("Faible", "Normale", "Élevée", "Urgente", "Critique"),
    "tr": ("Düşük", "Normal", "Yüksek", "Acil", "Kritik"),
}


@dataclass(frozen=True, slots=True)
class Category:
    code: str
    name: str
    languages: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class CatalogService:
    """A service that cases are about. `languages`, here or on a category, narrows what cases can be written in."""

    code: str
    name: str
    categories: dict[str, Category]
    languages: tuple[str, ...] | None


@cache
def services() -> dict[str, CatalogService]:
    entries = json.loads(Path(__file__).with_name("services.json").read_text(encoding="utf-8"))
    return {entry["code"]: _service(entry) for entry in entries}


def languages(issue_type: str, service_code: str | None, category_code: str | None) -> tuple[str, ...]:
    """The languages a case of this kind can be written in, by code; none for a service or category nobody knows."""
    offered = LANGUAGES_BY_ISSUE_TYPE.get(issue_type, ())
    if service_code is None:
        return offered
    service = services().get(service_code)
    if service is None:
        return ()
    category = service.categories.get(category_code) if category_code is not None else None
    if category_code is not None and category is None:
        return ()
    narrowed = (category.languages if category else None) or service.languages
    return tuple(code for code in offered if narrowed is None or code in narrowed)


def _service(entry: dict[str, Any]) -> CatalogService:
    categories = {each["code"]: Category(each["code"], each["name"], _languages(each)) for each in entry["categories"]}
    return CatalogService(entry["code"], entry["name"], categories, _languages(entry))


def _languages(entry: dict[str, Any]) -> tuple[str, ...] | None:
    return tuple(entry["languages"]) if "languages" in entry else None
