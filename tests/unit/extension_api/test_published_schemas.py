"""The JSON Schemas in the package are the ones that the wire models make."""

from pathlib import Path

import jsonschema
import pytest

import cogworks.extension_api
from cogworks.extension_api.methods import PARAMS, RESULTS, Method
from cogworks.extension_api.published import published_schemas, schema_text

SCHEMAS = published_schemas()
DIRECTORY = Path(cogworks.extension_api.__file__).parent / "schemas"


def test_the_directory_holds_exactly_the_published_schemas() -> None:
    assert {path.name for path in DIRECTORY.iterdir()} == {f"{name}.json" for name in SCHEMAS}


@pytest.mark.parametrize("name", sorted(SCHEMAS))
def test_a_schema_file_is_up_to_date(name: str) -> None:
    text = (DIRECTORY / f"{name}.json").read_text(encoding="utf-8")
    assert text == schema_text(SCHEMAS[name]), "run `python -m cogworks.extension_api`"


@pytest.mark.parametrize("name", sorted(SCHEMAS))
def test_a_schema_is_itself_valid(name: str) -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMAS[name])


def test_every_method_has_params_and_a_result() -> None:
    assert set(PARAMS) == set(RESULTS) == set(Method)
