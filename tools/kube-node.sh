# Nodes of tools/kube, which sources this file: each is a network namespace and a mount namespace with containerd, kubelet
# and kube-proxy of its own. Its files are in $KUBE_STATE/node<N>, its address is $KUBE_NET.<10+N>.

create_node() {
  local i=$1 space=ak-n$1 address=$KUBE_NET.$((10 + $1)) pods=$pods_net.$((100 + $1)) d=$KUBE_STATE/node$1
  mkdir -p "$d/cni" "$d/kubelet" "$d/certs.d/$gateway:5000"
  printf 'server = "http://%s:5000"\n[host."http://%s:5000"]\n  capabilities = ["pull", "resolve"]\n' "$gateway" "$gateway" > "$d/certs.d/$gateway:5000/hosts.toml"
  # A node's address must not be loopback, so a node is a network namespace at the end of a veth pair.
  ip netns add "$space"; ip link add "akv$i" type veth peer name eth0 netns "$space"; ip link set "akv$i" master ak-br up
  ip -n "$space" addr add "$address/24" dev eth0; ip -n "$space" link set eth0 up; ip -n "$space" link set lo up
  ip -n "$space" route add default via "$gateway"; ip route replace "$pods.0/24" via "$address"
  write_node_configuration "$i" "$d" "$address" "$pods"
  node_cgroups "$space"
  # Shared propagation inside, so that Bidirectional and HostToContainer mounts work; nothing leaks to the host,
  # where kubelets would tidy up in the same /var/log.
  start "containerd$i" nsenter --net=/run/netns/"$space" unshare -m --propagation private sh -c "mount --make-rshared / && mount -t tmpfs tmpfs /var/log && exec containerd -c '$d/containerd.toml'"
  until_true 60 "containerd of node $i" ctr -a "$d/containerd.sock" version
  mkdir -p "$KUBE_STATE/pause"; cp "$KUBE_BIN/pause" "$KUBE_STATE/pause/pause"
  "$here/kube-image" "$KUBE_STATE/pause.tar" registry.k8s.io/pause:3.10 "$KUBE_STATE/pause" -- /pause
  ctr -a "$d/containerd.sock" -n k8s.io images import "$KUBE_STATE/pause.tar" >/dev/null
  run_kubelet "$i"
}

write_node_configuration() {
  local i=$1 d=$2 address=$3 pods=$4
  cat > "$d/cni/10-bridge.conflist" <<C
{"cniVersion":"1.0.0","name":"kube","plugins":[{"type":"bridge","bridge":"cni0","isGateway":true,"ipMasq":false,"ipam":{"type":"host-local","dataDir":"$d/ipam","ranges":[[{"subnet":"$pods.0/24"}]],"routes":[{"dst":"0.0.0.0/0"}]}},{"type":"portmap","capabilities":{"portMappings":true}}]}
C
  # restrict_oom_score_adj: without CAP_SYS_RESOURCE runc dies with "can't get final child's PID from pipe: EOF" on the pause container.
  cat > "$d/containerd.toml" <<C
version = 2
root = "$d/root"
state = "$d/state"
[grpc]
  address = "$d/containerd.sock"
[plugins."io.containerd.internal.v1.opt"]
  path = "$d/opt"
[plugins."io.containerd.grpc.v1.cri"]
  restrict_oom_score_adj = true
  netns_mounts_under_state_dir = true
  sandbox_image = "registry.k8s.io/pause:3.10"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "$d/cni"
  [plugins."io.containerd.grpc.v1.cri".registry]
    config_path = "$d/certs.d"
C
  # failCgroupV1: hosts with cgroup v1 are refused by default since 1.35. localStorageCapacityIsolation: disk accounting
  # fails on some virtual disks. podLogsDir: a kubelet removes the logs of pods that it does not know, so each has its own. The thresholds are those of a test machine whose disk others share.
  cat > "$d/kubelet.yaml" <<C
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
authentication: {anonymous: {enabled: true}, webhook: {enabled: false}}
authorization: {mode: AlwaysAllow}
address: $address
healthzBindAddress: 127.0.0.1
cgroupDriver: cgroupfs
cgroupRoot: /ak-n$i
failCgroupV1: false
failSwapOn: false
containerRuntimeEndpoint: unix://$d/containerd.sock
enforceNodeAllocatable: []
localStorageCapacityIsolation: false
evictionHard: {memory.available: "50Mi"}
clusterDNS: ["10.96.0.10"]
clusterDomain: cluster.local
resolvConf: ""
maxPods: 250
podLogsDir: $d/logs
nodeLeaseDurationSeconds: ${KUBE_NODE_LEASE:-40}
nodeStatusUpdateFrequency: ${KUBE_HEARTBEAT:-10s}
C
}

# kubelet makes cgroups below its root but not the root itself; a new cpuset is empty until it is filled.
node_cgroups() {
  local c
  if [ -f /sys/fs/cgroup/cgroup.controllers ]; then
    mkdir -p "/sys/fs/cgroup/$1"
    for c in $(cat /sys/fs/cgroup/cgroup.controllers); do echo "+$c" > /sys/fs/cgroup/cgroup.subtree_control 2>/dev/null || true; done
    return
  fi
  for c in /sys/fs/cgroup/*/; do mkdir -p "$c$1" 2>/dev/null || true; done
  if [ -f "/sys/fs/cgroup/cpuset/$1/cpuset.cpus" ]; then
    for c in cpus mems; do cat "/sys/fs/cgroup/cpuset/cpuset.$c" > "/sys/fs/cgroup/cpuset/$1/cpuset.$c"; done
  fi
}

run_kubelet() {
  local i=$1 d=$KUBE_STATE/node$1 inside
  inside="nsenter --net=/run/netns/ak-n$i --mount=/proc/$(cat "$KUBE_STATE/containerd$i.pid")/ns/mnt"
  start "kubelet$i" $inside "$KUBE_BIN/kubelet" --kubeconfig "$KUBE_STATE/kubeconfig" --config "$d/kubelet.yaml" --root-dir "$d/kubelet" \
    --node-ip "$KUBE_NET.$((10 + i))" --hostname-override "node$i"
  start "proxy$i" $inside "$KUBE_BIN/kube-proxy" --kubeconfig "$KUBE_STATE/kubeconfig" --hostname-override "node$i" --proxy-mode iptables \
    --conntrack-max-per-core 0 --healthz-bind-address 127.0.0.1:10256 --metrics-bind-address 127.0.0.1:10249
}

# Ends the node's containers (their shims outlive containerd), then containerd, then what the kernel still holds.
remove_node() {
  local i=$1 d=$KUBE_STATE/node$1 p
  for p in $(ctr -a "$d/containerd.sock" -n k8s.io tasks ls 2>/dev/null | awk 'NR > 1 {print $2}'); do kill -9 "$p" 2>/dev/null || true; done
  for p in $(pgrep -f "^[^ ]*containerd-shim[^ ]* .*-address $d/containerd.sock" || true); do kill -9 "$p" 2>/dev/null || true; done
  end TERM "containerd$i"
  ip route del "$pods_net.$((100 + i)).0/24" 2>/dev/null || true
  [ ! -e "/run/netns/ak-n$i" ] || ip netns del "ak-n$i" || true
  ip link del "akv$i" 2>/dev/null || true
  find /sys/fs/cgroup -depth -type d -path "*/ak-n$i*" -exec rmdir {} + 2>/dev/null || true
}
