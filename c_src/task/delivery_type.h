// The asyncio side of a submission: its task, and the callback that hands the result over.
#pragma once

#include "beam/resource.h"
#include "cpython/attach.h"
#include "cpython/ref.h"
#include "task/python_names.h"

namespace ep::task {

class Submission;

/// A task of `loop` for `awaitable`, which ends `submission` when it is done, and whose context and
/// what inherits it belong to `submission`. A coroutine becomes an
/// asyncio.Task, a future of that loop is awaited as it is. Null with a Python error set.
PyRef new_task(const Attached&, PyObject* loop, PyObject* awaitable,
               ResourceRef<Submission> submission);

/// The submission that the current Python context belongs to, until it has its result; or null.
ResourceRef<Submission> submission_of_context(const Attached&) noexcept;

/// The heap type of the callback; null with a Python error set.
PyRef make_delivery_type(const Attached&, PyObject* module);

}  // namespace ep::task
