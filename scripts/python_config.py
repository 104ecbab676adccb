"""Prints what a build against the interpreter running this needs, as KEY=VALUE lines.

Leaves with status 1 and one line on standard error if that interpreter can't be embedded. Runs on
any Python, so that one which is too old still gets as far as being told so.
"""

import os
import sys
import sysconfig

OLDEST = (3, 11)


def fail(why):
    sys.stderr.write(why + "\n")
    sys.exit(1)


def libpython():
    """The shared library to link; the linker and `dlopen` both want one that exists."""
    names = [sysconfig.get_config_var(key) for key in ("LDLIBRARY", "INSTSONAME")]
    folders = [sysconfig.get_config_var(key) for key in ("LIBDIR", "LIBPL")]
    multiarch = sysconfig.get_config_var("MULTIARCH")
    if folders[0] and multiarch:
        folders.append(os.path.join(folders[0], multiarch))
    for folder in filter(None, folders):
        for name in filter(None, names):
            path = os.path.join(folder, name)
            if ".so" in name and os.path.exists(path):
                return path
    return None


def main():
    name = "%s (Python %d.%d)" % ((sys.executable,) + tuple(sys.version_info[:2]))
    if sys.version_info[:2] < OLDEST:
        fail("%s is too old: Python %d.%d or newer is needed" % ((name,) + OLDEST))
    package = "libpython%d.%d-dev" % tuple(sys.version_info[:2])
    include = sysconfig.get_path("include")
    if not os.path.exists(os.path.join(include, "Python.h")):
        fail("%s has no Python.h in %s; install %s" % (name, include, package))
    library = libpython()
    if library is None:
        fail(
            "%s has no shared libpython; install %s, or build Python with --enable-shared"
            % (name, package)
        )
    print("EP_PYTHON_EXECUTABLE=" + sys.executable)
    print("EP_PYTHON_VERSION=%d.%d" % tuple(sys.version_info[:2]))
    print("EP_PYTHON_INCLUDE_DIR=" + include)
    print("EP_PYTHON_SUFFIX=" + sysconfig.get_config_var("EXT_SUFFIX"))
    print("EP_LIBPYTHON=" + library)
    print("EP_LIBPYTHON_SONAME=" + sysconfig.get_config_var("INSTSONAME"))


main()
