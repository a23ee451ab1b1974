#include <yaml-cpp/yaml.h>

#include <boost/json.hpp>
#include <charconv>

#include "atrium/k8s/json.hpp"

namespace atrium::k8s {

namespace json = boost::json;

namespace {

constexpr int deepest = 64;
// Aliases multiply: a few lines of YAML can stand for billions of nodes.
constexpr std::size_t most_nodes = 1'000'000;

json::value plain_scalar(const std::string& text) {
  if (text.empty() || text == "~" || text == "null" || text == "Null" || text == "NULL") return nullptr;
  if (text == "true" || text == "True" || text == "TRUE") return true;
  if (text == "false" || text == "False" || text == "FALSE") return false;
  const char *first = text.data(), *last = first + text.size();
  const char* digits = *first == '+' ? first + 1 : first;
  std::int64_t integer = 0;
  if (auto [end, failed] = std::from_chars(digits, last, integer); failed == std::errc() && end == last) return integer;
  const char c = *digits == '-' && digits + 1 != last ? digits[1] : *digits;
  if ((c >= '0' && c <= '9') || c == '.') {
    double real = 0;
    if (auto [end, failed] = std::from_chars(digits, last, real); failed == std::errc() && end == last) return real;
  }
  return json::value(text);
}

json::value convert(const YAML::Node& node, int depth, std::size_t& nodes) {
  if (depth > deepest || ++nodes > most_nodes) throw YAML::Exception(node.Mark(), "too deep or too large");
  switch (node.Type()) {
    case YAML::NodeType::Scalar:
      // yaml-cpp marks quoted scalars with the tag "!".
      return node.Tag() == "!" || node.Tag() == "tag:yaml.org,2002:str" ? json::value(node.Scalar())
                                                                        : plain_scalar(node.Scalar());
    case YAML::NodeType::Sequence: {
      json::array out;
      for (const auto& item : node) out.push_back(convert(item, depth + 1, nodes));
      return out;
    }
    case YAML::NodeType::Map: {
      json::object out;
      for (const auto& item : node) {
        if (!item.first.IsScalar()) throw YAML::Exception(item.first.Mark(), "a key that is not text");
        out[item.first.Scalar()] = convert(item.second, depth + 1, nodes);
      }
      return out;
    }
    default:
      return nullptr;
  }
}

}  // namespace

result<json::value> parse_yaml(std::string_view text) {
  try {
    std::size_t nodes = 0;
    return convert(YAML::Load(std::string(text)), 0, nodes);
  } catch (const YAML::Exception& e) {
    std::string where;
    if (!e.mark.is_null())
      where = " (line " + std::to_string(e.mark.line + 1) + ", column " + std::to_string(e.mark.column + 1) + ")";
    return error(disposition::invalid, "The text is not valid YAML" + where + ".").with_peer_text(e.msg);
  }
}

}  // namespace atrium::k8s
