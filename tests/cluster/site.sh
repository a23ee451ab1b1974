# A real Kubernetes (tools/kube) with a PostgreSQL beside it and Atrium as pods from deploy/manifests: what tests/cluster/run
# and bench/start_cluster share, who source this file. Everything is removed when they end; KEEP=1 leaves it running.
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
export KUBE_STATE=${KUBE_STATE:-/tmp/atrium-kube} KUBE_NODE_GRACE=16s KUBE_NODE_LEASE=8 KUBE_HEARTBEAT=3s
export ATRIUM_TEST_KUBE=$PWD/tools/kube
say() { echo "cluster: [$SECONDS s] $*"; }

# prepare SKIPPED: a folder for the run; ends it with 77, SKIPPED and the reason where this machine cannot run a Kubernetes.
prepare() {
  skip() { echo "SKIPPED: $skipped DID NOT RUN: $*"; exit 77; }
  local skipped=$1 reason
  reason=$(tools/kube check 2>&1) || skip "$reason"
  command -v mmdebstrap >/dev/null || skip "mmdebstrap is missing"
  postgres=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -1); [ -n "$postgres" ] || skip "PostgreSQL is missing"
  work=$(mktemp -d /tmp/atrium-cluster-test-XXXXXX); chmod 755 "$work"
  trap finish EXIT
  trap 'exit 1' TERM INT
}

finish() {
  local code=$?
  trap - EXIT
  if [ $code != 0 ] && [ -f "$KUBE_STATE/kubeconfig" ]; then
    kube get pods -A -o wide || true
    for run in edge hub-next hub-proxy manage-action manage-state migrate; do echo "== $run"; kube -n atrium logs -l "run=$run" --tail 15 || true; done
  fi
  [ -z "${KEEP:-}" ] || exit $code
  [ -z "${forward:-}" ] || kill "$forward" 2>/dev/null || true
  tools/kube down || true
  [ ! -f "$work/postgres.pid" ] || kill -QUIT "$(cat "$work/postgres.pid")" 2>/dev/null || true
  sleep 1; rm -rf "$work"
  exit $code
}

kube() { KUBECONFIG=$KUBE_STATE/kubeconfig timeout 120 "$bin/kubectl" "$@"; }

# start_cluster ATRIUM NODES: the cluster, with the image of this program on every node.
start_cluster() {
  say "building Kubernetes, unless it is there"
  nice -n 10 tools/kube build
  bin=$(tools/kube env | sed 's/.*PATH=\([^:]*\):.*/\1/')
  say "making the image"
  web=web/dist
  [ -f $web/index.html ] || { web=$work/web; mkdir "$web"; echo '<!doctype html><html lang=en><title>Atrium</title></html>' > "$web/index.html"; }
  nice -n 10 tools/image "$work/atrium.tar" "$1" "$web"
  say "starting the cluster"
  tools/kube up "$2"
  tools/kube load "$work/atrium.tar"; rm "$work/atrium.tar"
}

# start_postgres [FLAG...]: as $database (for this host) and $gateway (for pods).
start_postgres() {
  local as_postgres=(setpriv --reuid=postgres --regid=postgres --clear-groups)
  gateway=$(sed -n 's|.*https://\([0-9.]*\):.*|\1|p' "$KUBE_STATE/kubeconfig")
  database="host=$work/postgres user=atrium dbname=atrium"
  install -d -o postgres "$work/postgres"
  "${as_postgres[@]}" "$postgres/initdb" -D "$work/postgres/data" --no-sync -A trust -U atrium > "$work/postgres.log"
  printf 'host all all %s.0.0/16 trust\nhost replication all %s.0.0/16 trust\n' "${gateway%.*.*}" "${gateway%.*.*}" >> "$work/postgres/data/pg_hba.conf"
  "${as_postgres[@]}" "$postgres/postgres" -D "$work/postgres/data" -k "$work/postgres" -c listen_addresses="$gateway" -c wal_level=logical \
    -c max_replication_slots=40 -c max_wal_senders=40 -c max_connections=200 "$@" >> "$work/postgres.log" 2>&1 < /dev/null &
  echo $! > "$work/postgres.pid"
  for _ in $(seq 100); do "$postgres/psql" -qX -h "$work/postgres" -U atrium -d postgres -c 'create database atrium' 2>/dev/null && break; sleep 0.2; done
}

# The services, as deploy/README.md says.
start_services() {
  local d
  install -d -o root -g 2001 -m 2770 "$KUBE_STATE/projects"
  cp -r deploy/manifests "$work/manifests"
  # The shared file system of this cluster, and a lost node that is given up soon.
  sed -i "s|path: /projects|path: $KUBE_STATE/projects|; s/tolerationSeconds: 30/tolerationSeconds: 3/" "$work/manifests/20-project.yaml"
  kube apply -f "$work/manifests/00-namespace.yaml"
  kube -n atrium create secret generic atrium-database --from-literal=conninfo="host=$gateway user=atrium dbname=atrium"
  kube apply -f "$work/manifests"
  for d in edge hub-next hub-websocket hub-proxy static manage-action manage-state; do kube -n atrium rollout status deployment/$d --timeout=110s; done
  wait_for_edges
}

# A pod is ready before every node's kube-proxy leads to it, and a page that comes without its scripts stays empty: wait until
# each edge reaches each service (a service that refuses is a 502 there).
wait_for_edges() {
  local ip path code end=$((SECONDS + 60))
  for ip in $(kube -n atrium get pods -l run=edge -o 'jsonpath={.items[*].status.podIP}'); do
    for path in /app/ /favicon.ico /hub; do
      until code=$(status_of "$ip" "$path") && [ "$code" -lt 502 ]; do
        [ $SECONDS -lt $end ] || { say "the edge at $ip answers $path with '$code' after 60 s"; tail -n 20 "$KUBE_STATE"/proxy*.log; return 1; }
        sleep 0.2
      done
    done
  done
}

# status_of IP PATH: what a GET of it on port 8080 answers, such as 200.
status_of() {
  local code
  exec 3<> "/dev/tcp/$1/8080" || return 1
  printf 'GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n' "$2" "$1" >&3
  read -r -t 5 _ code _ <&3 && echo "$code"
}
