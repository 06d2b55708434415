#!/usr/bin/env python3
"""Checks the yardstick: the load generator must notice every fault the mock can make, count exactly, and charge a
stall to every request it delays. A few seconds; loopback, a free port, ends what it started."""

import signal
import threading
import time
import unittest

import machine

# fault: what the load generator has to find in a stream spoiled like that
STREAM_FAULTS = {
    "drop": "chunks",
    "double": "chunks",
    "swap": "chunks",
    "mixup": "chunks",
    "short": "chunks",
    "late": "chunks",
    "cut": "cut",
    "nodone": "done",
    "twodone": "done",
    "nousage": "usage",
    "stall": "timeout",
    "status": "status",
}
PLAIN_FAULTS = {"mixup": "chunks", "status": "status"}


class Yardstick(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        machine.build()
        cls.mock = machine.Mock()

    @classmethod
    def tearDownClass(cls):
        cls.mock.process.send_signal(signal.SIGCONT)
        machine.end(cls.mock.process)
        cls.mock.process.stdout.close()

    def load(self, words):
        return machine.load(self.mock.port, words, limit=30)

    def test_counts_good_answers_exactly(self):
        plain = self.load("-n 500 -c 8")
        self.assertEqual((plain["ok"], plain["bad"]), (500, 0), plain)
        streams = self.load("-n 200 -c 8 -s 64 -u")
        self.assertEqual((streams["ok"], streams["bad"]), (200, 0), streams)
        self.assertEqual((streams["chunks"], streams["events"]), (200 * 64, 200 * 65), streams)

    def test_takes_long_streams_and_long_prompts(self):
        streams = self.load("-n 3 -s 20000")
        self.assertEqual((streams["ok"], streams["chunks"]), (3, 60000), streams)
        self.assertEqual(self.load("-n 4 -c 2 -b 4000000")["ok"], 4)

    def test_notices_every_fault_in_every_stream(self):
        for fault, finding in STREAM_FAULTS.items():
            with self.subTest(fault):
                report = self.load(f"-n 20 -c 20 -s 16 -u -o 0.3 -f {fault}")
                self.assertEqual((report["ok"], report["findings"]), (0, {finding: 20}), report)

    def test_notices_every_fault_in_plain_answers(self):
        for fault, finding in PLAIN_FAULTS.items():
            with self.subTest(fault):
                report = self.load(f"-n 20 -c 4 -f {fault}")
                self.assertEqual((report["ok"], report["findings"]), (0, {finding: 20}), report)

    def test_notices_that_nobody_listens(self):
        report = machine.load(machine.free_port(), "-n 1 -d 1", limit=30)
        self.assertEqual(report["ok"], 0, report)
        self.assertIn("connect", report["findings"], report)

    def test_measures_time(self):
        report = self.load("-n 20 -c 20 -s 11 -g 10000 -t 50000")
        self.assertGreaterEqual(report["first_chunk_us"]["p50"], 49000, report)
        self.assertGreaterEqual(report["latency_us"]["p50"], 148000, report)
        self.assertLess(report["relay_us"]["p50"], 49000, report)

    def test_holds_streams(self):
        report = self.load("-c 300 -k 1 -s 100 -g 5000000")
        self.assertEqual((report["held"], report["lost"], report["bad"]), (300, 0, 0), report)

    def stall(self):
        time.sleep(0.4)
        self.mock.process.send_signal(signal.SIGSTOP)
        time.sleep(0.4)
        self.mock.process.send_signal(signal.SIGCONT)

    def test_charges_a_stall_to_all_requests_it_delays(self):
        stall = threading.Thread(target=self.stall)
        stall.start()
        report = self.load("-r 1000 -c 64 -d 1.5")
        stall.join()
        self.assertGreater(report["ok"], 1200, report)
        self.assertGreater(report["latency_us"]["p90"], 50000, report)

    def test_reads_processor_time_of_a_process(self):
        before = machine.cpu_seconds([self.mock.process.pid])
        self.load("-n 2000 -c 8")
        used = machine.cpu_seconds([self.mock.process.pid]) - before
        self.assertTrue(0.001 < used < 2, used)


if __name__ == "__main__":
    unittest.main()
