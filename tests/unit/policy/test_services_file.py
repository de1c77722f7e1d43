"""services.toml: connection facts only (60 section 1)."""

import pytest

from cogworks.model.errors import ConfigError
from cogworks.policy.services_file import parse_services

UNIX = "[[services]]\nname = 'python'\ntransport = 'unix'\npath = '/run/p.sock'\n"
HTTP = "[[services]]\nname = 'ecad'\ntransport = 'http'\nurl = 'http://127.0.0.1:7000'\n"


def test_an_empty_file_registers_nothing() -> None:
    assert parse_services(b"", file="s.toml").services == ()


def test_both_transports_with_their_timeouts_and_routes() -> None:
    text = UNIX + "health_check_timeout_ms = 100\ntimeouts_ms = {simulate = 1000}\n" + HTTP
    found = parse_services((text + "[[routes]]\npaths = ['hw/**']\nservice = 'ecad'\n").encode(), file="s.toml")

    python, ecad = found.services
    assert (python.address, ecad.address) == ("/run/p.sock", "http://127.0.0.1:7000")
    assert (python.timeout_s("handshake"), python.timeout_s("simulate"), python.timeout_s("validate")) == (0.1, 1, 300)
    assert ecad.timeout_s("simulate") == 600
    assert (found.routes[0].paths, found.routes[0].service) == (("hw/**",), "ecad")


def test_what_the_handshake_says_is_ignored_with_one_warning_each() -> None:
    found = parse_services((UNIX + "capabilities = ['validate']\ndomain = 'x'\n").encode(), file="s.toml")

    assert len(found.warnings) == 2
    assert "services[0].domain" in found.warnings[0]


def test_plain_http_to_another_host_is_a_warning_once_allowed() -> None:
    text = HTTP.replace("127.0.0.1", "ecad.lan") + "allow_plaintext = true\nauth_token_env = 'ECAD_TOKEN'\n"
    found = parse_services(text.encode(), file="s.toml")

    assert found.services[0].token_variable == "ECAD_TOKEN"
    assert "development only" in found.warnings[0]


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        pytest.param(UNIX.replace("path", "endpoint"), {"services[0].endpoint"}, id="the key of another product"),
        pytest.param(UNIX.replace("path = '/run/p.sock'", ""), {"services[0].path"}, id="no socket named"),
        pytest.param(UNIX.replace("/run/p.sock", "p.sock"), {"services[0].path"}, id="a relative socket"),
        pytest.param(UNIX.replace("/run", "/" + "r" * 107), {"services[0].path"}, id="longer than a socket may be"),
        pytest.param(UNIX + UNIX, {"services[1].name"}, id="two of one name"),
        pytest.param(UNIX.replace("python", "Python"), {"services[0].name"}, id="a name with a capital"),
        pytest.param(UNIX.replace("unix", "grpc"), {"services[0].transport"}, id="grpc is reserved"),
        pytest.param(UNIX + "auth_token_env = 'X'\n", {"services[0].auth_token_env"}, id="a token on a socket"),
        pytest.param(UNIX + "timeouts_ms = {simulate = 999}\n", {"services[0].timeouts_ms.simulate"}, id="too short"),
        pytest.param(UNIX + "timeouts_ms = {compile = 1000}\n", {"services[0].timeouts_ms.compile"}, id="no method"),
        pytest.param(UNIX + "health_check_timeout_ms = 99\n", {"services[0].health_check_timeout_ms"}, id="hasty"),
        pytest.param(HTTP.replace("url = 'http://127.0.0.1:7000'", ""), {"services[0].url"}, id="no address named"),
        pytest.param(HTTP.replace("127", "u:p@127"), {"services[0].url"}, id="credentials in the address"),
        pytest.param(HTTP.replace("http:", "ftp:"), {"services[0].url"}, id="another scheme"),
        pytest.param(HTTP.replace("7000", "70000"), {"services[0].url"}, id="no such port"),
        pytest.param(HTTP.replace("127.0.0.1", "ecad.lan"), {"services[0].url", "services[0].auth_token_env"},
                     id="plain HTTP to another host"),
        pytest.param(HTTP.replace("http://127.0.0.1", "https://ecad.lan"), {"services[0].auth_token_env"},
                     id="a remote service needs a token"),
        pytest.param(HTTP + "auth_token_env = 'COGWORKS_GITHUB_TOKEN'\n", {"services[0].auth_token_env"},
                     id="our own token goes to nobody"),
        pytest.param(UNIX + "[[routes]]\npaths = ['a']\nservice = 'pyton'\n", {"routes[0].service"}, id="no such one"),
        pytest.param(UNIX + "[[routes]]\npaths = []\nservice = 'python'\n", {"routes[0].paths"}, id="an empty route"),
    ],
)  # fmt: skip
def test_one_thing_wrong_names_its_key(text: str, wrong: set[str]) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_services(text.encode(), file="s.toml")

    assert {problem.field for problem in caught.value.problems} == wrong


def test_an_unknown_key_lists_the_allowed_ones() -> None:
    with pytest.raises(ConfigError, match=r"s\.toml: services\[0\]\.endpoint: .*path"):
        parse_services(UNIX.replace("path", "endpoint").encode(), file="s.toml")
