// StreamFeed: hands what a transport reads to an asyncio.StreamReader, as
// StreamReaderProtocol.data_received() and StreamReader.feed_data() do, without passing through
// their Python code, which would take longer than reading from the socket.
//
// Used only where it can't be told apart: for exactly these two classes, with the methods that the
// standard library gives them, and while the reader is in its ordinary state, all of which is asked
// each time. All else is left to the Python code. Attached, the loop's thread.
#pragma once

#include <span>

#include "cpython/attach.h"
#include "cpython/ref.h"

namespace ep::net {

struct NetTypes;

/// What the standard library's streams consist of; empty if somebody has changed them.
struct StreamParts {
  PyRef protocol;                                 // asyncio.StreamReaderProtocol
  PyRef reader;                                   // asyncio.StreamReader
  PyRef data_received, feed_data, wakeup_waiter;  // their functions
  // Interned names.
  PyRef data_received_name, feed_data_name, wakeup_waiter_name;
  PyRef reader_ref, buffer, cancelled, eof, limit, paused, pause_reading, set_result, transport,
      waiter;

  /// Throws PythonError.
  static StreamParts import(const Attached& py);
  int traverse(visitproc visit, void* arg) const;
};

enum class Fed { kYes, kLeftToPython, kError /* Python error set */ };
/// `data` is not empty. kLeftToPython: nothing has been done.
Fed feed_stream(const Attached& py, const StreamParts& parts, PyObject* protocol,
                std::span<const char> data) noexcept;

}  // namespace ep::net
