// Signals for a Python program that has the whole process to itself (bin/erlpy).
//
// The system hands a signal for the process to any thread that does not block it, in practice to
// the VM's first one. Python's handler would note it there, but Python's main thread would not wake
// from time.sleep() or epoll; os.kill(os.getpid(), ...) would return before its effect, and
// sigwait() and masks would not work at all. So the threads of the VM block signals, and the system
// does the rest.
#pragma once

namespace ep {

/// From now on signals reach only the calling thread, and threads that it starts: all others block
/// them, as those that they start will. Signals that faults raise stay with the thread at fault.
///
/// Has no state, and leaves no handler behind. Threads that don't react within a second (none
/// should ever) are left as they are.
void take_signals_from_other_threads();

}  // namespace ep
