// Addresses as Python's socket module shows them: ('127.0.0.1', 80), ('::1', 80, 0, 0), '/a/path',
// b'\0abstract'.
#pragma once

#include <optional>

#include "cpython/attach.h"
#include "cpython/ref.h"
#include "io/address.h"

namespace ep::net {

/// Null: Python error set.
PyRef to_object(const Attached& py, const io::SocketAddress& address);

/// Of a tuple whose host is in numbers, for a socket of `family`. None, without an error: the
/// socket module had better have a look at it.
std::optional<io::SocketAddress> from_object(const Attached& py, int family,
                                             PyObject* object) noexcept;

}  // namespace ep::net
