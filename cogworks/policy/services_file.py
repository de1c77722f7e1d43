"""``.cogworks/services.toml``: which domain services there are and where they listen (SVC-01 to SVC-04)."""

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Annotated, Literal
from urllib.parse import SplitResult, urlsplit

from pydantic import ConfigDict, Field, TypeAdapter

from cogworks.extension_api.methods import DEFAULT_TIMEOUTS_MS, Method
from cogworks.model.config_types import NonBlank, VariableName
from cogworks.model.errors import ConfigError, Problem
from cogworks.model.services import Route, Service, Services
from cogworks.policy.toml_file import nearest, read_as, read_toml

FROM_HANDSHAKE = ("domain", "capabilities", "artifact_types", "interface_types")
MAX_SOCKET_PATH_BYTES = 107

_CLOSED = ConfigDict(extra="forbid")
_Timeout = Annotated[int, Field(ge=1000, le=3_600_000)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """``timeouts_ms`` of one service, a key for each method."""

    __pydantic_config__ = _CLOSED
    handshake: _Timeout | None = None
    normalise: _Timeout | None = None
    validate: _Timeout | None = None
    review_rules: _Timeout | None = None
    simulate: _Timeout | None = None
    validate_deps: _Timeout | None = None
    extract_interfaces: _Timeout | None = None
    dependency_graph: _Timeout | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceEntry:
    """One ``[[services]]`` table."""

    __pydantic_config__ = _CLOSED
    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,31}$")]
    transport: Literal["unix", "http"]
    path: NonBlank | None = None
    url: NonBlank | None = None
    health_check_timeout_ms: Annotated[int, Field(ge=100, le=60_000)] = 5000
    timeouts_ms: Timeouts = Timeouts()
    auth_token_env: VariableName | None = None
    allow_plaintext: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteEntry:
    """One ``[[routes]]`` table."""

    __pydantic_config__ = _CLOSED
    paths: Annotated[tuple[NonBlank, ...], Field(min_length=1)]
    service: NonBlank


@dataclass(frozen=True, slots=True, kw_only=True)
class ServicesEntry:
    """The whole file."""

    __pydantic_config__ = _CLOSED
    services: tuple[ServiceEntry, ...] = field(default=())
    routes: tuple[RouteEntry, ...] = field(default=())


_FILE: TypeAdapter[ServicesEntry] = TypeAdapter(ServicesEntry)


def parse_services(text: bytes, *, file: str) -> Services:
    """Return the services that ``text`` registers; raise ConfigError that holds every problem found."""
    document = read_toml(text, file=file)
    warnings = _drop_what_the_handshake_says(document, file=file)
    entries = read_as(_FILE, document, file=file)
    problems = [p for n, entry in enumerate(entries.services) for p in _misfits(entry, file=file, at=f"services[{n}]")]
    problems += _duplicates(entries.services, file=file) + _stray_routes(entries, file=file)
    if problems:
        raise ConfigError(problems=tuple(problems))
    return Services(
        services=tuple(_service(entry) for entry in entries.services),
        routes=tuple(Route(paths=route.paths, service=route.service) for route in entries.routes),
        warnings=(*warnings, *(_plaintext_warning(e) for e in entries.services if e.allow_plaintext)),
    )


def is_loopback(host: str | None) -> bool:
    """Tell whether ``host`` is this machine."""
    try:
        return ipaddress.ip_address(host or "").is_loopback
    except ValueError:
        return host == "localhost"


def _drop_what_the_handshake_says(document: dict[str, object], *, file: str) -> tuple[str, ...]:
    tables = document.get("services")
    return tuple(
        f"{file}: services[{number}].{key}: ignored, the handshake says it; delete the key"
        for number, table in enumerate(tables if isinstance(tables, list) else ())
        for key in FROM_HANDSHAKE
        if isinstance(table, dict) and table.pop(key, None) is not None
    )


def _misfits(entry: ServiceEntry, *, file: str, at: str) -> list[Problem]:
    found = _unix_misfits(entry) if entry.transport == "unix" else _http_misfits(entry)
    return [replace(problem, file=file, field=f"{at}.{problem.field}") for problem in found]


