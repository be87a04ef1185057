"""Locks of folders."""

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mdhr.errors import InputError
from mdhr.files.folder_lock import LOCK_FILE, locked_folder

HOLD = """
import sys
from pathlib import Path
from mdhr.files.folder_lock import locked_folder
with locked_folder(Path(sys.argv[1]), setting="--out"):
    print("locked", flush=True)
    sys.stdin.read()
"""


@contextmanager
def other_owner(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the lock until its stdin is closed."""
    command = [sys.executable, "-c", HOLD, str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "locked\n"
        try:
            yield process
        finally:
            process.kill()


def test_the_folder_is_created_and_the_lock_file_deleted(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "folder"
    with locked_folder(folder, setting="--out"):
        assert (folder / LOCK_FILE).is_file()
    assert list(folder.iterdir()) == []


def test_a_second_process_gets_one_line(tmp_path: Path) -> None:
    with other_owner(tmp_path) as process:
        with pytest.raises(InputError) as caught, locked_folder(tmp_path, setting="--out"):
            pass
        assert str(caught.value) == (
            f"{tmp_path} is in use by process {process.pid} on host {socket.gethostname()}. "
            "Wait until it ends, or choose another --out."
        )
        process.communicate("")
    with locked_folder(tmp_path, setting="--out"):
        pass


def test_a_killed_process_releases_its_lock(tmp_path: Path) -> None:
    with other_owner(tmp_path) as process:
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert (tmp_path / LOCK_FILE).is_file()
        with locked_folder(tmp_path, setting="--out"):
            assert (tmp_path / LOCK_FILE).read_text().split()[0] == str(os.getpid())


def test_nested_blocks_of_one_thread_share_the_lock(tmp_path: Path) -> None:
    unfinished = tmp_path / f".mdhr-{os.getpid()}-table.csv"
    with locked_folder(tmp_path, setting="--out"):
        unfinished.touch()
        with locked_folder(tmp_path / ".", setting="--out"):
            pass
        assert unfinished.is_file(), "the inner block deletes no temporary file of the outer one"
        assert (tmp_path / LOCK_FILE).is_file(), "the lock ends with the outer block"


def test_another_thread_is_refused(tmp_path: Path) -> None:
    messages = []

    def lock() -> None:
        with pytest.raises(InputError) as caught, locked_folder(tmp_path, setting="--out"):
            pass
        messages.append(str(caught.value))

    with locked_folder(tmp_path, setting="--out"):
        thread = threading.Thread(target=lock)
        thread.start()
        thread.join()
    assert len(messages) == 1
    assert f"in use by process {os.getpid()} on host" in messages[0]


def test_an_error_in_the_block_releases_the_lock(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), locked_folder(tmp_path, setting="--out"):
        raise KeyboardInterrupt
    with locked_folder(tmp_path, setting="--out"):
        pass


def test_only_temporary_files_of_killed_processes_are_deleted(tmp_path: Path) -> None:
    kept = {".x.tmp", ".my.partial", "notes.tmp", ".mdhr-notes", "mdhr-1-table.csv"}
    for name in (*kept, ".mdhr-1-table.csv", ".mdhr-4194304-run.mp4"):
        (tmp_path / name).touch()
    with locked_folder(tmp_path, setting="--out"):
        pass
    assert {path.name for path in tmp_path.iterdir()} == kept


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_a_folder_of_another_user_is_one_line(tmp_path: Path) -> None:
    tmp_path.chmod(0o555)
    os.seteuid(65534)
    try:
        with pytest.raises(InputError) as caught, locked_folder(tmp_path, setting="--out"):
            pass
    finally:
        os.seteuid(0)
    assert str(caught.value) == f"cannot write to {tmp_path}: Permission denied. Choose another --out."


def test_a_file_instead_of_a_folder_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    message = r"^cannot write to .*file: File exists\. Choose another --out\.$"
    with pytest.raises(InputError, match=message), locked_folder(tmp_path / "file", setting="--out"):
        pass
