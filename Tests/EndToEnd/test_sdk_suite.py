"""The SDK's own tests of chat, embeddings and models, taken from its source distribution, run against the cluster.

They send dummy values and check the types of what comes back. Left out are endpoints that Millrace does not offer:
stored completions (retrieve, update, list, delete of chat completions) and the deletion of fine-tuned models. Their
checks of empty path parameters never leave the client and stay in.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tarfile
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import pytest

from conftest import Target
from support.simulator import Simulator

SUITES = [
    "tests/api_resources/chat/test_completions.py",
    "tests/api_resources/test_completions.py",
    "tests/api_resources/test_embeddings.py",
    "tests/api_resources/test_models.py",
]
STORED = "(TestCompletions or TestAsyncCompletions) and (retrieve or update or list)"
OFFERED = f"path_params or not (delete or ({STORED}))"
CONFTEST_KEY = 'api_key = "My API Key"'


def source_distribution(directory: Path) -> Path:
    """The archive named by MILLRACE_OPENAI_SDIST, else downloaded in the version that is installed."""
    if given := os.environ.get("MILLRACE_OPENAI_SDIST"):
        return Path(given)
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", "openai"]
    command += ["--dest", str(directory), f"openai=={version('openai')}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    if done.returncode != 0:
        pytest.skip(f"the SDK's source distribution is out of reach: {done.stderr.strip().splitlines()[-1:]}")
    return next(directory.glob("openai-*.tar.gz"))


@pytest.fixture(scope="session")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("sdk")
    with tarfile.open(source_distribution(directory)) as archive:
        wanted = [m for m in archive.getmembers() if re.match(r"[^/]+/(tests/|pyproject\.toml)", m.name)]
        archive.extractall(directory, wanted, filter="data")
    return next(path for path in directory.iterdir() if path.is_dir())


@pytest.mark.limit(120)
def test_own_tests_of_the_sdk(suite: Path, target: Target, sim: Simulator, note: Callable[[str], None]) -> None:
    # The SDK asks for base64 by default, but its strict mode accepts only the numbers of the published schema.
    sim.control(default={"floats_only": True})
    conftest = suite / "tests" / "conftest.py"
    text = conftest.read_text()
    assert CONFTEST_KEY in text
    conftest.write_text(text.replace(CONFTEST_KEY, f'api_key = "{target.key}"'))
    command = [sys.executable, "-m", "pytest", *SUITES, "-q", "-p", "no:cacheprovider", "-o", "addopts=", "-k", OFFERED]
    environment = os.environ | {"TEST_API_BASE_URL": target.base_url}
    done = subprocess.run(command, cwd=suite, env=environment, capture_output=True, text=True, timeout=110)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    note(f"the SDK's own tests, openai {version('openai')}: {done.stdout.strip().splitlines()[-1].strip('= ')}")
