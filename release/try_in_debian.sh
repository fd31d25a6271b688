#!/usr/bin/env bash
# Tries a release on a bare Debian: unpacks it in a new folder of that system, without compilers and without any library that
# Debian does not need itself, and runs its command there. Needs root and the package debootstrap.
#
#   release/try_in_debian.sh bookworm bazel-bin/release/hardface-0.1.0-linux-x86_64.tar.zst
#   release/try_in_debian.sh trixie bazel-bin/release/hardface-0.1.0-linux-x86_64.tar.zst
set -euo pipefail

if [[ $# != 2 ]]; then
  sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2
  exit 2
fi
suite="$1"
tar="$2"
if [[ "$(id -u)" != 0 ]] || ! command -v debootstrap > /dev/null; then
  echo "try_in_debian.sh: needs root, and debootstrap (apt-get install debootstrap)" >&2
  exit 1
fi
debian="$(mktemp -d "${TMPDIR:-/tmp}/hardface-$suite.XXXXXX")"
trap 'umount "$debian/proc" 2> /dev/null || true; rm -rf --one-file-system "$debian"' EXIT
debootstrap --variant=minbase "$suite" "$debian" > "$debian.log" 2>&1 || { tail "$debian.log" >&2; exit 1; }
rm -f "$debian.log"
# The loader learns from /proc where a program lies.
mountpoint -q "$debian/proc" || mount -t proc proc "$debian/proc"
zstd -q -d < "$tar" | tar -x -C "$debian/opt"

echo "== $(sed -n 's/^PRETTY_NAME=//p' "$debian/etc/os-release"), $(chroot "$debian" dpkg-query -W | wc -l) packages"
chroot "$debian" /bin/bash -euo pipefail -c '
  export PATH=/usr/bin:/bin
  for absent in gcc python3 zstd bazel-4; do
    if command -v "$absent"; then echo "not bare: there is $absent"; exit 1; fi
  done
  cd /root
  ln -s /opt/hardface-*/bin/hardface /usr/bin/hardface
  hardface --version
  hardface --help | head -8
  hardface data synthesize --output=set --images=4 --seed=1
  hardface detect --draw set/images/*.jpg
  hardface detect --dataset=set --output=found_set
  hardface eval dataset --dataset=set --detections=found_set --output=scores
  recipe="$(dirname "$(readlink -f /usr/bin/hardface)")/../share/hardface/recipes/from_scratch.flags"
  training=(--flagfile="$recipe" --dataset=set --iterations=2 --warmup=0 --itersize=1 --batch=2 --crop_size=128)
  hardface train "${training[@]}" --output=run 2>&1 | tail -n 1
  hardface model describe --model=run/model.safetensors | tail -n 1
  # As if mpirun had started it, where there is no Open MPI.
  { OMPI_COMM_WORLD_SIZE=1 hardface train "${training[@]}" --output=ranks 2>&1 || true; } | grep "apt-get install openmpi-bin"
'
echo "== the release runs on $suite"
