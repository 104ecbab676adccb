#include "net/bytes_pool.h"

#include <cstring>
#include <utility>

#include "cpython/internals.h"

namespace ep::net {
PyRef BytesPool::make(const Attached&, std::span<const char> content) noexcept {
  const auto size = static_cast<Py_ssize_t>(content.size());
  if (reuse_ && fits(size)) {
    Place& place = place_of(size);
    if (place.size == size && place.count > 0) {
      PyRef object = std::move(place.objects[--place.count]);
      std::memcpy(PyBytes_AS_STRING(object.get()), content.data(), content.size());
      return object;
    }
  }
  return PyRef::steal(PyBytes_FromStringAndSize(content.data(), size));
}

void BytesPool::give(const Attached&, PyRef object) noexcept {
  if (!reuse_ || !object || Py_REFCNT(object.get()) != 1 || !PyBytes_CheckExact(object.get())) {
    return;
  }
  const Py_ssize_t size = PyBytes_GET_SIZE(object.get());
  if (!fits(size)) return;
  Place& place = place_of(size);
  if (place.size != size) {
    if (place.size != 0 && ++place.misses < kMissesToChange) return;
    while (place.count > 0) place.objects[--place.count].reset();
    place.size = size;
  }
  place.misses = 0;
  if (place.count == kKept) return;
  renew_bytes(object.get());
  place.objects[place.count++] = std::move(object);
}

void BytesPool::clear() noexcept {
  for (Place& place : places_) {
    while (place.count > 0) place.objects[--place.count].reset();
  }
}

}  // namespace ep::net
