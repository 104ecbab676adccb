#include "flags.h"

#include <stdexcept>

namespace ep::bench {

Flags::Flags(int argc, char** argv) {
  for (int i = 1; i < argc; i += 2) {
    const std::string name = argv[i];
    if (name.rfind("--", 0) != 0) throw std::invalid_argument("not a flag: " + name);
    if (i + 1 == argc) throw std::invalid_argument(name + " needs a value");
    values_[name.substr(2)] = argv[i + 1];
  }
}

const std::string* Flags::find(const std::string& name) {
  asked_.insert(name);
  const auto found = values_.find(name);
  return found == values_.end() ? nullptr : &found->second;
}

std::string Flags::text(const std::string& name, const std::string& fallback) {
  const std::string* value = find(name);
  return value ? *value : fallback;
}

long Flags::number(const std::string& name, long fallback) {
  const std::string* value = find(name);
  return value ? std::stol(*value) : fallback;
}

double Flags::real(const std::string& name, double fallback) {
  const std::string* value = find(name);
  return value ? std::stod(*value) : fallback;
}

void Flags::reject_unknown() const {
  for (const auto& [name, value] : values_) {
    if (!asked_.contains(name)) throw std::invalid_argument("unknown flag --" + name);
  }
}

}  // namespace ep::bench
