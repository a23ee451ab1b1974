/// @file settings.hpp - what can be set about a program, defined once: a flag, an ATRIUM_* variable and a YAML key.
/// Layer: base.
///
///   std::string root;
///   settings s("static", "serves the browser application");
///   s.add("root", "DIR", "folder of the built application", root).required();
///   if (auto code = s.parse(argc, argv)) return *code;
///
/// `--root DIR` or `--root=DIR` wins over `ATRIUM_ROOT`, that over `root:` in the file of `--config FILE`, that over
/// the variable's value before parse() (its default). A file may serve several programs: plain keys are for all, and a
/// map named like a program (`static: {root: ...}`) holds keys of that one alone and wins over the plain ones. A plain
/// key that this program does not know is skipped, in its own map it is an error. `--help` is generated.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "atrium/base/result.hpp"

namespace atrium {

/// Bound variables must outlive the last parse(). Not thread-safe: used once, at start.
class settings {
 public:
  using duration = std::chrono::nanoseconds;
  /// One setting, for chaining.
  class entry {
   public:
    /// parse() fails when no source gives a value.
    entry& required() {
      required_ = true;
      return *this;
    }
    /// Never shown: not in --help, not in describe(), not in error messages. Prefer ATRIUM_* or a file over the flag.
    entry& secret() {
      secret_ = true;
      return *this;
    }
    /// Accepted, but not listed by --help: shared flags that this program has no use for.
    entry& hidden(bool yes = true) {
      hidden_ = yes;
      return *this;
    }
    /// Only these texts are accepted.
    entry& one_of(std::vector<std::string> choices) {
      choices_ = std::move(choices);
      return *this;
    }
    /// `complaint(value)` gives what is wrong with a value, or an empty text.
    entry& check(std::function<std::string(std::string_view)> complaint) {
      check_ = std::move(complaint);
      return *this;
    }

   private:
    friend class settings;
    std::string name_, placeholder_, help_, source_ = "default";
    bool required_ = false, secret_ = false, hidden_ = false, flag_ = false, list_ = false;
    std::vector<std::string> choices_;
    std::function<std::string(std::string_view)> check_;
    std::function<std::string(std::string_view)> assign_;  ///< parses into the variable; gives what is wrong, or empty
    std::function<void()> clear_;                          ///< empties a list before a new source fills it
    std::function<std::string()> show_;
  };

  settings(std::string program, std::string summary);
  ~settings();

  /// `name` in kebab-case, without dashes in front. The variable's present value is the default.
  entry& add(std::string name, std::string placeholder, std::string help, std::string& into);
  entry& add(std::string name, std::string placeholder, std::string help, std::int64_t& into);
  entry& add(std::string name, std::string placeholder, std::string help, std::uint16_t& into);
  entry& add(std::string name, std::string placeholder, std::string help, unsigned& into);
  entry& add(std::string name, std::string placeholder, std::string help, double& into);
  /// "250ms", "30s", "5m", "2h", "1d"
  entry& add(std::string name, std::string placeholder, std::string help, duration& into);
  /// `--name VALUE` may be repeated; a variable is split at commas; the file has a list.
  entry& add(std::string name, std::string placeholder, std::string help, std::vector<std::string>& into);
  /// `--name`, `--no-name`, `--name=true|false`
  entry& add(std::string name, std::string help, bool& into);
  /// Accepts arguments that are not flags (otherwise they are an error). `placeholder` is shown in the usage line.
  void operands(std::string placeholder, std::vector<std::string>& into);

  /// Reads all sources. Nothing: go on. A number: end with it; --help was printed (0) or what is wrong (2).
  std::optional<int> parse(int argc, char** argv);
  /// The core of parse(), without printing. `arguments` without the program's name; `environment` gives a variable or
  /// null. True when --help was asked for. @errors invalid (unknown flag, bad value, missing required setting, bad
  /// file)
  result<bool> apply(std::span<const std::string> arguments,
                     const std::function<const char*(const char*)>& environment);

  std::string help() const;
  /// `name=value (source)` a line, secrets as ***: for a log line at start.
  std::vector<std::string> describe() const;

 private:
  entry& make(std::string name, std::string placeholder, std::string help);
  entry* find(std::string_view name) noexcept;
  std::string usage() const;
  result<void> set(entry&, std::string_view value, std::string_view source);
  result<void> read_file(const std::string& path);
  result<void> read_environment(const std::function<const char*(const char*)>&);
  result<bool> read_arguments(std::span<const std::string>, std::vector<std::pair<entry*, std::string>>&);

  std::string program_, summary_, config_file_, operands_placeholder_;
  std::vector<std::unique_ptr<entry>> entries_;
  std::vector<std::string>* operands_ = nullptr;
};

/// "250ms", "30s", "5m", "2h", "1d". @errors invalid
result<std::chrono::nanoseconds> parse_duration(std::string_view);

}  // namespace atrium
