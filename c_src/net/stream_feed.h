// StreamFeed: hands what a transport reads to an asyncio.StreamReader, as
// StreamReaderProtocol.data_received() and StreamReader.feed_data() do, without passing through
// their Python code, which would take longer than reading from the socket.
//
// Used only where it can't be told apart: for exactly these two classes, with the methods that the
// standard library gives them (see original_methods.h), and while the reader is in its ordinary
// state, all of which is asked each time. All else is left to the Python code. Attached, the loop's
// thread.
#pragma once

#include <span>

#include "cpython/attach.h"
#include "cpython/name.h"
#include "cpython/original_methods.h"
#include "cpython/ref.h"

namespace ep::net {

/// What the standard library's streams consist of.
struct StreamParts {
  Imported protocol{"asyncio.streams", "StreamReaderProtocol"};
  Imported reader{"asyncio.streams", "StreamReader"};
  OriginalMethods protocol_methods;
  OriginalMethods reader_methods;
  // Attributes and methods.
  Name buffer{"_buffer"};
  Name cancelled{"cancelled"};
  Name eof{"_eof"};
  Name limit{"_limit"};
  Name pause_reading{"pause_reading"};
  Name paused{"_paused"};
  Name reader_ref{"_stream_reader_wr"};
  Name set_result{"set_result"};
  Name transport{"_transport"};
  Name waiter{"_waiter"};

  /// Throws PythonError.
  explicit StreamParts(const Attached& py);
  int traverse(visitproc visit, void* arg) const;
};

enum class Fed { kYes, kLeftToPython, kError /* Python error set */ };
/// `data` is not empty. kLeftToPython: nothing has been done.
Fed feed_stream(const Attached& py, const StreamParts& parts, PyObject* protocol,
                std::span<const char> data) noexcept;

}  // namespace ep::net
