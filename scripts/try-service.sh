#!/bin/bash
# Tries the service and the Debian package under a systemd of its own: process 1 of its own namespaces, in a minimal Debian
# without Node. Takes root, debootstrap, dpkg-deb and some minutes, and leaves nothing behind.
#
#   scripts/try-service.sh [EXECUTABLE [FOLDER]]
#
# EXECUTABLE is dist/larder where none is named. FOLDER keeps the minimal Debian for the next time.
set -euo pipefail
cd "$(dirname "$0")/.."
PATH=$PWD/node_modules/.bin:$PATH
executable=$(realpath "${1:-dist/larder}")
work=$(mktemp -d)
base=${2:-$work/base}
groups=/sys/fs/cgroup/unified
[ -d "$groups" ] || groups=/sys/fs/cgroup
group=$groups/larder-try-$$
first=0
larder='runuser -u larder -- larder --config /etc/larder/config.toml'

say() { printf '%s\n' "$*"; }
fail() { say "FAILED: $*" >&2; inside journalctl --no-pager -u larder -n 30 >&2 || true; exit 1; }

# Runs a command in the machine that was booted.
inside() {
  nsenter -t "$first" -m -p -u -i -n -C -r -w env -i TERM=dumb PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$@"
}

# Makes a fresh machine in $work/root and starts it.
boot() {
  halt
  rm -rf "$work/root"
  cp -a "$base" "$work/root"
  mkdir -p "$group"
  (
    echo "$BASHPID" > "$group/cgroup.procs"
    exec unshare -Cpmuinf --propagation private --kill-child bash -ec "$pid1" boot "$work/root"
  ) < /dev/null > "$work/boot.log" 2>&1 &
  machine=$!
  for _ in $(seq 100); do
    sleep 0.2
    first=$(pgrep -P "$machine" -f '^/lib/systemd/systemd' || true)
    [ -z "$first" ] || ! inside systemctl is-system-running > /dev/null 2>&1 || return 0
  done
  cat "$work/boot.log" >&2
  fail 'systemd did not start'
}

pid1='
root=$1
mount --bind "$root" "$root"
mount -t proc proc "$root/proc"
mount -t sysfs -o ro sysfs "$root/sys"
mount -t tmpfs tmpfs "$root/dev"
for device in null zero full random urandom tty; do touch "$root/dev/$device"; mount --bind "/dev/$device" "$root/dev/$device"; done
mkdir -p "$root/dev/pts" "$root/dev/shm"
mount -t devpts -o newinstance,ptmxmode=0666,mode=0620,gid=5 devpts "$root/dev/pts"
ln -s pts/ptmx "$root/dev/ptmx"
mount -t tmpfs tmpfs "$root/run"
mount -t tmpfs tmpfs "$root/tmp"
mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
hostname larder-try
cd "$root"
pivot_root . mnt
umount -l /mnt
exec env -i container=other PATH=/usr/sbin:/usr/bin /lib/systemd/systemd --log-target=console systemd.unit=multi-user.target
'

halt() {
  [ -n "${machine:-}" ] || return 0
  # unshare waits deaf for its child, which goes with it.
  kill -KILL "$machine" 2> /dev/null || true
  wait "$machine" 2> /dev/null || true
  machine=
}

end() {
  halt
  rm -rf "$work"
  [ ! -d "$group" ] || find "$group" -depth -type d -exec rmdir {} +
}
trap end EXIT

# Short requests and uploads of 16 KB on new connections, until /root/over is there.
clients='
cd /root
one() { curl -sS --fail -m 60 "$@" 2>> failed && echo >> answered; }
for n in 1 2 3 4 5 6; do
  while [ ! -e over ]; do one -o /dev/null http://127.0.0.1:8080/healthz; done &
done
for n in 1 2; do
  while [ ! -e over ]; do
    head -c 16384 /dev/urandom > "file-$n"
    id=$(one -H "Authorization: Bearer $1" -F "file=@file-$n;filename=load.bin" http://127.0.0.1:8080/api/v1/files/upload |
      sed -n "s/.*\"id\":\"\([^\"]*\)\".*/\1/p")
    [ -z "$id" ] || echo "$(sha256sum < "file-$n" | cut -d " " -f 1) $id" >> uploads
  done &
done
wait
'

# Waits until a hundred more requests were answered.
more() {
  local enough=$(($(answers) + 100))
  for _ in $(seq 300); do
    [ "$(answers)" -lt "$enough" ] || return 0
    sleep 0.2
  done
  fail 'requests are not answered'
}

answers() { wc -l 2> /dev/null < "$work/root/root/answered" || echo 0; }

