#include "net/address_type.h"

namespace ep::net {
namespace {

PyRef local_to_object(const io::SocketAddress& address) {
  const std::string_view path = address.path();
  const auto size = static_cast<Py_ssize_t>(path.size());
  if (!path.empty() && path[0] == '\0') {
    return PyRef::steal(PyBytes_FromStringAndSize(path.data(), size));
  }
  return PyRef::steal(PyUnicode_DecodeFSDefaultAndSize(path.data(), size));
}

/// An int of `object` from 0 to `max`, or -1, without an error.
long number(PyObject* object, long max) noexcept {
  if (!PyLong_Check(object)) return -1;
  const long value = PyLong_AsLong(object);
  if (value == -1) PyErr_Clear();
  return value <= max ? value : -1;
}

}  // namespace

PyRef to_object(const Attached&, const io::SocketAddress& address) {
  switch (address.family()) {
    case AF_INET:
      return PyRef::steal(Py_BuildValue("si", address.host().c_str(), int{address.port()}));
    case AF_INET6:
      return PyRef::steal(Py_BuildValue("siII", address.host().c_str(), int{address.port()},
                                        static_cast<unsigned>(ntohl(address.ipv6().sin6_flowinfo)),
                                        static_cast<unsigned>(address.ipv6().sin6_scope_id)));
    case AF_UNIX:
      return local_to_object(address);
    default:
      return PyRef::borrow(Py_None);
  }
}

std::optional<io::SocketAddress> from_object(const Attached&, int family,
                                             PyObject* object) noexcept {
  if (!PyTuple_CheckExact(object)) return std::nullopt;
  const Py_ssize_t size = PyTuple_GET_SIZE(object);
  if (size < 2 || size > (family == AF_INET6 ? 4 : 2)) return std::nullopt;
  PyObject* host = PyTuple_GET_ITEM(object, 0);
  if (!PyUnicode_Check(host)) return std::nullopt;
  constexpr long kMaxPort = 0xFFFF;
  constexpr long kMaxFlow = 0xFFFFF;
  constexpr long kMaxScope = 0xFFFFFFFF;
  const long port = number(PyTuple_GET_ITEM(object, 1), kMaxPort);
  const long flow = size > 2 ? number(PyTuple_GET_ITEM(object, 2), kMaxFlow) : 0;
  const long scope = size > 3 ? number(PyTuple_GET_ITEM(object, 3), kMaxScope) : 0;
  if (port < 0 || flow < 0 || scope < 0) return std::nullopt;
  Py_ssize_t length = 0;
  const char* text = PyUnicode_AsUTF8AndSize(host, &length);
  if (text == nullptr) {
    PyErr_Clear();
    return std::nullopt;
  }
  return io::SocketAddress::from_numbers(family, text, static_cast<std::uint16_t>(port),
                                         static_cast<std::uint32_t>(flow),
                                         static_cast<std::uint32_t>(scope));
}

}  // namespace ep::net
