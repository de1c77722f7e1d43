"""The published JSON Schemas, made from the wire models."""

import json

from pydantic import JsonValue

from cogworks.extension_api.envelope import Request, Response
from cogworks.extension_api.methods import PARAMS, RESULTS
from cogworks.extension_api.wire import JsonObject, WireModel

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def published_schemas() -> dict[str, JsonObject]:
    """Every schema by name: `request`, `response`, and `<method>.params` and `<method>.result` for each method."""
    models: dict[str, type[WireModel]] = {"request": Request, "response": Response}
    models |= {f"{method}.params": model for method, model in PARAMS.items()}
    models |= {f"{method}.result": model for method, model in RESULTS.items()}
    return {name: _schema(model) for name, model in models.items()}


def schema_text(schema: JsonObject) -> str:
    """The schema as its file holds it, the same on every machine."""
    return json.dumps(schema, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def _schema(model: type[WireModel]) -> JsonObject:
    body: dict[str, JsonValue] = model.model_json_schema(by_alias=True)
    return {"$schema": DIALECT, **body}