def _unix_misfits(entry: ServiceEntry) -> list[Problem]:
    found = [
        Problem(code="out_of_range", field=key, message="this key is for transport http", allowed="leave it out")
        for key in ("url", "auth_token_env")
        if getattr(entry, key) is not None
    ]
    allowed = f"an absolute path of at most {MAX_SOCKET_PATH_BYTES} bytes"
    path = entry.path
    if path is None:
        found.append(Problem(code="missing_key", field="path", message="this key is missing", allowed=allowed))
    elif not path.startswith("/") or len(path.encode()) > MAX_SOCKET_PATH_BYTES or "\0" in path:
        message = f"{path!r} cannot be a socket"
        found.append(Problem(code="out_of_range", field="path", message=message, allowed=allowed))
    return found


def _http_misfits(entry: ServiceEntry) -> list[Problem]:
    found = []
    if entry.path is not None:
        message = "this key is for transport unix"
        found.append(Problem(code="out_of_range", field="path", message=message, allowed="leave it out"))
    allowed = "http:// or https:// and a host, no credentials"
    if entry.url is None:
        return [*found, Problem(code="missing_key", field="url", message="this key is missing", allowed=allowed)]
    url = _split(entry.url)
    if url is None:
        return [*found, Problem(code="out_of_range", field="url", message="this is no address", allowed=allowed)]
    return found if is_loopback(url.hostname) else [*found, *_remote_misfits(entry, url)]


def _remote_misfits(entry: ServiceEntry, url: SplitResult) -> list[Problem]:
    found = []
    if url.scheme == "http" and not entry.allow_plaintext:
        message = f"plain HTTP to {url.hostname}"
        allowed = "https, or allow_plaintext = true for development"
        found.append(Problem(code="out_of_range", field="url", message=message, allowed=allowed))
    if entry.auth_token_env is None:
        message = "a remote service needs a token"
        allowed = "the name of the variable that holds it"
        found.append(Problem(code="missing_key", field="auth_token_env", message=message, allowed=allowed))
    return found


def _split(url: str) -> SplitResult | None:
    try:
        parts = urlsplit(url)
        usable = parts.port != 0 and parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        return None
    return parts if usable and "@" not in parts.netloc and not parts.query and not parts.fragment else None


def _duplicates(entries: Sequence[ServiceEntry], *, file: str) -> list[Problem]:
    names = [entry.name for entry in entries]
    return [
        Problem(
            code="out_of_range",
            file=file,
            field=f"services[{number}].name",
            message=f"services[{names.index(name)}] is called {name} too",
            allowed="a name of its own",
        )
        for number, name in enumerate(names)
        if names.index(name) != number
    ]


def _stray_routes(entries: ServicesEntry, *, file: str) -> list[Problem]:
    names = sorted(entry.name for entry in entries.services)
    problems = []
    for number, route in enumerate(entries.routes):
        if route.service not in names:
            guess = nearest(route.service, names)
            message = f"no service is called {route.service}" + (f"; did you mean {guess}?" if guess else "")
            field_name = f"routes[{number}].service"
            problems.append(
                Problem(code="out_of_range", file=file, field=field_name, message=message, allowed=", ".join(names))
            )
    return problems


def _service(entry: ServiceEntry) -> Service:
    timeouts = {**DEFAULT_TIMEOUTS_MS, Method.HANDSHAKE: entry.health_check_timeout_ms}
    own = {one.name: getattr(entry.timeouts_ms, one.name) for one in fields(Timeouts)}
    return Service(
        name=entry.name,
        transport=entry.transport,
        address=(entry.path if entry.transport == "unix" else entry.url) or "",
        timeouts_ms={str(m): own[m] or ms for m, ms in timeouts.items()},
        token_variable=entry.auth_token_env,
    )


def _plaintext_warning(entry: ServiceEntry) -> str:
    return f"service {entry.name}: allow_plaintext is on; use it for development only"
