# shellcheck shell=sh
# Without systemd: the init script starts the server.
# shellcheck source=tests/deb/steps.sh
. /trial/steps.sh

# No process 1 is an init here, and invoke-rc.d then asks this.
printf '#!/bin/sh\nexit 0\n' >/usr/sbin/policy-rc.d
chmod 755 /usr/sbin/policy-rc.d
files >/trial/before

dpkg -i ironftpd.deb
anonymous_users_are_served
accounts_are_served
service ironftpd reload
alice_is_served_soon
service ironftpd status
service ironftpd restart
alice_is_served

echo "an upgrade to the same version"
dpkg -i --force-confold ironftpd.deb
changed_settings_stay
alice_is_served

dpkg -r ironftpd
removed
changed_settings_stay
dpkg -i --force-confold ironftpd.deb
alice_is_served
dpkg -P ironftpd
removed
purged
