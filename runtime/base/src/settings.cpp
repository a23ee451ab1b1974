#include "atrium/base/settings.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "atrium/base/assert.hpp"

namespace atrium {

namespace {

error wrong(std::string text) { return error(disposition::invalid, std::move(text)).with_code("settings"); }

std::string join(const std::vector<std::string>& all, std::string_view between) {
  std::string out;
  for (const auto& one : all) out.append(out.empty() ? "" : between).append(one);
  return out;
}

std::string variable_of(std::string_view name) {
  std::string out = "ATRIUM_";
  for (char c : name) out += c == '-' ? '_' : static_cast<char>(c >= 'a' && c <= 'z' ? c - 32 : c);
  return out;
}

/// Edits between two names, for "did you mean".
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t up = row[j];
      row[j] = std::min({up + 1, row[j - 1] + 1, diagonal + (a[i - 1] != b[j - 1])});
      diagonal = up;
    }
  }
  return row.back();
}

}  // namespace

settings::settings(std::string program, std::string summary)
    : program_(std::move(program)), summary_(std::move(summary)) {
  add("config", "FILE", "YAML file with settings", config_file_);
}
settings::~settings() = default;

settings::entry& settings::make(std::string name, std::string placeholder, std::string help) {
  ATRIUM_ASSERT(!find(name), "each setting is defined once");
  auto& e = *entries_.emplace_back(std::make_unique<entry>());
  e.name_ = std::move(name);
  e.placeholder_ = std::move(placeholder);
  e.help_ = std::move(help);
  return e;
}

settings::entry* settings::find(std::string_view name) noexcept {
  for (auto& e : entries_)
    if (e->name_ == name) return e.get();
  return nullptr;
}

void settings::operands(std::string placeholder, std::vector<std::string>& into) {
  operands_placeholder_ = std::move(placeholder);
  operands_ = &into;
}

result<void> settings::set(entry& e, std::string_view value, std::string_view source) {
  std::string what;
  if (!e.choices_.empty() && std::find(e.choices_.begin(), e.choices_.end(), value) == e.choices_.end())
    what = "one of " + join(e.choices_, ", ") + " is expected";
  if (what.empty() && e.check_) what = e.check_(value);
  if (what.empty()) what = e.assign_(value);
  if (!what.empty()) {
    const std::string shown = e.secret_ ? std::string("the value") : "'" + std::string(value) + "'";
    return wrong(std::string(source) + ": " + shown + " is not a value for " + e.name_ + ": " + what);
  }
  e.source_ = source;
  return {};
}

result<void> settings::read_environment(const std::function<const char*(const char*)>& environment) {
  for (auto& e : entries_) {
    const std::string variable = variable_of(e->name_);
    const char* value = environment(variable.c_str());
    if (!value || !*value) continue;  // an empty variable is as good as none
    if (!e->list_) {
      if (auto r = set(*e, value, variable); !r) return r;
      continue;
    }
    e->clear_();
    for (std::string_view rest = value; !rest.empty();) {
      const auto comma = std::min(rest.find(','), rest.size());
      if (comma > 0)
        if (auto r = set(*e, rest.substr(0, comma), variable); !r) return r;
      rest.remove_prefix(std::min(comma + 1, rest.size()));
    }
  }
  return {};
}

