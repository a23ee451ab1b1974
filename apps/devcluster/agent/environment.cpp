#include "apps/devcluster/agent/environment.hpp"

#include "apps/devcluster/agent/sandbox.hpp"

namespace atrium::devcluster {

namespace {

void assign(variables& all, std::string name, std::string value) {
  for (auto& [known, text] : all)
    if (known == name) {
      text = std::move(value);
      return;
    }
  all.emplace_back(std::move(name), std::move(value));
}

result<object_ptr> source(const object_store& store, const json::value& pod, const resource_type& type,
                          std::string_view name) {
  auto found = store.get(type, text_at(pod, {"metadata", "namespace"}), name);
  if (!found) return api_error("NotFound", std::string(type.singular) + " \"" + std::string(name) + "\" not found");
  return found;
}

/// What a ConfigMap or Secret holds at a key.
std::string plain_text(const resource_type& type, const json::string& value) {
  if (&type != &kinds::secrets()) return std::string(as_view(value));
  const auto plain = k8s::decode_base64(as_view(value));
  return plain ? *plain : std::string();
}

result<std::string> key_of(const object_store& store, const json::value& pod, const resource_type& type,
                           const json::value& reference) {
  const auto from = source(store, pod, type, text_at(reference, {"name"}));
  if (!from) return from.error();
  const auto key = text_at(reference, {"key"});
  const auto* value = find((*from)->value(), {"data", key});
  if (!value || !value->is_string())
    return api_error("NotFound", "couldn't find key " + std::string(key) + " in " + std::string(type.kind) + " " +
                                     std::string((*from)->key()));
  return plain_text(type, value->get_string());
}

result<std::string> field_text(const json::value& pod, std::string_view field) {
  for (const std::string_view which : {"labels", "annotations"}) {
    const std::string head = "metadata." + std::string(which) + "['";
    if (!field.starts_with(head) || !field.ends_with("']")) continue;
    const auto key = field.substr(head.size(), field.size() - head.size() - 2);
    return std::string(text_at(pod, {"metadata", which, key}));
  }
  if (field == "status.hostIP") return std::string("127.0.0.1");
  if (field == "status.podIPs") field = "status.podIP";
  const auto dot = field.find('.');
  static constexpr std::string_view known[] = {"metadata.name", "metadata.namespace",      "metadata.uid",
                                               "spec.nodeName", "spec.serviceAccountName", "status.podIP"};
  for (const auto one : known)
    if (one == field) return std::string(text_at(pod, {field.substr(0, dot), field.substr(dot + 1)}));
  return api_error("BadRequest", "fieldRef '" + std::string(field) + "' is not one that this node knows");
}

result<void> add_all(variables& out, const object_store& store, const json::value& pod, const json::value& entry) {
  for (const auto& [field, type] :
       {std::pair("configMapRef", &kinds::config_maps()), std::pair("secretRef", &kinds::secrets())}) {
    const auto* reference = find(entry, {field});
    if (!reference) continue;
    const auto from = source(store, pod, *type, text_at(*reference, {"name"}));
    if (!from) {
      if (true_at(*reference, {"optional"})) continue;
      return from.error();
    }
    for (const auto& [key, value] : object_at((*from)->value(), {"data"}))
      if (value.is_string())
        assign(out, std::string(text_at(entry, {"prefix"})) + std::string(key), plain_text(*type, value.get_string()));
  }
  return {};
}

}  // namespace

variables sandbox_variables(const json::value& pod, const variables& own) {
  variables all = {{"PATH", inside::path},
                   {"HOME", "/home/user"},
                   {"USER", "user"},
                   {"LOGNAME", "user"},
                   {"SHELL", "/bin/bash"},
                   {"LANG", "C.UTF-8"},
                   {"HOSTNAME", std::string(text_at(pod, {"metadata", "name"}))},
                   {"ATRIUM_POD_SOCKETS", inside::sockets}};
  for (const auto& [name, value] : own) assign(all, name, value);
  return all;
}

std::vector<std::string> environment_texts(const variables& all) {
  std::vector<std::string> out;
  for (const auto& [name, value] : all) out.push_back(name + "=" + value);
  return out;
}

std::string expand(std::string_view text, const variables& known) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '$' || i + 1 == text.size()) {
      out += text[i];
    } else if (text[i + 1] == '$') {
      out += '$';
      ++i;
    } else if (const auto end = text[i + 1] == '(' ? text.find(')', i) : std::string_view::npos;
               end != std::string_view::npos) {
      const auto name = text.substr(i + 2, end - i - 2);
      const std::string* value = nullptr;
      for (const auto& [key, v] : known)
        if (key == name) value = &v;
      out += value ? *value : std::string(text.substr(i, end - i + 1));
      i = end;
    } else {
      out += '$';
    }
  }
  return out;
}

result<variables> environment_of(const object_store& store, const json::value& pod, const json::value& container) {
  variables out;
  for (const auto& entry : array_at(container, {"envFrom"}))
    if (auto ok = add_all(out, store, pod, entry); !ok) return ok.error();
  for (const auto& entry : array_at(container, {"env"})) {
    std::string name(text_at(entry, {"name"}));
    const auto* from = find(entry, {"valueFrom"});
    if (!from) {
      assign(out, std::move(name), expand(text_at(entry, {"value"}), out));
      continue;
    }
    result<std::string> value =
        api_error("BadRequest", "environment variable " + name + " has a valueFrom that this node does not know");
    const json::value* reference = nullptr;
    if ((reference = find(*from, {"configMapKeyRef"}))) value = key_of(store, pod, kinds::config_maps(), *reference);
    else if ((reference = find(*from, {"secretKeyRef"}))) value = key_of(store, pod, kinds::secrets(), *reference);
    else if ((reference = find(*from, {"fieldRef"}))) value = field_text(pod, text_at(*reference, {"fieldPath"}));
    if (!value) {
      if (reference && true_at(*reference, {"optional"})) continue;
      return value.error();
    }
    assign(out, std::move(name), std::move(*value));
  }
  return out;
}

}  // namespace atrium::devcluster
