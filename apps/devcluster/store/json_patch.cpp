#include <span>

#include "apps/devcluster/store/patch.hpp"

namespace atrium::devcluster {

namespace {

result<std::vector<std::string>> pointer_tokens(std::string_view pointer) {
  std::vector<std::string> tokens;
  if (pointer.empty()) return tokens;
  if (pointer.front() != '/') return api_error("BadRequest", "A JSON pointer starts with '/'.");
  for (const char c : pointer) {
    if (c == '/') tokens.emplace_back();
    else tokens.back() += c;
  }
  for (auto& token : tokens) {
    std::string plain;
    for (std::size_t i = 0; i < token.size(); ++i) {
      if (token[i] != '~') {
        plain += token[i];
      } else if (i + 1 < token.size() && (token[i + 1] == '0' || token[i + 1] == '1')) {
        plain += token[++i] == '0' ? '~' : '/';
      } else {
        return api_error("BadRequest", "A JSON pointer has '~' only as '~0' or '~1'.");
      }
    }
    token = std::move(plain);
  }
  return tokens;
}

std::optional<std::size_t> index_of(std::string_view token, std::size_t end) noexcept {
  const auto index = whole_number<std::size_t>(token);
  return (token.size() > 1 && token[0] == '0') || index >= end ? std::nullopt : index;
}

error missing(std::string_view op, std::string_view pointer) {
  return api_error("Invalid", "the server rejected our request due to an error in our request: " + std::string(op) +
                                  " operation does not apply: the path '" + std::string(pointer) + "' does not exist.");
}

/// Copies may double what was copied before: few operations could make more than any memory holds. The API server of
/// Kubernetes has the same bound.
constexpr std::size_t most_copied = 3u << 20;
constexpr unsigned deepest = 64;

/// About the memory that a value takes; more than most_copied for one that is nested too deeply to be walked.
std::size_t weight(const json::value& v, unsigned depth = 0) {
  if (depth > deepest) return most_copied + 1;
  std::size_t sum = sizeof(json::value);
  if (const auto* text = v.if_string()) return sum + text->size();
  if (const auto* array = v.if_array())
    for (const auto& item : *array) sum += weight(item, depth + 1);
  if (const auto* object = v.if_object())
    for (const auto& [key, value] : *object) sum += key.size() + weight(value, depth + 1);
  return sum;
}

json::value* locate(json::value& root, std::span<const std::string> tokens) {
  json::value* at = &root;
  for (const auto& token : tokens) {
    if (auto* object = at->if_object()) {
      at = object->if_contains(token);
    } else if (auto* array = at->if_array()) {
      const auto index = index_of(token, array->size());
      at = index ? &(*array)[*index] : nullptr;
    } else {
      at = nullptr;
    }
    if (!at) return nullptr;
  }
  return at;
}

bool add_at(json::value& root, const std::vector<std::string>& tokens, json::value what) {
  if (tokens.empty()) {
    root = std::move(what);
    return true;
  }
  json::value* parent = locate(root, std::span(tokens).first(tokens.size() - 1));
  if (!parent) return false;
  if (auto* object = parent->if_object()) {
    (*object)[tokens.back()] = std::move(what);
    return true;
  }
  auto* array = parent->if_array();
  if (!array) return false;
  if (tokens.back() == "-") {
    array->push_back(std::move(what));
    return true;
  }
  const auto index = index_of(tokens.back(), array->size() + 1);
  if (!index) return false;
  array->insert(array->begin() + static_cast<std::ptrdiff_t>(*index), std::move(what));
  return true;
}

bool remove_at(json::value& root, const std::vector<std::string>& tokens) {
  if (tokens.empty()) return false;
  json::value* parent = locate(root, std::span(tokens).first(tokens.size() - 1));
  if (!parent) return false;
  if (auto* object = parent->if_object()) return object->erase(tokens.back()) == 1;
  auto* array = parent->if_array();
  const auto index = array ? index_of(tokens.back(), array->size()) : std::nullopt;
  if (!index) return false;
  array->erase(array->begin() + static_cast<std::ptrdiff_t>(*index));
  return true;
}

result<void> apply_operation(json::value& target, const json::value& operation, std::size_t& copied_bytes) {
  const auto op = text_at(operation, {"op"});
  const auto* at = find(operation, {"path"});
  const auto* value = find(operation, {"value"});
  if (!at || !at->is_string()) return api_error("BadRequest", "Each operation of a JSON patch needs a 'path'.");
  const auto pointer = as_view(at->get_string());
  auto tokens = pointer_tokens(pointer);
  if (!tokens) return tokens.error();
  if ((op == "add" || op == "replace" || op == "test") && !value)
    return api_error("BadRequest", "The JSON patch operations add, replace and test need a 'value'.");
  if (op == "add") {
    if (!add_at(target, *tokens, *value)) return missing(op, pointer);
  } else if (op == "remove") {
    if (!remove_at(target, *tokens)) return missing(op, pointer);
  } else if (op == "replace") {
    json::value* there = locate(target, *tokens);
    if (!there) return missing(op, pointer);
    *there = *value;
  } else if (op == "test") {
    const json::value* there = locate(target, *tokens);
    if (!(there ? *there == *value : value->is_null()))
      return api_error("Invalid", "the server rejected our request due to an error in our request: testing path '" +
                                      std::string(pointer) + "' failed: the value there is another.");
  } else if (op == "move" || op == "copy") {
    auto from = pointer_tokens(text_at(operation, {"from"}));
    if (!from) return from.error();
    const json::value* source = locate(target, *from);
    if (!source) return missing(op, text_at(operation, {"from"}));
    copied_bytes += weight(*source);
    if (copied_bytes > most_copied)
      return api_error("RequestEntityTooLarge", "The operations of this JSON patch copy more than 3 MiB.");
    json::value copied = *source;
    if (op == "move" && !remove_at(target, *from)) return missing(op, text_at(operation, {"from"}));
    if (!add_at(target, *tokens, std::move(copied))) return missing(op, pointer);
  } else {
    return api_error("BadRequest", "A JSON patch operation is add, remove, replace, move, copy or test.");
  }
  return {};
}

}  // namespace

result<void> apply_json_patch(json::value& target, const json::value& patch) {
  const auto* operations = patch.if_array();
  if (!operations) return api_error("BadRequest", "A JSON patch is a list of operations.");
  if (operations->size() > 10'000)
    return api_error("RequestEntityTooLarge", "A JSON patch has at most 10000 operations.");
  json::value work = target;  // all or nothing
  std::size_t copied_bytes = 0;
  for (const auto& operation : *operations)
    if (auto done = apply_operation(work, operation, copied_bytes); !done) return done.error();
  target = std::move(work);
  return {};
}

void apply_merge_patch(json::value& target, const json::value& patch) {
  const auto* fields = patch.if_object();
  if (!fields) {
    target = patch;
    return;
  }
  if (!target.is_object()) target.emplace_object();
  auto& object = target.get_object();
  for (const auto& [key, value] : *fields) {
    if (value.is_null()) object.erase(key);
    else apply_merge_patch(object[key], value);
  }
}

}  // namespace atrium::devcluster
