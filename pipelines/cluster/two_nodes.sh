#!/usr/bin/env bash
# A Slurm cluster of one controller and two nodes on this machine, to try the job scripts beside it. Run it as root, with
# Debian's slurmctld, slurmd, slurm-client and munge. Each node has a network, a hostname (hf1, hf2) and a /tmp of its own.
#
#   two_nodes.sh start FOLDER    FOLDER, not below /tmp, gets slurm.conf, logs and state
#   two_nodes.sh stop FOLDER
#
# Then: export SLURM_CONF=FOLDER/slurm.conf; sinfo
set -euo pipefail

if [[ $# != 2 || ! "$1" =~ ^(start|stop)$ ]]; then
  sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2
  exit 2
fi
mkdir -p "$2"
folder="$(realpath "$2")"
nodes=(hf1 hf2)
if [[ "$folder" == /tmp/* ]]; then
  echo "two_nodes.sh: $folder must not lie below /tmp, of which each node has its own; take a folder in /var/tmp" >&2
  exit 2
fi

# Daemons run in the foreground of a background job, so that their process ids are known.
daemon() {  # daemon NAME COMMAND...
  setsid "${@:2}" >>"$folder/$1.out" 2>&1 </dev/null &
  echo $! >"$folder/$1.pid"
}

write_configuration() {
  cat >"$folder/slurm.conf" <<CONF
ClusterName=hardface
SlurmctldHost=$(hostname)(10.77.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
CredType=cred/munge
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool-%n
SlurmctldLogFile=$folder/slurmctld.log
SlurmdLogFile=$folder/%n.log
SlurmctldPidFile=$folder/slurmctld.run
SlurmdPidFile=$folder/%n.run
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=pmix
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
ReturnToService=2
KillWait=30
# Two partitions on the same nodes: a job of "urgent" requeues those of "training".
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
NodeName=hf1 NodeAddr=10.77.0.11 NodeHostname=hf1 CPUs=2 State=UNKNOWN
NodeName=hf2 NodeAddr=10.77.0.12 NodeHostname=hf2 CPUs=2 State=UNKNOWN
PartitionName=training Nodes=hf1,hf2 Default=YES PriorityTier=1 GraceTime=30
PartitionName=urgent Nodes=hf1,hf2 PriorityTier=10 PreemptMode=OFF
CONF
}

start() {
  mkdir -p "$folder/state" /run/munge
  chown munge: /run/munge
  chmod 755 /run/munge
  write_configuration
  daemon munged runuser -u munge -- munged --foreground --force
  ip link add hfbridge type bridge
  ip addr add 10.77.0.1/24 dev hfbridge
  ip link set hfbridge up
  local node address=11
  for node in "${nodes[@]}"; do
    ip netns add "$node"
    ip link add "$node" type veth peer name eth0 netns "$node"
    ip link set "$node" master hfbridge up
    ip -n "$node" addr add "10.77.0.$address/24" dev eth0
    ip -n "$node" link set eth0 up
    ip -n "$node" link set lo up
    printf '127.0.0.1 localhost\n10.77.0.1 %s\n10.77.0.11 hf1\n10.77.0.12 hf2\n' "$(hostname)" >"$folder/$node.hosts"
    address=$((address + 1))
  done
  sleep 1
  export SLURM_CONF="$folder/slurm.conf"
  daemon slurmctld slurmctld -D
  sleep 2
  for node in "${nodes[@]}"; do
    # A /tmp of its own keeps the nodes' sockets apart. Not by ip netns exec, which hides /sys/fs/cgroup from slurmd.
    daemon "$node" nsenter --net="/run/netns/$node" unshare --uts --mount -- bash -c \
      "hostname $node && mount --bind '$folder/$node.hosts' /etc/hosts && mount -t tmpfs $node /tmp && exec slurmd -D -N $node"
  done
  sleep 3
  sinfo
}

stop() {
  local name pid node
  for name in hf1 hf2 slurmctld munged; do
    pid="$(cat "$folder/$name.pid" 2>/dev/null || true)"
    if [[ -n "$pid" ]]; then kill -TERM -- "-$pid" 2>/dev/null || true; fi
  done
  sleep 2
  for node in "${nodes[@]}"; do
    ip netns del "$node" || true
    ip link del "$node" 2>/dev/null || true
  done
  ip link del hfbridge || true
}

"$1"
