// The YAML source of settings.
#include <yaml-cpp/yaml.h>

#include "atrium/base/settings.hpp"

namespace atrium {

namespace {
error wrong(std::string text) { return error(disposition::invalid, std::move(text)).with_code("settings"); }
}  // namespace

result<void> settings::read_file(const std::string& path) {
  // Plain keys first, then the program's own section, which wins.
  const auto take = [&](const YAML::Node& map, bool own) -> result<void> {
    for (const auto& pair : map) {
      const auto name = pair.first.as<std::string>();
      const YAML::Node& value = pair.second;
      if (value.IsMap()) {
        if (own) return wrong(path + ": " + name + " is not a setting with parts");
        continue;  // a section, ours or another program's
      }
      entry* e = find(name);
      if (!e) {
        if (!own) continue;  // plain keys are for all programs that know them
        return wrong(path + ": " + program_ + " has no setting " + name);
      }
      if (e->list_ != value.IsSequence() && !(e->list_ && value.IsScalar()))
        return wrong(path + ": " + name + (e->list_ ? " needs a list" : " needs one value"));
      if (e->list_) e->clear_();
      if (value.IsScalar())
        if (auto r = set(*e, value.Scalar(), path); !r) return r;
      if (value.IsSequence())
        for (const auto& one : value) {
          if (!one.IsScalar()) return wrong(path + ": " + name + " needs a list of plain values");
          if (auto r = set(*e, one.Scalar(), path); !r) return r;
        }
    }
    return {};
  };
  try {
    const YAML::Node all = YAML::LoadFile(path);
    if (all.IsNull()) return {};
    if (!all.IsMap()) return wrong(path + ": a map of settings is expected");
    if (auto r = take(all, false); !r) return r;
    if (const YAML::Node section = all[program_]; section && section.IsMap()) return take(section, true);
    return {};
  } catch (const YAML::BadFile&) {
    return wrong("the file of --config cannot be read: " + path);
  } catch (const YAML::Exception& e) {
    return wrong(path + ": line " + std::to_string(e.mark.line + 1) + ": " + e.msg);
  }
}

}  // namespace atrium
