// The garbage collector does not know the handles that wait in a loop's queue (loop/handle.h). One
// that others have, too, would keep a loop alive that is nothing but garbage. So what such loops
// have is shown to the collector before each full collection, through gc.callbacks.
#pragma once

#include "cpython/attach.h"

namespace ep::loop {

/// False: Python error set.
[[nodiscard]] bool add_collector_hook(const Attached&, PyObject* module) noexcept;

}  // namespace ep::loop
