"""torch is an extra: nothing else may need it, and what needs it says so."""

import subprocess
import sys
from pathlib import Path

import pytest

from avatar.errors import RendererError
from avatar.frames import Cue
from avatar.renderers import NAMES, load_or_cpu

BLOCK = """
import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("torch", "safetensors"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Absent())
"""


def run(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", BLOCK + code], capture_output=True, text=True)


@pytest.mark.parametrize(
    "module",
    ["avatar", "avatar.renderers", "avatar.renderers.cpu", "agent.worker", "avatar.nets.keys"],
)
def test_is_imported_without_torch(module: str) -> None:
    done = run(f"import {module}")
    assert done.returncode == 0, done.stderr


def test_parity_says_what_to_install() -> None:
    done = run(
        "from avatar.__main__ import main; sys.exit(main(['parity','--golden','.','--seed','1']))"
    )
    assert done.returncode == 2
    assert "pip install 'visavis-avatar[neural]'" in done.stderr


@pytest.mark.parametrize("name", [name for name in NAMES if name != "cpu"])
def test_call_gets_the_cpu_portrait_where_the_neural_one_cannot_run(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str
) -> None:
    monkeypatch.setenv("VISAVIS_MODELS", str(tmp_path))
    face = load_or_cpu(name, portrait="imani")
    assert face.draw(Cue(0, 0.0)).instead == f"{name} cannot run here"
    assert f"{name} cannot run here" in caplog.text
    assert caplog.records[-1].__dict__["reason"]


def test_unknown_renderer_is_refused() -> None:
    with pytest.raises(RendererError, match="choose one of cpu, liveportrait, musetalk"):
        load_or_cpu("crayon", portrait="imani")
