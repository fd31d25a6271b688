#!/usr/bin/env bash
# Makes git check the format and the shell scripts before every commit: installs a pre-commit hook into this checkout.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

hook="$(git rev-parse --git-path hooks)/pre-commit"
mkdir -p "$(dirname "$hook")"
cat > "$hook" <<'HOOK'
#!/usr/bin/env bash
exec .ci/run format shell
HOOK
chmod +x "$hook"
echo "installed $hook"
