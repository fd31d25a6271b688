#!/usr/bin/env bash
# Compiles the CPU's layers for aarch64 (64-bit ARM) by Debian's cross compiler, and runs their tests in qemu. Arguments go
# to the tests: --gtest_filter=-*Large* leaves some out. Needs root, for debootstrap, and the packages debootstrap,
# g++-aarch64-linux-gnu and qemu-user. AARCH64_ROOT keeps Debian's libraries for the next time.
#
#   AARCH64_ROOT=/var/tmp/arm64 tools/try_on_aarch64.sh
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
for program in debootstrap aarch64-linux-gnu-g++ qemu-aarch64; do
  if ! command -v "$program" > /dev/null; then
    echo "try_on_aarch64.sh: there is no $program (apt-get install debootstrap g++-aarch64-linux-gnu qemu-user)" >&2
    exit 1
  fi
done
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
root="${AARCH64_ROOT:-$work/root}"
suite="$(. /etc/os-release && echo "$VERSION_CODENAME")"

# The libraries that the tests link, unpacked and no more: nothing of the other system is run for it.
if [[ ! -e "$root/usr/include/absl" ]]; then
  debootstrap --foreign --variant=minbase --arch=arm64 --include=libabsl-dev,libgtest-dev,libdnnl-dev "$suite" "$root" > "$work/log" ||
    { tail "$work/log" >&2; exit 1; }
  for package in "$root"/var/cache/apt/archives/*.deb; do dpkg -x "$package" "$root"; done
fi

libraries="$root/usr/lib/aarch64-linux-gnu"
options=(-std=c++17 -O3 -fopenmp -Wno-psabi -I. -idirafter "$root/usr/include")
compile() {
  local source="$1" object
  object="$work/${source//\//_}.o"
  aarch64-linux-gnu-g++ "${options[@]}" "${@:2}" -c "$source" -o "$object"
  echo "$object"
}
objects=()
for source in model/ops/{concat,conv2d,conv2d_onednn,conv2d_reference,conv2d_winograd}.cc \
  model/ops/{conv_weights,flush_denormals,instruction_set,max_pool,relu,tensor,upsample}.cc; do
  objects+=("$(compile "$source")")
done
for source in model/ops/kernels/*.cc; do objects+=("$(compile "$source" -ffp-contract=fast)"); done
echo "== compiled ${#objects[@]} sources"

failed=0
for test in flush_denormals_test ops_test conv2d_test; do
  aarch64-linux-gnu-g++ -fopenmp -o "$work/$test" "$(compile "model/ops/$test.cc")" "${objects[@]}" -L"$libraries" \
    -Wl,-rpath-link,"$libraries:$root/lib/aarch64-linux-gnu" -Wl,--as-needed -lgtest_main -lgtest -ldnnl -lpthread \
    -Wl,--start-group "$libraries"/libabsl_*.so -Wl,--end-group
  qemu-aarch64 -L "$root" -E LD_LIBRARY_PATH="$libraries" "$work/$test" "$@" || failed=$((failed + 1))
done
[[ "$failed" == 0 ]] && echo "== all tests pass on aarch64"
