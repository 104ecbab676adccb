#include "beam/system_error.h"

#include <errno.h>

namespace ep {
namespace {

const char* posix_name(int error_number) {
  switch (error_number) {
    case EACCES:
      return "eacces";
    case EADDRINUSE:
      return "eaddrinuse";
    case EADDRNOTAVAIL:
      return "eaddrnotavail";
    case EAGAIN:
      return "eagain";
    case EBADF:
      return "ebadf";
    case ECONNREFUSED:
      return "econnrefused";
    case EEXIST:
      return "eexist";
    case EHOSTUNREACH:
      return "ehostunreach";
    case EINVAL:
      return "einval";
    case EMFILE:
      return "emfile";
    case EMSGSIZE:
      return "emsgsize";
    case ENETUNREACH:
      return "enetunreach";
    case ENFILE:
      return "enfile";
    case ENOBUFS:
      return "enobufs";
    case ENOMEM:
      return "enomem";
    case ENOENT:
      return "enoent";
    case EPERM:
      return "eperm";
    default:
      return nullptr;
  }
}

}  // namespace

ERL_NIF_TERM error_tuple(ErlNifEnv* env, int error_number) {
  const ERL_NIF_TERM error = enif_make_atom(env, "error");
  if (const char* name = posix_name(error_number)) {
    return enif_make_tuple2(env, error, enif_make_atom(env, name));
  }
  return enif_make_tuple2(
      env, error,
      enif_make_tuple2(env, enif_make_atom(env, "errno"), enif_make_int(env, error_number)));
}

}  // namespace ep
