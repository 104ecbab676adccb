// What Erlang holds of Python's memory: opaque references and the owners of zero-copy binaries.
//
// Both are NIF resources; schedulers destroy them, so both hold DeferredRefs.
#pragma once

#include <utility>

#include "beam/resource.h"
#include "cpython/drop_queue.h"

namespace ep::convert {

/// An object without a row of its own in the table of conversions.
struct OpaqueRef {
  explicit OpaqueRef(DeferredRef ref) noexcept : object(std::move(ref)) {}
  DeferredRef object;
};

/// Keeps the bytes or str alive whose memory a binary shows.
struct BytesOwner {
  explicit BytesOwner(DeferredRef ref) noexcept : object(std::move(ref)) {}
  DeferredRef object;
};

}  // namespace ep::convert
