// The set of all tasks, which asyncio.all_tasks() looks at, is a weakref.WeakSet: for each task,
// one Python function runs when it is made and another when it dies. Here are the two in C++. They
// do the same to the same set, so everything else may go on using it.
//
// asyncio has but one such set for all loops of an interpreter; from Python 3.14 on it needs none.
#pragma once

#include "cpython/attach.h"

namespace ep::loop {

/// Puts them into the set of the module asyncio.tasks. Without effect if that is not the standard
/// library's own. False: Python error set.
[[nodiscard]] bool speed_up_task_set(const Attached&, PyObject* tasks_module) noexcept;

}  // namespace ep::loop
