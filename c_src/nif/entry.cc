// What the VM sees of the library: its table of NIFs, and its life.

#include <dlfcn.h>

#include <exception>
#include <memory>

#include "nif/nifs.h"
#include "nif/state.h"

namespace ep::nif {
namespace {

// Microseconds each: they copy terms, post to a mailbox or take a lock that nobody holds for
// longer. None waits.
ErlNifFunc kFunctions[] = {
    {"start", 2, entry<start>, 0},
    {"stop", 2, entry<stop>, 0},
    {"build_info", 0, entry<build_info>, 0},
    {"run_program", 2, entry<run_program>, 0},
    {"deliver_signal", 1, entry<deliver_signal>, 0},
    {"context_new", 1, entry<context_new>, 0},
    {"event_loop_new", 0, entry<event_loop_new>, 0},
    {"event_loop_set_default", 1, entry<event_loop_set_default>, 0},
    {"event_loop_set_worker", 2, entry<event_loop_set_worker>, 0},
    {"event_loop_destroy", 1, entry<event_loop_destroy>, 0},
    {"loop_arm", 1, entry<loop_arm>, 0},
    {"loop_wake", 2, entry<loop_wake>, 0},
    {"loop_close", 2, entry<loop_close>, 0},
    {"loop_is_blocked", 1, entry<loop_is_blocked>, 0},
    {"set_none", 2, entry<set_none>, 0},
    {"stand_in_keeper", 1, entry<stand_in_keeper>, 0},
    {"stand_in_add", 2, entry<stand_in_add>, 0},
    {"stand_in_demand", 0, entry<stand_in_demand>, 0},
    {"stand_in_refuse", 0, entry<stand_in_refuse>, 0},
    {"stand_in_retire", 2, entry<stand_in_retire>, 0},
    {"add_reader", 3, entry<add_reader>, 0},
    {"add_writer", 3, entry<add_writer>, 0},
    {"remove_reader", 2, entry<remove_reader>, 0},
    {"remove_writer", 2, entry<remove_writer>, 0},
    {"poll_collect", 1, entry<poll_collect>, 0},
    {"poll_arm", 1, entry<poll_arm>, 0},
    {"poll_disarm", 1, entry<poll_disarm>, 0},
    {"get_pending", 1, entry<get_pending>, 0},
    {"create_test_udp_socket", 1, entry<create_test_udp_socket>, 0},
    {"sendto_test_udp", 4, entry<sendto_test_udp>, 0},
    {"recvfrom_test_udp", 2, entry<recvfrom_test_udp>, 0},
    {"set_udp_broadcast", 2, entry<set_udp_broadcast>, 0},
    {"close_test_fd", 1, entry<close_test_fd>, 0},
    {"submit", 8, entry<submit>, 0},
    {"cancel", 1, entry<cancel>, 0},
    {"submission_state", 1, entry<submission_state>, 0},
    {"interrupt", 1, entry<interrupt>, 0},
    {"set_router", 1, entry<set_router>, 0},
    {"add_name", 1, entry<add_name>, 0},
    {"remove_name", 1, entry<remove_name>, 0},
    {"callback_reply", 2, entry<callback_reply>, 0},
};

/// Python's threads run this library's code until the VM ends, so it must never be unmapped.
bool stay_loaded() noexcept {
  Dl_info self;
  return dladdr(reinterpret_cast<void*>(&stay_loaded), &self) != 0 &&
         dlopen(self.dli_fname, RTLD_NOW | RTLD_NODELETE | RTLD_NOLOAD) != nullptr;
}

/// The one State of the OS process, as CPython lives once in a process: the VM may delete the
/// module and load the library anew, and then has forgotten its private data. Loads exclude each
/// other.
constinit State* anchor = nullptr;

int load(ErlNifEnv* env, void** priv_data, ERL_NIF_TERM) noexcept {
  try {
    if (anchor == nullptr) {
      if (!stay_loaded()) return 1;
      anchor = std::make_unique<State>(env).release();
    }
    if (!anchor->open_resource_types(env)) return 1;
    *priv_data = anchor;
    return 0;
  } catch (const std::exception&) {
    return 1;
  }
}

/// A new version of py_nif.beam with the same library: it goes on with what is there. Another
/// library can't.
int upgrade(ErlNifEnv* env, void** priv_data, void** old_priv_data, ERL_NIF_TERM) noexcept {
  if (*old_priv_data != anchor || !anchor->open_resource_types(env)) return 1;
  *priv_data = anchor;
  return 0;
}

}  // namespace
}  // namespace ep::nif

using ep::nif::kFunctions;
using ep::nif::load;
using ep::nif::upgrade;
ERL_NIF_INIT(py_nif, kFunctions, load, nullptr, upgrade, nullptr)
