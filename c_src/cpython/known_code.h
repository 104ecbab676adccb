// The functions of the standard library that C++ code of ours stands in for, each with the hashes
// of the code that it was written after (see code_hash.h). A Python that has other code, be it a
// version that is not here, a distribution's patch, or a program's, goes the Python way: that is
// correct, and slower. scripts/code_hashes prints the entries of the Python that runs it.
#pragma once

#include <array>
#include <cstdint>

namespace ep {

struct KnownFunction {
  char name[24];                        // no pointer, which the loader would have to write
  std::array<std::uint64_t, 3> hashes;  // of Python 3.11, 3.13 and 3.14; 0: there is none
};

namespace known {

// weakref.WeakSet; loop/task_set.cc
inline constexpr KnownFunction kWeakSetAdd{
    "add", {0xf8fe5c41d6da008d, 0xabcacebbbb5283f5, 0xa7c0c9a41c71df18}};
inline constexpr KnownFunction kWeakSetCommit{"_commit_removals",
                                              {0x7decbb4291f2ede9, 0x2828e333a664fc14, 0}};
inline constexpr KnownFunction kWeakSetRemove{"_remove",
                                              {0x9ca14a66cfb49271, 0x45c103a7fcd2f84f, 0}};

// asyncio.StreamReaderProtocol; net/stream_feed.cc
inline constexpr KnownFunction kStreamReaderProtocol[] = {
    {"data_received", {0x9fd990d98853b7d0, 0xb05363bb26c7dbf5, 0x2a7a3351394a5b3b}},
};

// asyncio.StreamReader; net/stream_feed.cc
inline constexpr KnownFunction kStreamReader[] = {
    {"feed_data", {0x5683bfe437dbe88d, 0x6dfe99ab913f78cc, 0x6633c52b0540e880}},
    {"_wakeup_waiter", {0xa927a19f6dcec827, 0xbe19cb337b3ce083, 0x364b6f95ebe7523d}},
};

// asyncio.sslproto.SSLProtocol; net/tls_records.cc
inline constexpr KnownFunction kSSLProtocol[] = {
    {"get_buffer", {0x2ef682cf99b7114c, 0x347abc9794588284, 0x917e7133049b9597}},
    {"buffer_updated", {0xbc9310a14d27a932, 0xd45d208810bb5fc0, 0x5c97eb4ced309832}},
    {"_do_read", {0xadf45e6ce5f34fd1, 0xbf160052c0f88aa7, 0xf92aedfc200f9209}},
    {"_do_read__copied", {0x22f477e96e97594b, 0x76819b58a2f12927, 0x797e8c5ffdb7dcf4}},
    {"_do_write", {0x1bbd9d034bc7c6a5, 0x8739ae723d4747ef, 0x55c9a8a0ce7c7391}},
    {"_write_appdata", {0xfc6434d2ba3231a8, 0xbef6c05df649bab2, 0x0e77d9e658d470ee}},
    {"_process_outgoing", {0x78d59b0a74663b2e, 0x097a443127e3169f, 0x349f8a4c3a6a246e}},
    {"_control_app_writing", {0x6139730184f08178, 0xcebdd429b5e77dbc, 0xc4c7818008e3cc3c}},
    {"_control_ssl_reading", {0x5a0dce0fbe8b2931, 0x85bfd80bf7518eab, 0xc180f5614992a0e5}},
    {"_get_write_buffer_size", {0x75091fe2d549a77a, 0x3092e537697b47af, 0x49c4fa929dde0840}},
    {"_get_read_buffer_size", {0x8a38a7f43916122e, 0xe924600b67fe7537, 0xe138b56a06dce9d8}},
};

// asyncio.sslproto._SSLProtocolTransport; net/tls_records.cc
inline constexpr KnownFunction kSSLProtocolTransport[] = {
    {"write", {0xc03bf132bcdd7a9b, 0x4e3c03ca577ad84d, 0xd254f2406df5efb4}},
};

// ssl.SSLObject; net/tls_records.cc
inline constexpr KnownFunction kSSLObject[] = {
    {"read", {0x89fa1af820add3a9, 0x330c876756ce259b, 0x114b9cba333df60d}},
    {"write", {0xf6f13aa343bf9190, 0x3081f1448b46fe76, 0x49d0fe3d5db93069}},
};

}  // namespace known
}  // namespace ep
