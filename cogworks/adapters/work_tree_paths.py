"""Opens files of a work tree segment by segment, without ever following a link by accident (PATH-02).

Each segment is opened relative to the one before it, and what was opened is what is judged: a link swapped in
between a check and a write changes nothing, because nothing is looked up twice.
"""

import errno
import os
import posixpath
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from cogworks.model.errors import ToolRefused, Transient
from cogworks.policy.paths import check_path, same_but_for_case

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# Without O_NONBLOCK opening a named pipe would wait for a writer.
_FILE = os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
_MAX_LINKS = 8


class _Link(Exception):
    """The path crosses a link; ``leads_to`` is the path with the link resolved, as text."""

    def __init__(self, leads_to: str) -> None:
        super().__init__(leads_to)
        self.leads_to = leads_to


def read(root: Path, path: str, *, max_bytes: int, may_follow: Callable[[str], None] | None = None) -> str:
    """Return the text of a file; links are followed inside the tree when ``may_follow`` accepts where they lead."""
    asked = path
    for _ in range(_MAX_LINKS):
        check_path(asked)
        try:
            return _read(root, asked, max_bytes=max_bytes)
        except _Link as link:
            if may_follow is None:
                raise _refused("is a link or lies behind one") from link
            asked = link.leads_to
            check_path(asked)
            may_follow(asked)
    raise _refused("leads through too many links")


def write(root: Path, path: str, content: str, *, create: bool) -> None:
    """Replace or create a text file; links, hard links and anything but a regular file are refused."""
    check_path(path)
    data = content.encode()
    *folders, name = path.split("/")
    with _no_links(), _folder(root, path, create=create) as folder:
        if create:
            _refuse_other_case(folder, name)
        flags = os.O_WRONLY | _FILE | (os.O_CREAT | os.O_EXCL if create else 0)
        with _plain_file(folder, name, flags, so_far=folders) as handle, os.fdopen(handle, "wb", closefd=False) as file:
            file.truncate(0)
            file.write(data)


def delete(root: Path, path: str) -> None:
    """Delete one regular file."""
    check_path(path)
    *folders, name = path.split("/")
    with (
        _no_links(),
        _folder(root, path) as folder,
        _plain_file(folder, name, os.O_RDONLY | _FILE, so_far=folders),
    ):
        # Removes the name alone: what it points to by now is not touched.
        os.unlink(name, dir_fd=folder)


def regular_files(root: Path) -> tuple[str, ...]:
    """Return the sorted paths of all regular files below ``root``, without ``.git`` and without following links."""
    os.close(_opened_root(root))
    found: list[str] = []
    for place, folders, names in os.walk(root, followlinks=False):
        folders[:] = [name for name in folders if name.casefold() != ".git"]
        here = Path(place)
        found += [
            (here / name).relative_to(root).as_posix()
            for name in names
            if name.casefold() != ".git" and stat.S_ISREG((here / name).lstat().st_mode)
        ]
    return tuple(sorted(found))


def _read(root: Path, path: str, *, max_bytes: int) -> str:
    *folders, name = path.split("/")
    with (
        _folder(root, path) as folder,
        _plain_file(folder, name, os.O_RDONLY | _FILE, so_far=folders) as handle,
        os.fdopen(handle, "rb", closefd=False) as file,
    ):
        # One byte more than allowed tells a file that is larger, even one that grows meanwhile.
        data = b"" if os.fstat(handle).st_size > max_bytes else file.read(max_bytes + 1)
        too_large = os.fstat(handle).st_size > max_bytes or len(data) > max_bytes
    if too_large:
        raise ToolRefused(
            f"file is larger than {max_bytes} bytes",
            error="TOO_LARGE",
            parameter="path",
            constraint="max_file_size_bytes",
        )
    return _text(data)


def _text(data: bytes) -> str:
    try:
        text = data.decode()
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        raise ToolRefused("file is not text", error="NOT_TEXT", parameter="path", constraint="UTF-8 without NUL")
    return text


@contextmanager
def _no_links() -> Iterator[None]:
    try:
        yield
    except _Link as link:
        raise _refused("is a link or lies behind one") from link


@contextmanager
def _folder(root: Path, path: str, *, create: bool = False) -> Iterator[int]:
    """Open the folder that holds ``path``; missing ones on the way are made when ``create`` is set."""
    parts = path.split("/")
    handle = _opened_root(root)
    try:
        for place, name in enumerate(parts[:-1]):
            if create:
                _make_folder(handle, name)
            below = _opened(handle, name, _FOLDER, so_far=parts[:place], rest=parts[place + 1 :])
            os.close(handle)
            handle = below
        yield handle
    finally:
        os.close(handle)


def _opened_root(root: Path) -> int:
    try:
        return os.open(root, _FOLDER & ~os.O_NOFOLLOW)
    except FileNotFoundError as fault:
        raise Transient(f"work tree {root.name} is gone") from fault


def _make_folder(folder: int, name: str) -> None:
    _refuse_other_case(folder, name)
    try:
        os.mkdir(name, dir_fd=folder)
    except FileExistsError:
        # Present is fine; whether it is a folder shows when it is opened.
        return


def _opened(folder: int, name: str, flags: int, *, so_far: list[str], rest: list[str] | None = None) -> int:
    try:
        return os.open(name, flags, 0o644, dir_fd=folder)
    except OSError as fault:
        target = _link_target(folder, name)
        if target is not None:
            raise _Link(_joined(so_far, target, rest)) from fault
        raise _missing(fault) from fault


def _link_target(folder: int, name: str) -> str | None:
    try:
        return os.readlink(name, dir_fd=folder)
    except OSError:
        # No link, or nothing at all: the failed opening is what counts.
        return None


def _joined(so_far: list[str], target: str, rest: list[str] | None) -> str:
    """Return where the link leads, as text from the root; ``..`` goes up by name, so it can only be refused more."""
    if target.startswith("/"):
        return target
    return posixpath.normpath("/".join([*so_far, target, *(rest or [])]))


def _missing(fault: OSError) -> ToolRefused:
    if fault.errno == errno.EEXIST:
        return ToolRefused("path exists", error="ALREADY_EXISTS", parameter="path")
    if fault.errno in (errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.ENXIO, errno.ENAMETOOLONG):
        return ToolRefused("no such file", error="NOT_FOUND", parameter="path")
    return ToolRefused(f"file cannot be opened: {fault.strerror}", error="EXECUTION_FAILED", parameter="path")


@contextmanager
def _plain_file(folder: int, name: str, flags: int, *, so_far: list[str]) -> Iterator[int]:
    """Open a regular file that has one name only; anything else is refused."""
    handle = _opened(folder, name, flags, so_far=so_far)
    try:
        _refuse_unless_plain(handle)
        yield handle
    finally:
        os.close(handle)


def _refuse_unless_plain(handle: int) -> None:
    about = os.fstat(handle)
    if stat.S_ISDIR(about.st_mode):
        raise ToolRefused("no such file", error="NOT_FOUND", parameter="path")
    if not stat.S_ISREG(about.st_mode) or about.st_nlink != 1:
        raise _refused("is not a regular file of its own")


def _refuse_other_case(folder: int, name: str) -> None:
    if same_but_for_case(name, tuple(os.listdir(folder))):
        raise ToolRefused(
            "an entry differs only in case", error="ALREADY_EXISTS", parameter="path", constraint="case (PATH-03)"
        )


def _refused(reason: str) -> ToolRefused:
    return ToolRefused(
        f"path {reason}", error="SCOPE_VIOLATION", parameter="path", constraint="regular files, no links (PATH-02)"
    )
