#include "apps/devcluster/agent/sandbox.hpp"

#include <algorithm>

namespace atrium::devcluster {

namespace {

// Of /etc only what programs need to run; accounts, keys and configuration of the machine stay out.
constexpr const char* system_files[] = {"/etc/alternatives",
                                        "/etc/ld.so.cache",
                                        "/etc/ld.so.conf",
                                        "/etc/ld.so.conf.d",
                                        "/etc/localtime",
                                        "/etc/timezone",
                                        "/etc/ssl/certs",
                                        "/etc/ssl/openssl.cnf",
                                        "/etc/ca-certificates",
                                        "/etc/bash.bashrc",
                                        "/etc/bash_completion",
                                        "/etc/bash_completion.d",
                                        "/etc/profile",
                                        "/etc/profile.d",
                                        "/etc/inputrc",
                                        "/etc/terminfo",
                                        "/etc/mime.types",
                                        "/etc/magic",
                                        "/etc/fonts",
                                        "/etc/vim",
                                        "/etc/nanorc",
                                        "/etc/python3",
                                        "/etc/R",
                                        "/etc/java",
                                        "/etc/gitconfig",
                                        "/etc/protocols",
                                        "/etc/services",
                                        "/etc/resolv.conf",
                                        "/etc/texmf",
                                        "/etc/gai.conf"};

constexpr const char* root_links[] = {"/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"};

}  // namespace

std::vector<std::string> bwrap_arguments(const sandbox_spec& spec, bool (*exists)(const std::string&)) {
  std::vector<std::string> argv = {spec.bwrap, "--unshare-all", "--new-session"};
  const auto add = [&](std::initializer_list<std::string> more) { argv.insert(argv.end(), more); };
  if (spec.status_fd >= 0) add({"--json-status-fd", std::to_string(spec.status_fd)});
  add({"--uid", std::to_string(sandbox_id), "--gid", std::to_string(sandbox_id), "--hostname", spec.hostname});
  add({"--ro-bind", "/usr", "/usr"});
  for (const std::string link : root_links) {
    if (exists("/usr" + link)) add({"--symlink", "usr" + link, link});  // merged /usr
    else if (exists(link)) add({"--ro-bind", link, link});
  }
  for (const std::string file : system_files)
    if (exists(file)) add({"--ro-bind", file, file});
  add({"--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp", "--tmpfs", "/run", "--dir", "/var/tmp", "--dir",
       "/home/user", "--perms", "1777", "--tmpfs", "/dev/shm"});
  // Outer mounts first, so that one below another is not covered.
  auto mounts = spec.mounts;
  std::sort(mounts.begin(), mounts.end(), [](const auto& a, const auto& b) { return a.target < b.target; });
  for (const auto& m : mounts) add({m.read_only ? "--ro-bind" : "--bind", m.source, m.target});
  if (!spec.directory.empty()) add({"--chdir", spec.directory});
  argv.push_back("--");
  argv.insert(argv.end(), spec.command.begin(), spec.command.end());
  return argv;
}

}  // namespace atrium::devcluster
