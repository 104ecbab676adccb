// TransportTable: the transports of a loop, by descriptor number: `loop._transports`.
//
// It is what keeps an open transport alive, visibly to the garbage collector: while the loop
// watches its socket nothing else may refer to it. A transport that is done with is listed until it
// dies or its number is used again, as in asyncio. Attached threads.
#pragma once

#include "cpython/attach.h"
#include "cpython/ref.h"

namespace ep::net {

/// Null: Python error set.
PyRef new_transport_table_type(const Attached& py, PyObject* module) noexcept;

// `table` is one of that type.

/// Lists `transport`, and keeps it alive until it is settled. Throws std::bad_alloc.
void keep_transport(const Attached& py, PyObject* table, int fd, PyObject* transport);
/// It need no longer be kept alive. May be the end of it.
void settle_transport(const Attached& py, PyObject* table, int fd, PyObject* transport) noexcept;
/// For one that dies.
void forget_transport(const Attached& py, PyObject* table, int fd, PyObject* transport) noexcept;

}  // namespace ep::net
