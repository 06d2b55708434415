#!/usr/bin/env python3
"""Measures Millrace on this machine, in one run beside the mock upstream itself and nginx in front of it.

  run.py              about two minutes
  run.py --full       about ten: longer cells, more repetitions, more cells
  run.py --targets nginx,worker --cells json64,sse64

The targets run all the time and take turns cell by cell, so that whatever else happens on the machine hits them
alike; figures are medians over the repetitions. The mock, the load and Redis share one core, the target has another.
The table goes to standard output, everything measured to .build/benchmark/results.json. See docs/performance.md.
"""

import argparse
import json
import signal
import statistics
import sys
import time

import machine
import targets

# name: what it is, the words for the load generator, whether it is part of the quick run
CELLS = {
    "json1": ("plain answers, 1 connection", "-c 1", True),
    "json64": ("plain answers, 64 connections", "-c 64", True),
    "json64-8k": ("the same with a prompt of 8 KB", "-c 64 -b 8192", False),
    "open50": ("plain answers, 50 a second at random times", "-c 64 -r 50", False),
    "sse64": ("streams of 64 chunks in bursts, 64 connections", "-c 64 -s 64 -u", True),
    "sse512": ("the same, 512 connections", "-c 512 -s 64 -u", False),
    "paced64": ("64 streams, a chunk every 20 ms", "-c 64 -s 64 -u -g 20000 -n {streams}", True),
}
TARGETS = [
    targets.Target,
    targets.Nginx,
    targets.Bare,
    targets.Claude,
    targets.Gemini,
    targets.Worker,
    targets.Governed,
    targets.Cluster,
]
IDLE_STREAMS = 2000
NOISE = 0.15  # cores that others may use before a cell counts as disturbed


def measure(target, cell, seconds):
    """One cell on one target: the load's report, with the target's CPU time per request and per chunk."""
    words = CELLS[cell][1].format(streams=128 if seconds < 4 else 384)
    if "-n" not in words:
        words += f" -d {seconds}"
    busy, began = machine.machine_seconds(), time.monotonic()
    cpu, mock_cpu = machine.cpu_seconds(target.measured), machine.cpu_seconds([target.mock.process.pid])
    report = machine.load(target.port, words, target.key)
    cpu = machine.cpu_seconds(target.measured) - cpu
    mock_cpu = machine.cpu_seconds([target.mock.process.pid]) - mock_cpu
    elapsed = time.monotonic() - began
    others = (machine.machine_seconds() - busy - cpu - mock_cpu - report["cpu_s"]) / elapsed
    requests = report["ok"] + report["bad"]
    report.update(target=target.name, cell=cell, target_cores=cpu / elapsed, others_cores=max(0.0, others))
    report["cpu_us_per_request"] = cpu / requests * 1e6 if requests else None
    report["cpu_us_per_chunk"] = cpu / report["chunks"] * 1e6 if report["chunks"] else None
    return report


def memory(target):
    """Memory at rest, and what each of many open, silent streams adds to it. To be taken from a fresh process, as a
    used one may have room left from before."""
    machine.load(target.port, "-n 20 -c 2", target.key)
    machine.load(target.port, "-n 10 -c 2 -s 16 -u", target.key)
    time.sleep(0.5)
    rest = machine.pss_kilobytes(target.measured)
    holding = machine.start_load(target.port, f"-c {IDLE_STREAMS} -k 3 -s 9999 -g 10000000 -d 60 -o 30", target.key)
    held = json.loads(holding.stdout.readline() or "{}").get("held", 0)
    time.sleep(1)
    full = machine.pss_kilobytes(target.measured)
    report = json.loads(holding.communicate(timeout=90)[0].splitlines()[-1])
    time.sleep(0.5)  # the streams that break off now must not disturb the next one's figures
    return {
        "target": target.name,
        "rest_mb": rest / 1024,
        "kb_per_stream": (full - rest) / held if held else None,
        "held": held,
        "bad": report["bad"] + report["lost"],
        "example": report.get("example"),
    }


def start_times(target, count):
    """Milliseconds from exec to the first good answer, of many starts."""
    times = []
    for _ in range(count):
        times.append(target.start())
        target.stop()
    return times


def run(options, chosen, cells):
    seconds, repetitions = (5, 5) if options.full else (2, 3)
    results = {"starts_ms": {}, "memory": [], "cells": []}
    for target in chosen:
        if target.name == "direct":
            continue
        results["starts_ms"][target.name] = start_times(target, 30 if options.full else 10)
        print(f"{target.name}: starts measured", file=sys.stderr)
    for target in chosen:
        target.start()
        if target.name != "direct":
            results["memory"].append(memory(target))
            print(f"{target.name}: memory measured", file=sys.stderr)
    for repetition in range(repetitions):
        for cell in cells:
            for target in chosen:
                results["cells"].append(report := measure(target, cell, seconds))
                noise = f", others used {report['others_cores']:.2f} cores" if report["others_cores"] > NOISE else ""
                print(f"{repetition + 1}/{repetitions} {cell} {target.name}{noise}", file=sys.stderr)
        chosen = chosen[1:] + chosen[:1]
    return results


