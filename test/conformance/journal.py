"""What became of each test: written line by line, so that a crash or a hang leaves all but one.

`inside.py` writes it, `run` reads it. Lines are JSON: [kind, id, text].
"""

import json

LOOP = "loop"  # the text names the kind of loop that the tests get
STARTED = "started"
PASSED = "passed"
FAILED = "failed"
SKIPPED = "skipped"
FINISHED = "finished"  # of the group: no test is left


class Writer:
    def __init__(self, path):
        self._file = open(path, "a", encoding="utf-8")

    def write(self, kind, test_id="", text=""):
        self._file.write(json.dumps([kind, test_id, text]) + "\n")
        self._file.flush()


class Journal:
    """`results`: id -> (PASSED, FAILED or SKIPPED, text), in order of their ends."""

    def __init__(self, path):
        self.results = {}
        self.loop = None
        self.running = None
        self.finished = False
        for kind, test_id, text in read_lines(path):
            if kind == LOOP:
                self.loop = text
            elif kind == STARTED:
                self.running = test_id
            elif kind == FINISHED:
                self.finished = True
            else:
                self._end(test_id, kind, text)

    def _end(self, test_id, kind, text):
        if test_id == self.running:
            self.running = None
        # One test may report several times: failed subtests, or an error in its clean-up.
        if self.results.get(test_id, (None,))[0] != FAILED:
            self.results[test_id] = (kind, text)


def read_lines(path):
    try:
        with open(path, encoding="utf-8") as file:
            # The last line may be half written yet.
            return [json.loads(line) for line in file if line.endswith("\n")]
    except FileNotFoundError:
        return []
