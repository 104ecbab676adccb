#include "cpython/integer.h"

namespace ep {
namespace {

#if PY_VERSION_HEX >= 0x030D0000
constexpr int kNatural = Py_ASNATIVEBYTES_LITTLE_ENDIAN | Py_ASNATIVEBYTES_UNSIGNED_BUFFER;
#else
constexpr int kLittleEndian = 1;
constexpr int kUnsigned = 0;
#endif

PyRef make_natural(std::span<const std::uint8_t> bytes) noexcept {
#if PY_VERSION_HEX >= 0x030D0000
  return PyRef::steal(PyLong_FromUnsignedNativeBytes(bytes.data(), bytes.size(), kNatural));
#else
  return PyRef::steal(_PyLong_FromByteArray(bytes.data(), bytes.size(), kLittleEndian, kUnsigned));
#endif
}

}  // namespace

PyRef absolute_value(const Attached&, PyObject* integer) noexcept {
  return PyRef::steal(PyLong_Type.tp_as_number->nb_absolute(integer));
}

std::size_t magnitude_size(const Attached&, PyObject* natural) noexcept {
#if PY_VERSION_HEX >= 0x030D0000
  return static_cast<std::size_t>(PyLong_AsNativeBytes(natural, nullptr, 0, kNatural));
#else
  return _PyLong_NumBits(natural) / 8 + 1;
#endif
}

bool get_magnitude(const Attached&, PyObject* natural, std::span<std::uint8_t> bytes) noexcept {
#if PY_VERSION_HEX >= 0x030D0000
  const Py_ssize_t size = static_cast<Py_ssize_t>(bytes.size());
  return PyLong_AsNativeBytes(natural, bytes.data(), size, kNatural) >= 0;
#else
  return _PyLong_AsByteArray(reinterpret_cast<PyLongObject*>(natural), bytes.data(), bytes.size(),
                             kLittleEndian, kUnsigned) == 0;
#endif
}

PyRef make_integer(const Attached&, bool negative,
                   std::span<const std::uint8_t> magnitude) noexcept {
  PyRef natural = make_natural(magnitude);
  if (!natural || !negative) return natural;
  return PyRef::steal(PyNumber_Negative(natural.get()));
}

}  // namespace ep
