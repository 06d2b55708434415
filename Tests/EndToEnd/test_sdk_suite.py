"""The SDK's own tests of chat, embeddings and models, taken from its source distribution, run against the cluster.

They send dummy values and check the types of what comes back. Left out are endpoints that Millrace does not offer:
stored completions (retrieve, update, list, delete of chat completions) and the deletion of fine-tuned models. Their
checks of empty path parameters never leave the client and stay in.

Against the gateway two more groups are left out, because what they expect contradicts what OpenAI itself does:
- embeddings without a chosen format in strict mode: the SDK then asks for base64, is given it, and its strict mode
  accepts only numbers;
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
CODED = "(TestEmbeddings or TestAsyncEmbeddings) and (strict or aiohttp) and not all_params"
CONTRADICTED = CODED
CONFTEST_KEY = 'api_key = "My API Key"'


def source_distribution() -> Path:
    """The archive MILLRACE_OPENAI_SDIST names, else the installed version's, downloaded once into the environment."""
    if given := os.environ.get("MILLRACE_OPENAI_SDIST"):
        return Path(given)
    directory = Path(sys.prefix) / "sdist"
    archive = directory / f"openai-{version('openai')}.tar.gz"
    if not archive.exists():
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", "openai"]
        command += ["--dest", str(directory), f"openai=={version('openai')}"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120)
        if done.returncode != 0:
            pytest.skip(f"the SDK's source distribution is out of reach: {done.stderr.strip().splitlines()[-1:]}")
    return archive


@pytest.fixture(scope="session")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("sdk")
    with tarfile.open(source_distribution()) as archive:
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
    chosen = f"({OFFERED}) and not ({CONTRADICTED})" if target.is_gateway else OFFERED
    command = [sys.executable, "-m", "pytest", *SUITES, "-q", "-p", "no:cacheprovider", "-o", "addopts=", "-k", chosen]
    environment = os.environ | {"TEST_API_BASE_URL": target.base_url}
    done = subprocess.run(command, cwd=suite, env=environment, capture_output=True, text=True, timeout=110)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    note(f"the SDK's own tests, openai {version('openai')}: {done.stdout.strip().splitlines()[-1].strip('= ')}")
