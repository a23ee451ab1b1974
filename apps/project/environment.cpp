#include "apps/project/environment.hpp"

#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <string_view>

extern char** environ;

namespace atrium::project {

namespace {
bool is_secret(std::string_view variable) { return variable.starts_with("ATRIUM_PROJECT_SECRET="); }
}  // namespace

void hide_secrets() noexcept {
  for (char** e = environ; *e; ++e)
    if (is_secret(*e)) {
      char* value = std::strchr(*e, '=') + 1;
      ::explicit_bzero(value, std::strlen(value));  // the very bytes that the kernel shows
    }
  ::unsetenv("ATRIUM_PROJECT_SECRET");
  ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

void set_variable(std::vector<std::string>& environment, const std::string& key, const std::string& value) {
  std::erase_if(environment, [&](const std::string& e) { return e.starts_with(key + "="); });
  environment.push_back(key + "=" + value);
}

std::vector<std::string> user_environment(const std::string& home) {
  std::vector<std::string> out;
  const auto has = [&](const std::string& key) {
    return std::ranges::any_of(out, [&](const std::string& e) { return e.starts_with(key + "="); });
  };
  for (char** e = environ; *e; ++e) {
    const std::string_view variable = *e;
    if (variable.starts_with("ATRIUM_") && !variable.starts_with("ATRIUM_PROJECT_ID=")) continue;
    if (variable.starts_with("KUBERNETES_")) continue;  // of the cluster, no business of the user's programs
    out.emplace_back(variable);
  }
  set_variable(out, "HOME", home);
  set_variable(out, "SHELL", login_shell());
  if (!has("PATH")) out.emplace_back("PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
  if (!has("LANG") && !has("LC_ALL")) out.emplace_back("LANG=C.UTF-8");
  if (!has("USER")) out.emplace_back("USER=user");
  return out;
}

std::string login_shell() {
  static const std::string shell = ::access("/bin/bash", X_OK) == 0 ? "/bin/bash" : "/bin/sh";
  return shell;
}

}  // namespace atrium::project
