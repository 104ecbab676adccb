// The enif_ functions for which there would have to be a VM: without one, nobody is there to be
// sent to, looked up, monitored or asked to wait.
#include <climits>

#include "terms/word.h"

extern "C" {

int enif_send(ErlNifEnv*, const ErlNifPid*, ErlNifEnv*, ERL_NIF_TERM) { return 0; }
int enif_whereis_pid(ErlNifEnv*, ERL_NIF_TERM, ErlNifPid*) { return 0; }
ErlNifPid* enif_self(ErlNifEnv*, ErlNifPid*) { return nullptr; }
/// Pids and ports of every node are foreign.
int enif_get_local_pid(ErlNifEnv*, ERL_NIF_TERM, ErlNifPid*) { return 0; }
int enif_get_local_port(ErlNifEnv*, ERL_NIF_TERM, ErlNifPort*) { return 0; }

/// Positive: there is no such process.
int enif_monitor_process(ErlNifEnv*, void*, const ErlNifPid*, ErlNifMonitor*) { return 1; }

/// Negative: there is no such monitor.
int enif_demonitor_process(ErlNifEnv*, void*, const ErlNifMonitor*) { return -1; }

int enif_select(ErlNifEnv*, ErlNifEvent, enum ErlNifSelectFlags, void*, const ErlNifPid*,
                ERL_NIF_TERM) {
  return INT_MIN | ERL_NIF_SELECT_FAILED;
}

/// The version tells which faults of old VMs there are; we have none of theirs.
void enif_system_info(ErlNifSysInfo* info, std::size_t) {
  static char version[] = "99.0.0";
  static char release[] = "none";
  *info = {};
  info->erts_version = version;
  info->otp_release = release;
  info->nif_major_version = ERL_NIF_MAJOR_VERSION;
  info->nif_minor_version = ERL_NIF_MINOR_VERSION;
}

}  // extern "C"
