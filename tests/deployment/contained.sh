# What the container of docker/compose.yaml makes of a process, by namespaces alone: a tree that nobody can write,
# bounded places that can be, no capability. Arguments: CHECKOUT PUBLIC KEYS COMMAND...; KEYS may be empty.
set -eu
checkout=$1 public=$2 keys=$3
shift 3
mount --make-rprivate /
mount --bind "$checkout" "$checkout"
mount -o remount,bind,ro "$checkout"
mount --bind "$public" /srv
mount -o remount,bind,ro /srv
held=
if [ -n "$keys" ]; then exec 9<"$keys"; held=/proc/self/fd/9; fi
mount -t tmpfs -o size=1m tmpfs /var/lib
mkdir /var/lib/tickpack
if [ -n "$held" ]; then mount --bind "$held" /var/lib/tickpack; exec 9<&-; else mount -t tmpfs -o size=16m tmpfs /var/lib/tickpack; fi
mount -o remount,ro /var/lib
case $checkout in /tmp/*) ;; *) mount -t tmpfs -o size=64m tmpfs /tmp ;; esac
mount -o remount,bind,ro /
cd "$checkout"
exec setpriv --bounding-set=-all --inh-caps=-all --no-new-privs "$@"
