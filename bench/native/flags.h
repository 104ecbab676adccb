// Flags: `--name value` pairs of a command line.
//
// Every flag has to be asked for before reject_unknown(), so that a misspelt one is an error
// and not ignored. All failures are std::invalid_argument with a text for the user.
#pragma once

#include <map>
#include <set>
#include <string>

namespace ep::bench {

class Flags {
 public:
  Flags(int argc, char** argv);

  std::string text(const std::string& name, const std::string& fallback);
  long number(const std::string& name, long fallback);
  double real(const std::string& name, double fallback);

  void reject_unknown() const;

 private:
  const std::string* find(const std::string& name);

  std::map<std::string, std::string> values_;
  std::set<std::string> asked_;
};

}  // namespace ep::bench
