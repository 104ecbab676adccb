// Signals for a Python program that has the whole process to itself (bin/erlpy).
//
// The system delivers a signal to whatever thread it likes, in practice to the VM's first one,
// where Python's handler would note it without Python's main thread waking from time.sleep() or
// epoll. So handlers that the program installs are wrapped: ours sends the signal on to Python's
// main thread, and only there runs Python's. Its system calls are interrupted as if there were no
// other threads.
//
// Signals that a fault raises stay with the thread that caused it.
#pragma once

#include "cpython/attach.h"

namespace ep {

/// From now on signal.signal() installs handlers that run on the calling thread, which is Python's
/// main one. Once in the life of the process. False with a Python error set.
[[nodiscard]] bool forward_signals_to_this_thread(const Attached&) noexcept;

}  // namespace ep
