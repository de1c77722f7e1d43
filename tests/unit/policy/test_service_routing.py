"""Which domain service an artifact goes to (SVC-10)."""

import pytest

from cogworks.model.errors import ConfigError
from cogworks.model.services import Route
from cogworks.policy.service_routing import Offer, service_for

PYTHON = Offer(domain="software", artifact_types=("py", "pyproject.toml"))
FIRMWARE = Offer(domain="firmware", artifact_types=("c", "py"))


@pytest.mark.parametrize(
    ("path", "routes", "offers", "wanted", "why"),
    [
        ("src/a.py", (), {"python": PYTHON}, "python", "by its suffix"),
        ("src/A.PY", (), {"python": PYTHON}, "python", "letter case of a suffix does not matter"),
        ("pyproject.toml", (), {"python": PYTHON}, "python", "by its whole name"),
        ("notes.toml", (), {"python": PYTHON}, None, "another name with the same suffix"),
        ("src/a.rs", (), {"python": PYTHON}, None, "nobody covers it"),
        (
            "fw/a.py",
            (Route(paths=("fw/**",), service="firmware"),),
            {"python": PYTHON, "firmware": FIRMWARE},
            "firmware",
            "a route decides first",
        ),
        (
            "fw/a.py",
            (Route(paths=("fw/**",), service="python"), Route(paths=("**",), service="firmware")),
            {"python": PYTHON, "firmware": FIRMWARE},
            "python",
            "the first route that matches",
        ),
    ],
)
def test_an_artifact_goes_to_one_service(
    path: str, routes: tuple[Route, ...], offers: dict[str, Offer], wanted: str | None, why: str
) -> None:
    assert service_for(path, routes=routes, offers=offers) == wanted, why


def test_two_services_for_one_artifact_need_a_route() -> None:
    with pytest.raises(ConfigError, match="python and firmware both cover it"):
        service_for("a.py", routes=(), offers={"python": PYTHON, "firmware": FIRMWARE})
