"""ctypes.util.find_library(), which must not start programs here."""

import asyncio
import ctypes.util
import re
import shutil
import unittest

import erlang


async def listed_libraries():
    """The first library of each name that ldconfig lists, with the rest of its lines."""
    ldconfig = shutil.which("ldconfig", path="/usr/sbin:/sbin:/usr/bin:/bin")
    process = await asyncio.create_subprocess_exec(
        ldconfig, "-p", env={"LC_ALL": "C"}, stdout=asyncio.subprocess.PIPE
    )
    output, _ = await process.communicate()
    lines = re.findall(r"^\tlib([^.\s]+)(\.\S+) \((.*)\) => ", output.decode(), re.MULTILINE)
    first = {}
    for name, rest, kind in lines:
        first.setdefault(name, ("lib" + name + rest, kind))
    return first


class Libraries(unittest.TestCase):
    def test_found_as_ldconfig_lists_them(self):
        listed = erlang.run(listed_libraries())
        self.assertIn("c", listed)
        kind = listed["c"][1].partition(" ")[0].partition(", hwcap")[0]
        for name, (soname, described) in listed.items():
            if described.split(",")[:2] == kind.split(",")[:2]:
                self.assertEqual(ctypes.util.find_library(name), soname)

    def test_what_is_found_can_be_loaded(self):
        library = ctypes.CDLL(ctypes.util.find_library("c"))
        self.assertGreater(library.getpid(), 0)

    def test_unknown_ones(self):
        self.assertIsNone(ctypes.util.find_library("no_such_library"))


if __name__ == "__main__":
    unittest.main()
