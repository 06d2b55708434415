"""What the benchmark needs of the machine: its own tools built, processes started and ended, /proc read."""

import contextlib
import ctypes
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
BUILD = ROOT / ".build" / "benchmark"
TICK = os.sysconf("SC_CLK_TCK")

_ALLOWED = sorted(os.sched_getaffinity(0))
HELPERS_CORE = {_ALLOWED[0]}  # the mock, the load and Redis
TARGET_CORE = {_ALLOWED[1 % len(_ALLOWED)]}
ALL_CORES = set(_ALLOWED)

_libc = ctypes.CDLL(None)
_PR_SET_PDEATHSIG = 1


def build():
    """Compiles the mock and the load generator when they are older than their sources."""
    BUILD.mkdir(parents=True, exist_ok=True)
    headers = list(HERE.glob("*.h"))
    for name, sources in {"mock": ["mock.c"], "load": ["load.c", "answer.c"]}.items():
        inputs = [HERE / source for source in sources]
        program = BUILD / name
        if program.exists() and all(program.stat().st_mtime > path.stat().st_mtime for path in inputs + headers):
            continue
        flags = ["-std=gnu11", "-O2", "-Wall", "-Wextra", "-Wshadow", "-Werror"]
        # The Swift toolchain brings clang, where the machine has no compiler of its own.
        compiler = os.environ.get("CC") or shutil.which("cc") or "clang"
        subprocess.run([compiler, *flags, "-o", program, *inputs, "-lm"], check=True)


@contextlib.contextmanager
def priority(nice=-10):
    """Lets this session's processes go before those of others on a busy machine, where that is allowed. It is the
    autogroup's value that counts between sessions, not that of a process."""
    path = Path("/proc/self/autogroup")
    try:
        before = re.search(r"nice (-?\d+)", path.read_text())[1]
        path.write_text(str(nice))
    except (OSError, TypeError):
        yield
        return
    try:
        yield
    finally:
        path.write_text(before)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def spawn(command, cores, log, env=None, stdout=None):
    """Starts a process on the given cores. It dies with this one, however this one ends."""

    def prepare():
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        os.sched_setaffinity(0, cores)

    with open(log, "ab") as sink:
        return subprocess.Popen(
            [str(word) for word in command],
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=stdout or sink,
            stderr=sink,
            preexec_fn=prepare,
        )


def end(process, grace=10):
    """Ends a process started here, and its descendants, by their ids."""
    family = tree([process.pid])
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(grace)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    for pid in family:
        if pid != process.pid:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass


def read(path):
    try:
        return Path(path).read_text()
    except OSError:
        return ""


def tree(roots):
    """The processes and all their descendants that are alive."""
    children = {}
    for name in filter(str.isdigit, os.listdir("/proc")):
        stat = read(f"/proc/{name}/stat")
        if stat:
            children.setdefault(int(stat.rpartition(")")[2].split()[1]), []).append(int(name))
    found, todo = [], list(roots)
    while todo:
        pid = todo.pop()
        if pid not in found and os.path.exists(f"/proc/{pid}/stat"):
            found.append(pid)
            todo += children.get(pid, [])
    return found


def cpu_seconds(roots):
    """User and system time of the trees, to the nanosecond, from every thread that is alive."""
    total = 0
    for pid in tree(roots):
        try:
            threads = os.listdir(f"/proc/{pid}/task")
        except OSError:
            continue
        total += sum(int((read(f"/proc/{pid}/task/{thread}/schedstat").split() or [0])[0]) for thread in threads)
    return total / 1e9


def pss_kilobytes(roots):
    """Memory of the trees, pages shared among processes divided by their number."""
    texts = (read(f"/proc/{pid}/smaps_rollup") for pid in tree(roots))
    return sum(int(match[1]) for text in texts if (match := re.search(r"^Pss:\s+(\d+)", text, re.M)))


def machine_seconds():
    """Time all cores together were busy since the machine started."""
    fields = [int(field) for field in read("/proc/stat").splitlines()[0].split()[1:9]]
    return (sum(fields) - fields[3] - fields[4]) / TICK


class Mock:
    """The upstream, on a port it chose itself."""

    def __init__(self):
        self.process = spawn([BUILD / "mock"], HELPERS_CORE, BUILD / "mock.log", stdout=subprocess.PIPE)
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError("the mock did not start; see " + str(BUILD / "mock.log"))
        self.port = int(line)


def load(port, words, key="", limit=300):
    """Runs the load generator to its end and returns what it reports."""
    process = start_load(port, words, key)
    try:
        output, _ = process.communicate(timeout=limit)
    except subprocess.TimeoutExpired:
        end(process, grace=1)
        raise RuntimeError(f"the load took more than {limit} s: {words}") from None
    return json.loads(output.splitlines()[-1])


def start_load(port, words, key=""):
    header = ["-H", f"Authorization: Bearer {key}"] if key else []
    command = [BUILD / "load", "-p", port, *header, *words.split()]
    return spawn(command, HELPERS_CORE, BUILD / "load.log", stdout=subprocess.PIPE)


def wait_until(condition, seconds, what, pause=0.05):
    limit = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > limit:
            raise RuntimeError(f"{what}: not within {seconds} s")
        time.sleep(pause)