/// Fills `out` in order; true when --help stands among the flags.
result<bool> settings::read_arguments(std::span<const std::string> arguments,
                                      std::vector<std::pair<entry*, std::string>>& out) {
  std::vector<std::string> operands;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string& a = arguments[i];
    if (a == "--help" || a == "-h") return true;
    if (a == "--") {
      operands.insert(operands.end(), arguments.begin() + static_cast<std::ptrdiff_t>(i) + 1, arguments.end());
      break;
    }
    if (a.size() < 2 || a[0] != '-') {
      operands.push_back(a);
      continue;
    }
    const auto equals = a.find('=');
    std::string name = a.substr(0, equals);
    name.erase(0, name.starts_with("--") ? 2 : 1);
    std::optional<std::string> value;
    if (equals != std::string::npos) value = a.substr(equals + 1);
    entry* e = a.starts_with("--") ? find(name) : nullptr;
    if (!e && name.starts_with("no-") && !value && (e = find(name.substr(3))) && e->flag_) value = "false";
    if (!e || (name != e->name_ && !e->flag_)) {
      const entry* best = nullptr;
      for (auto& other : entries_)
        if (!best || distance(name, other->name_) < distance(name, best->name_)) best = other.get();
      const bool near = best && distance(name, best->name_) <= 2;
      return wrong("there is no flag " + a.substr(0, equals) + (near ? "; did you mean --" + best->name_ + "?" : "") +
                   " (--help lists the flags)");
    }
    if (!value && e->flag_) value = "true";
    if (!value && i + 1 < arguments.size()) value = arguments[++i];
    if (!value) return wrong("--" + e->name_ + " needs a value: --" + e->name_ + " " + e->placeholder_);
    out.emplace_back(e, std::move(*value));
  }
  if (!operands.empty() && !operands_) return wrong("the argument '" + operands.front() + "' is not expected here");
  if (!operands.empty()) *operands_ = std::move(operands);
  return false;
}

result<bool> settings::apply(std::span<const std::string> arguments,
                             const std::function<const char*(const char*)>& environment) {
  for (auto& e : entries_) e->source_ = "default";
  std::vector<std::pair<entry*, std::string>> given;
  auto helped = read_arguments(arguments, given);
  if (!helped || *helped) return helped;
  if (const char* file = environment("ATRIUM_CONFIG"); file && *file) config_file_ = file;
  for (auto& [e, value] : given)
    if (e == entries_.front().get()) config_file_ = value;
  if (!config_file_.empty())
    if (auto r = read_file(config_file_); !r) return r.error();
  if (auto r = read_environment(environment); !r) return r.error();
  std::vector<entry*> emptied;
  for (auto& [e, value] : given) {
    if (e->list_ && std::find(emptied.begin(), emptied.end(), e) == emptied.end()) {
      e->clear_();
      emptied.push_back(e);
    }
    if (auto r = set(*e, value, "--" + e->name_); !r) return r.error();
  }
  for (auto& e : entries_)
    if (e->required_ && e->source_ == "default")
      return wrong("--" + e->name_ + " " + e->placeholder_ + " is needed (or " + variable_of(e->name_) +
                   "): " + e->help_);
  return false;
}

std::optional<int> settings::parse(int argc, char** argv) {
  const std::vector<std::string> arguments(argv + std::min(argc, 1), argv + argc);
  auto r = apply(arguments, [](const char* name) -> const char* { return std::getenv(name); });
  if (!r) {
    std::fprintf(stderr, "atrium %s: %s\n", program_.c_str(), r.error().public_text().c_str());
    return 2;
  }
  if (!*r) return std::nullopt;
  std::fputs(help().c_str(), stdout);
  return 0;
}

std::string settings::help() const {
  std::string out = "usage: atrium " + program_ + " [flags]" +
                    (operands_ ? " " + operands_placeholder_ : std::string()) + "\n" + summary_ +
                    "\n\nEach flag may also be given as the variable beside it or as a key of the --config file.\n\n";
  for (const auto& e : entries_) {
    if (e->hidden_) continue;
    std::string line = "  --" + e->name_ + (e->flag_ ? "" : " " + e->placeholder_);
    line.resize(std::max<std::size_t>(line.size() + 1, 30), ' ');
    line += variable_of(e->name_);
    line.resize(std::max<std::size_t>(line.size() + 1, 56), ' ');
    line += e->help_;
    if (!e->choices_.empty()) line += " (" + join(e->choices_, ", ") + ")";
    const std::string shown = e->secret_ || e->source_ != "default" ? "" : e->show_();
    if (e->required_) line += " [needed]";
    else if (!shown.empty() && !(e->flag_ && shown == "false")) line += " [" + shown + "]";
    if (e->list_) line += " (may be repeated)";
    out += line + "\n";
  }
  return out;
}

std::vector<std::string> settings::describe() const {
  std::vector<std::string> out;
  for (const auto& e : entries_) {
    const std::string value = e->show_();
    if (value.empty() || e->hidden_) continue;
    out.push_back(e->name_ + "=" + (e->secret_ ? "***" : value) + " (" + e->source_ + ")");
  }
  return out;
}

}  // namespace atrium
