# shellcheck shell=sh
# With systemd as process 1: the unit starts the server.
# shellcheck source=tests/deb/steps.sh
. /trial/steps.sh

process() {
    systemctl show --property MainPID --value ironftpd.service
}

files >/trial/before
dpkg -i ironftpd.deb
systemctl is-active ironftpd.service
systemctl is-enabled ironftpd.service
anonymous_users_are_served
accounts_are_served
systemctl reload ironftpd.service
alice_is_served_soon
first=$(process)

echo "an upgrade to the same version"
dpkg -i --force-confold ironftpd.deb
changed_settings_stay
alice_is_served
[ "$(process)" != "$first" ] || fail "the old server went on after the upgrade"

echo "an upgrade where the administrator has disabled the unit"
systemctl disable --now ironftpd.service
dpkg -i --force-confold ironftpd.deb
! systemctl is-enabled ironftpd.service || fail "a disabled unit was enabled"
! systemctl is-active ironftpd.service || fail "a disabled unit was started"

echo "sockets that systemd listens on, for one server and for one a client"
systemctl start ironftpd.socket
alice_is_served
systemctl is-active ironftpd.service
systemctl stop ironftpd.socket ironftpd.service
mkdir /etc/systemd/system/ironftpd.socket.d
printf '[Socket]\nAccept=yes\n' >/etc/systemd/system/ironftpd.socket.d/each.conf
systemctl daemon-reload
systemctl start ironftpd.socket
alice_is_served
! systemctl is-active ironftpd.service || fail "one server serves what each client was to have"
systemctl stop ironftpd.socket
rm -r /etc/systemd/system/ironftpd.socket.d
systemctl daemon-reload

systemctl enable --now ironftpd.service
alice_is_served

dpkg -r ironftpd
removed
changed_settings_stay
dpkg -P ironftpd
! systemctl cat ironftpd.service || fail "the unit is left"
purged
touch /trial/passed