class Figures:
    """Looks figures up in the results: the median of a target's repetitions of a cell."""

    def __init__(self, results):
        self.results = results

    def values(self, target, cell, *path):
        found = []
        for report in self.results["cells"]:
            if (report["target"], report["cell"]) != (target, cell):
                continue
            for key in path:
                report = report.get(key) if report is not None else None
            if report is not None:
                found.append(report)
        return found

    def median(self, target, cell, *path):
        values = self.values(target, cell, *path)
        return statistics.median(values) if values else None

    def added(self, target, base, cell, *path):
        """The median of the differences, repetition by repetition."""
        pairs = list(zip(self.values(target, cell, *path), self.values(base, cell, *path)))
        return statistics.median(a - b for a, b in pairs) if pairs and target != base else None

    def memory(self, target, key):
        return next((entry[key] for entry in self.results["memory"] if entry["target"] == target), None)

    def start(self, target):
        times = self.results["starts_ms"].get(target)
        return statistics.median(times) if times else None


def table(title, names, columns):
    """Lines of text; a column is a heading, digits and a function from the target's name to a number or None."""
    rows = [["", *(heading for heading, _, _ in columns)]]
    for name in names:
        values = [(digits, figure(name)) for _, digits, figure in columns]
        if any(value is not None for _, value in values):
            rows.append([name, *("-" if value is None else f"{value:,.{digits}f}" for digits, value in values)])
    if len(rows) == 1:
        return []
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = []
    for name, *cells in rows:
        lines.append("  ".join([name.ljust(widths[0]), *(cell.rjust(w) for cell, w in zip(cells, widths[1:]))]))
    return ["", title, *lines]


def render(results, names, cells):
    figures = Figures(results)
    lines = []

    def cpu(cell, key):
        return lambda name: figures.median(name, cell, key) if name != "direct" else None

    def added(cell, base, distribution, percentile):
        return lambda name: figures.added(name, base, cell, distribution, percentile)

    for cell in cells:
        stream = "-s " in CELLS[cell][1]
        what = "first_chunk_us" if stream else "latency_us"
        columns = [("CPU us/chunk", 2, cpu(cell, "cpu_us_per_chunk"))] if stream else []
        columns.append(("CPU us/request", 1, cpu(cell, "cpu_us_per_request")))
        if stream:
            columns.append(("chunks/s", 0, lambda name, cell=cell: figures.median(name, cell, "chunks_per_s")))
        else:
            columns.append(("requests/s", 0, lambda name, cell=cell: figures.median(name, cell, "requests_per_s")))
        prefix = "first chunk " if stream else ""
        for percentile in ("p50", "p99"):
            columns.append((f"{prefix}{percentile} us", 0, lambda name, c=cell, w=what, p=percentile: figures.median(name, c, w, p)))
        if cell in ("json1", "open50", "paced64"):
            distribution = "relay_us" if stream else what
            for base in ("direct", "nginx"):
                for percentile in ("p50", "p99"):
                    columns.append((f"over {base} {percentile}", 0, added(cell, base, distribution, percentile)))
        columns.append(("cores", 2, cpu(cell, "target_cores")))
        lines += table(f"{cell}: {CELLS[cell][0]}", names, columns)
    lines += table(
        "start and memory",
        names,
        [
            ("start to first answer ms", 1, figures.start),
            ("at rest MB", 1, lambda name: figures.memory(name, "rest_mb")),
            ("KB per idle stream", 1, lambda name: figures.memory(name, "kb_per_stream")),
            ("streams held", 0, lambda name: figures.memory(name, "held")),
        ],
    )
    lines.append("")
    for entry in results["memory"] + results["cells"]:
        if entry["bad"]:
            lines.append(f"WRONG ANSWERS: {entry['target']} {entry.get('cell', 'idle')}: {entry['bad']}, "
                         f"{entry.get('findings', '')} {entry.get('example') or ''}")
    disturbed = sum(report["others_cores"] > NOISE for report in results["cells"])
    lines.append(f"Medians. Other processes used more than {NOISE} cores in {disturbed} of {len(results['cells'])} cells.")
    return "\n".join(lines)


def choose(options, mock, redis):
    everything = {target.name: target for target in TARGETS}
    names = options.targets.split(",")
    if unknown := set(names) - set(everything):
        sys.exit(f"no such target: {', '.join(sorted(unknown))}")
    if any(issubclass(everything[name], targets.Worker) for name in names) and not targets.WORKER.exists():
        sys.exit(f"{targets.WORKER} is missing: swift build -c release --product Worker")
    return [everything[name](mock, redis) if issubclass(everything[name], targets.Worker) else everything[name](mock)
            for name in names]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--targets", default="direct,nginx,bare,worker,governed,cluster")
    parser.add_argument("--cells", help=", ".join(CELLS))
    parser.add_argument("--out", default=str(machine.BUILD / "results.json"))
    options = parser.parse_args()
    cells = options.cells.split(",") if options.cells else [c for c in CELLS if options.full or CELLS[c][2]]
    if unknown := set(cells) - set(CELLS):
        sys.exit(f"no such cell: {', '.join(sorted(unknown))}")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("terminated"))  # so that everything started here is ended
    machine.build()
    started = []
    try:
        mock = machine.Mock()
        started.append(mock.process)
        redis = None
        if {"worker", "bare", "governed", "cluster"} & set(options.targets.split(",")):
            redis = targets.Redis()
            started.append(redis.process)
        chosen = choose(options, mock, redis)
        try:
            with machine.priority():
                results = run(options, chosen, cells)
        finally:
            for target in chosen:
                target.stop()
    except RuntimeError as failure:
        sys.exit(str(failure))
    finally:
        for process in reversed(started):
            machine.end(process)
    with open(options.out, "w") as file:
        json.dump(results, file, indent=1)
    print(render(results, [target.name for target in chosen], cells))
    sys.exit(any(entry["bad"] for entry in results["memory"] + results["cells"]))


if __name__ == "__main__":
    main()