# load NAME COMMAND...: does something three times while clients ask, and tells whether one of them failed.
load() {
  local name=$1
  shift
  rm -f "$work/root/root/"{over,answered,failed,uploads}
  inside bash -c "$clients" clients "$key" &
  local asking=$!
  for _ in 1 2 3; do
    more
    "$@"
  done
  more
  touch "$work/root/root/over"
  wait "$asking"
  [ ! -s "$work/root/root/failed" ] || fail "$name: $(sort "$work/root/root/failed" | uniq -c)"
  local sum id
  while read -r sum id; do
    [ "$(inside curl -sS --fail "http://127.0.0.1:8080/m/$id" | sha256sum | cut -d ' ' -f 1)" = "$sum" ] || fail "$name: upload $id is not there"
  done < "$work/root/root/uploads"
  say "$name, three times: $(wc -l < "$work/root/root/answered") requests on new connections, none failed, and all $(wc -l < "$work/root/root/uploads") uploads are there"
}

# Uploads a picture and asks for a smaller one in another format.
picture() {
  base64 -d > "$work/root/root/picture.png" <<< 'iVBORw0KGgoAAAANSUhEUgAAAEAAAABACAMAAACdt4HsAAAAA1BMVEXMiES9JMU0AAAACXBIWXMAAAPoAAAD6AG1e1JrAAAAG0lEQVRYw+3BgQAAAADDoPlT3+AEVQEAAAB8AxBAAAEZszF2AAAAAElFTkSuQmCC'
  key=$(inside $larder key create --quiet)
  id=$(inside curl -sS --fail -H "Authorization: Bearer $key" -F 'file=@/root/picture.png' http://127.0.0.1:8080/api/v1/files/upload |
    sed -n 's/.*"id":"\([^"]*\)".*/\1/p')
  variant
}

variant() {
  local type
  type=$(inside curl -sS --fail -o /dev/null -w '%{content_type}' "http://127.0.0.1:8080/m/$id?width=32&format=avif")
  [ "$type" = image/avif ] || fail "a picture came back as $type"
}

serves() {
  inside timeout 60 sh -c "until $larder healthcheck > /dev/null 2>&1; do sleep 0.2; done" || fail "$1 does not serve"
}

# install-service, whose first attempts are refused, fail, or take long.
adversities() {
  boot
  cp "$executable" "$work/root/root/larder"
  inside sh -c 'mkdir -p /home/alice /srv/store && touch /home/alice/letter /srv/store/catalogue.db'
  local before
  before=$(inside stat -c '%n %u %a' /home/alice /srv/store)
  for folder in /home/alice /srv/store /srv; do
    ! inside /root/larder install-service --data "$folder" > "$work/refused" 2>&1 || fail "$folder was taken as the data folder"
    grep -Eq 'a folder|chown -R larder:larder' "$work/refused" || fail "$(cat "$work/refused")"
  done
  [ "$(inside stat -c '%n %u %a' /home/alice /srv/store)" = "$before" ] || fail 'a folder that is somebody'"'"'s was changed'
  inside test ! -e /etc/larder || fail 'a refusal left something'
  say 'Folders that are somebody'"'"'s are refused as data folders, and stay as they are'

  # Nothing unpacked can be run from there.
  inside sh -c 'mkdir /srv/files && mount -t tmpfs -o noexec,mode=0755 tmpfs /srv/files'
  inside sh -c 'mkdir /etc/larder && echo LARDER_SERVER_PUBLIC_URL=nonsense > /etc/larder/environment'
  ! inside /root/larder install-service --data /srv/files > "$work/failed" 2>&1 || fail 'a configuration that cannot be is no matter'
  grep -Eq 'larder.service (is failed|ended and was started anew)' "$work/failed" || fail "$(cat "$work/failed")"
  inside rm /etc/larder/environment
  inside /root/larder install-service --data /srv/files > "$work/again" 2>&1 || fail "$(cat "$work/again")"
  grep -q /app/set-up "$work/again" || fail 'no link to set up by after a first attempt failed'
  say 'An installation that failed at first is finished by the next one, link and all'
  picture
  [ -n "$(inside ls /var/cache/larder/larder)" ] && [ "$(inside stat -c '%U %a' /var/cache/larder)" = 'larder 700' ] || fail 'libraries are not in the cache'
  say 'With the data on a disk that runs no code, libraries are unpacked to /var/cache/larder, and pictures work'

  inside sed -i 's/^TimeoutStopSec=.*/TimeoutStopSec=100s/' /etc/systemd/system/larder.service
  inside mkdir /etc/systemd/system/larder.service.d
  printf '[Service]\nMemoryMax=2G\nExecStart=\nExecStart=/bin/sh -c "sleep 35; exec /usr/local/bin/larder serve --config /etc/larder/config.toml --set server.socket=systemd"\n' |
    inside sh -c 'cat > /etc/systemd/system/larder.service.d/override.conf'
  inside /root/larder install-service > "$work/slow" 2>&1 || fail "$(cat "$work/slow")"
  grep -q 'Waiting for larder.service to serve' "$work/slow" || fail 'nobody was told what is waited for'
  grep -q 'changed by hand' "$work/slow" && inside grep -q TimeoutStopSec=100s /etc/systemd/system/larder.service.old || fail 'a change by hand was not kept'
  inside systemctl show larder -p MemoryMax | grep -q =2147483648 || fail 'what systemctl edit made is not in force'
  say 'A start of 35 seconds is waited for; a changed unit is kept beside, and what systemctl edit made stays in force'
}

[ -d "$base/etc" ] || debootstrap --variant=minbase --include=systemd,systemd-sysv,dbus,curl bookworm "$base" > "$work/debootstrap.log"

boot
cp "$executable" "$work/root/root/larder"
link=$(inside /root/larder install-service 2> /dev/null | grep /app/set-up) || fail 'no link to set up by'
[ "$(inside curl -sS -o /dev/null -w '%{http_code}' "${link/localhost/127.0.0.1}")" = 200 ] || fail "the link does not work: $link"
say 'install-service: serves, and the link it prints opens the set-up'
! inside journalctl --no-pager -u larder | grep -E 'ak_|token=' || fail 'secrets are in the journal'
say 'The journal tells how to begin, and no secret'
picture
say "Hardened ($(inside systemd-analyze security larder.service | tail -1 | grep -o '[0-9.]\+ [A-Z]*')): a picture goes in, and comes out smaller and as AVIF"
load 'systemctl restart larder' inside systemctl restart larder
load 'install-service again' inside /root/larder install-service > "$work/again" 2> /dev/null
grep 'three times' "$work/again"
variant
inside systemctl show larder -p NRestarts,Result | grep -q 'Result=success' || fail 'a stop was no success'

adversities

node scripts/package-deb.ts --executable "$executable" --version 1.0.0 --output "$work" > /dev/null
dpkg-deb -R "$work"/larder_1.0.0_*.deb "$work/next"
sed -i 's/^Version: .*/Version: 1.0.1/' "$work/next/DEBIAN/control"
dpkg-deb --root-owner-group -Znone -b "$work/next" "$work/larder_1.0.1.deb" > /dev/null
boot
cp "$work"/larder_1.0.0_*.deb "$work/root/root/larder-1.0.0.deb"
cp "$work/larder_1.0.1.deb" "$work/root/root/larder-1.0.1.deb"
inside dpkg -i /root/larder-1.0.0.deb > "$work/dpkg.log" 2>&1 || fail "$(cat "$work/dpkg.log")"
serves 'the package'
picture
say 'dpkg -i: serves, a picture goes in and comes out'
load 'dpkg -i of another version' inside dpkg -i /root/larder-1.0.1.deb > "$work/again" 2> /dev/null
grep 'three times' "$work/again"
variant
inside dpkg -r larder > /dev/null 2>&1
! inside systemctl is-active larder.service larder.socket > /dev/null || fail 'a removed package still serves'
inside dpkg -i /root/larder-1.0.1.deb > /dev/null 2>&1
serves 'a package that was removed and installed again'
inside dpkg -r larder > /dev/null 2>&1
inside dpkg -P larder > "$work/purge.log" 2>&1 || fail "$(cat "$work/purge.log")"
[ -f "$work/root/var/lib/larder/catalogue.db" ] || fail 'purging removed data'
[ ! -e "$work/root/etc/larder" ] && [ ! -e "$work/root/var/cache/larder" ] || fail 'purging left something'
inside dpkg -i /root/larder-1.0.1.deb > /dev/null 2>&1
serves 'a package that was purged and installed again'
variant
say 'dpkg -r and dpkg -i, dpkg -P and dpkg -i: the data were kept and are served again'

# From install-service to the package, by what the refusal prints.
boot
cp "$executable" "$work/root/root/larder"
cp "$work"/larder_1.0.0_*.deb "$work/root/root/larder-1.0.0.deb"
inside /root/larder install-service > /dev/null 2>&1
picture
! inside dpkg -i /root/larder-1.0.0.deb > "$work/refused" 2>&1 || fail 'the package was installed beside install-service'
variant
grep -E '^  (systemctl|rm)' "$work/refused" | inside bash -e > /dev/null 2>&1 || fail "$(cat "$work/refused")"
inside dpkg -i --force-confold /root/larder-1.0.0.deb > "$work/dpkg.log" 2>&1 || fail "$(cat "$work/dpkg.log")"
serves 'the package in the place of install-service'
variant
inside systemctl show larder -p FragmentPath | grep -q /lib/systemd/system || fail 'the units are not those of the package'
say 'dpkg -i beside install-service is refused in words; when they are followed, the package serves the same data'
