#include "beam/map_builder.h"

#include <limits>
#include <string_view>
#include <utility>

namespace ep {
namespace {

/// Whether that number is unbounded in this version of erts.
constexpr bool makes_large_maps_anywhere(std::string_view erts_version) noexcept {
  constexpr int kParts = 4;
  int version[kParts] = {};
  for (int i = 0; i < kParts && !erts_version.empty(); ++i) {
    std::size_t digits = 0;
    for (; digits < erts_version.size() && erts_version[digits] != '.'; ++digits) {
      const char digit = erts_version[digits];
      if (digit < '0' || digit > '9') break;  // a release candidate's
      version[i] = version[i] * 10 + (digit - '0');
    }
    if (digits == erts_version.size() || erts_version[digits] != '.') break;
    erts_version.remove_prefix(digits + 1);
  }
  constexpr int kFixed[][kParts] = {{13, 2, 2, 14}, {14, 2, 5, 8}, {15, 2, 3, 0}};  // OTP 25 to 27
  for (const auto& fixed : kFixed) {
    if (version[0] != fixed[0]) continue;
    for (int i = 1; i < kParts; ++i) {
      if (version[i] != fixed[i]) return version[i] > fixed[i];
    }
    return true;
  }
  return version[0] > 15;
}

// OTP 25.1 to the patches, 26, 27; later ones; what no release has.
static_assert(!makes_large_maps_anywhere("13.1.5"));
static_assert(!makes_large_maps_anywhere("13.2.2.13"));
static_assert(makes_large_maps_anywhere("13.2.2.14"));
static_assert(!makes_large_maps_anywhere("14.2.5.7"));
static_assert(makes_large_maps_anywhere("14.2.5.10"));
static_assert(!makes_large_maps_anywhere("15.2.2.1"));
static_assert(makes_large_maps_anywhere("15.2.3"));
static_assert(makes_large_maps_anywhere("16.0-rc1"));
static_assert(!makes_large_maps_anywhere("15.0-rc1"));
static_assert(!makes_large_maps_anywhere(""));

constexpr std::size_t kMostPairsInOldVersions = 128;

/// Below it, the garbage is not worth the copy.
constexpr std::size_t kFirstCollection = 4096;

}  // namespace

std::size_t most_pairs_anywhere() noexcept {
  ErlNifSysInfo info;
  enif_system_info(&info, sizeof info);
  return makes_large_maps_anywhere(info.erts_version) ? std::numeric_limits<std::size_t>::max()
                                                      : kMostPairsInOldVersions;
}

MapBuilder::MapBuilder(EnvPool& pool)
    : pool_(pool),
      env_(pool),
      map_(enif_make_new_map(env_.get())),
      next_collection_(kFirstCollection) {}

bool MapBuilder::put(ERL_NIF_TERM key, ERL_NIF_TERM value) {
  ERL_NIF_TERM larger;
  std::size_t size;
  enif_make_map_put(env_.get(), map_, key, value, &larger);
  enif_get_map_size(env_.get(), larger, &size);
  if (size == size_) return false;
  map_ = larger;
  size_ = size;
  if (size_ == next_collection_) collect_garbage();
  return true;
}

void MapBuilder::collect_garbage() {
  EnvPool::Lease next(pool_);
  map_ = enif_make_copy(next.get(), map_);
  env_ = std::move(next);
  next_collection_ += next_collection_ / 2;
}

}  // namespace ep
