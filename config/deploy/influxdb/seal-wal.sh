#!/bin/sh
# Run before every start of an InfluxDB 1.x: seal-wal.sh [folder of the write-ahead logs]
#
# A server that was killed leaves a log that may end in half an entry. On its next start InfluxDB 1.x goes on writing behind
# that half, and on the start after it reads only as far as the half: what it had acknowledged in between is lost. An empty
# file with the next number makes it begin a new log instead; the old one is read to its last whole entry and left alone.
set -eu

folder="${1:-/var/lib/influxdb/wal}"
[ -d "$folder" ] || exit 0

find "$folder" -name '_*.wal' -size +0 | sed 's|/[^/]*$||' | sort -u | while IFS= read -r shard; do
  last=$(find "$shard" -maxdepth 1 -name '_*.wal' -size +0 | sort | tail -n 1)
  number=${last##*/_}
  number=${number%.wal}
  # Without its leading zeros, which the shell would take for an octal number.
  while [ "${number#0}" != "$number" ] && [ "$number" != 0 ]; do number=${number#0}; done
  next=$(printf '%s/_%05d.wal' "$shard" $((number + 1)))
  if [ ! -e "$next" ]; then
    : >"$next"
    # The server runs as another user than whoever prepares it.
    chown --reference="$last" "$next" 2>/dev/null || true
    chmod --reference="$last" "$next" 2>/dev/null || true
  fi
done
