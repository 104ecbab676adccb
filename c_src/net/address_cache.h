// AddressCache: the Python objects of peers that have been heard of lately. A datagram server sees
// few peers many times, and telling an address in text costs as much as receiving the datagram.
//
// Tuples of a str and numbers: sharing one can't be told from making another. Attached.
#pragma once

#include <utility>

#include "cpython/attach.h"
#include "cpython/ref.h"
#include "io/address.h"
#include "net/address_type.h"

namespace ep::net {

class AddressCache {
 public:
  /// As to_object(). Null: Python error set.
  PyRef object(const Attached& py, const io::SocketAddress& address) {
    io::InetAddress small;
    const int family = address.family();
    if ((family != AF_INET && family != AF_INET6) || !small.assign(address)) {
      return to_object(py, address);
    }
    Entry& entry = entries_[place_of(address)];
    if (entry.object && entry.address == small) return entry.object;
    PyRef made = to_object(py, address);
    const PyRef previous = std::exchange(entry.object, made);
    entry.address = small;
    return made;
  }

 private:
  struct Entry {
    io::InetAddress address;
    PyRef object;
  };
  static constexpr std::size_t kEntries = 256;

  /// Ports of one machine are neighbours, and tell most peers of a test or a cluster apart.
  static std::size_t place_of(const io::SocketAddress& address) noexcept {
    const std::size_t host = address.family() == AF_INET ? ntohl(address.ipv4().sin_addr.s_addr)
                                                         : address.ipv6().sin6_addr.s6_addr[15];
    return (address.port() + host * 31) % kEntries;
  }

  Entry entries_[kEntries];
};

}  // namespace ep::net
