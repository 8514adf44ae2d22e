"""The scripts: quiet when there is nothing to do, and clear when something is missing."""

import os
import re
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from agent.server import LIVEKIT_SERVER_VERSION

ROOT = Path(__file__).resolve().parent.parent
SCRIPTS = ("setup", "demo", "dev", "test")
TOOLS = (
    "bash", "cat", "cut", "dirname", "env", "find", "id", "mkdir", "mktemp", "mv", "rm", "sed",
    "sha256sum", "shasum", "sort", "tail", "xargs",
)  # fmt: skip
PYTHON = 'case "$1" in -c) case "$2" in *print*) echo 3.11.7 ;; esac ;; esac'
NODE = 'case "$1" in --version) echo v22.1.0 ;; esac'


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """What setup looks at, with packages and page already there."""
    root = tmp_path / "checkout"
    for folder in ("scripts", "agent", "avatar", "plugins/one", "web/node_modules", "web/dist"):
        (root / folder).mkdir(parents=True)
    shutil.copy(ROOT / "scripts" / "setup", root / "scripts" / "setup")
    shutil.copy(ROOT / "agent" / "server.py", root / "agent" / "server.py")
    for name in ("pyproject.toml", "avatar/pyproject.toml", "plugins/one/pyproject.toml"):
        (root / name).write_text("[project]\n")
    (root / "constraints.txt").write_text("")
    (root / "web" / "package.json").write_text("{}")
    (root / "web" / "dist" / "index.html").write_text("<html>")
    return root


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    """A PATH of our own: plain tools, and stand-ins that say which versions they are."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in TOOLS:
        real = shutil.which(name)
        if real is not None:
            (folder / name).symlink_to(real)
    _stand_in(folder / "python3", PYTHON)
    _stand_in(folder / "node", NODE)
    _stand_in(folder / "npm", 'echo "npm $*" >>"$CALLS"')
    _stand_in(folder / "livekit-server", "")
    return folder


def _stand_in(path: Path, script: str) -> None:
    path.unlink(missing_ok=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/usr/bin/env bash\n{script}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


def _setup(checkout: Path, tools: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    _stand_in(checkout / ".venv" / "bin" / "python", 'echo "python $*" >>"$CALLS"')
    calls = checkout / "calls"
    calls.write_text("")
    environment = {
        "PATH": str(tools),
        "HOME": str(checkout),
        "CALLS": str(calls),
    }
    return subprocess.run(
        ["bash", checkout / "scripts" / "setup", *arguments],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.parametrize("name", SCRIPTS)
def test_every_script_is_valid_bash_and_may_be_run(name: str) -> None:
    script = ROOT / "scripts" / name
    assert os.access(script, os.X_OK)
    assert "set -euo pipefail" in script.read_text()
    subprocess.run(["bash", "-n", script], check=True)


def test_a_second_run_does_nothing(checkout: Path, tools: Path) -> None:
    first = _setup(checkout, tools)
    assert first.returncode == 0, first.stderr
    assert "installing Python packages" in first.stdout
    second = _setup(checkout, tools)
    assert second.returncode == 0
    assert second.stdout == "set up\n" and second.stderr == ""
    assert (checkout / "calls").read_text() == ""


def test_a_changed_pin_installs_again_and_a_changed_page_builds_again(
    checkout: Path, tools: Path
) -> None:
    _setup(checkout, tools)
    (checkout / "constraints.txt").write_text("numpy==2.4.6\n")
    assert "installing Python packages" in _setup(checkout, tools).stdout
    (checkout / "web" / "index.html").write_text("<html lang=en>")
    changed = _setup(checkout, tools).stdout
    assert "building the page" in changed and "installing" not in changed


def test_every_member_of_the_workspace_is_installed_under_the_constraints(
    checkout: Path, tools: Path
) -> None:
    _setup(checkout, tools)
    calls = (checkout / "calls").read_text()
    assert (
        "-c constraints.txt -e ./avatar -e ./plugins/one -e .[offline,lan,cloud,bridge,dev]"
        in calls
    )


@pytest.mark.parametrize(
    ("tool", "script", "sentence"),
    [
        ("python3", 'case "$2" in *print*) echo 3.9.2 ;; *) exit 1 ;; esac', "is Python 3.9.2"),
        ("node", 'case "$1" in --version) echo v18.0.0 ;; *) exit 1 ;; esac', "Node.js is v18.0.0"),
    ],
)
def test_an_old_tool_is_named_with_what_to_install(
    checkout: Path, tools: Path, tool: str, script: str, sentence: str
) -> None:
    _stand_in(tools / tool, script)
    done = _setup(checkout, tools)
    assert done.returncode == 1
    assert sentence in done.stderr and "install" in done.stderr


@pytest.mark.parametrize(
    ("tool", "sentence"),
    [
        ("python3", "install Python 3.11 or newer"),
        ("node", "install Node.js 20.19 or newer"),
        ("livekit-server", "install Go 1.26 or newer, put livekit-server on PATH, or set"),
    ],
)
def test_a_missing_tool_is_one_sentence(
    checkout: Path, tools: Path, tool: str, sentence: str
) -> None:
    (tools / tool).unlink()
    done = _setup(checkout, tools)
    assert done.returncode == 1
    assert sentence in done.stderr and done.stderr.count("\n") == 1


def test_a_failing_step_shows_the_end_of_its_log(checkout: Path, tools: Path) -> None:
    _stand_in(tools / "npm", "echo no such version; exit 1")
    done = _setup(checkout, tools)
    assert done.returncode == 1
    assert "no such version" in done.stderr and ".setup/npm.log" in done.stderr


def test_the_server_is_built_once_in_the_version_that_the_agent_expects(
    checkout: Path, tools: Path
) -> None:
    (tools / "livekit-server").unlink()
    _stand_in(tools / "go", 'echo "go $*" >>"$CALLS"; echo binary >"$GOBIN/server"')
    done = _setup(checkout, tools)
    assert done.returncode == 0, done.stderr
    assert f"cmd/server@v{LIVEKIT_SERVER_VERSION}" in (checkout / "calls").read_text()
    built = checkout / ".cache" / "visavis" / "livekit-server"
    assert built.read_text() == "binary\n"
    built.chmod(0o755)
    assert _setup(checkout, tools).stdout == "set up\n"


def test_an_unknown_argument_is_refused(checkout: Path, tools: Path) -> None:
    done = _setup(checkout, tools, "--everything")
    assert done.returncode == 1 and "unknown argument --everything" in done.stderr


def test_constraints_pin_exactly_and_name_no_place() -> None:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pins = [line for line in lines if line and not line.startswith("#")]
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.+!]+", pin) for pin in pins)
    assert len({pin.split("==")[0].lower() for pin in pins}) == len(pins)
