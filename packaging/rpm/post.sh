# After installation ($1 = 1) or upgrade ($1 = 2).
systemd-sysusers /usr/lib/sysusers.d/domesday.conf || exit 1
# A catalog can be loaded before the first start, by the user of the service.
install -d -o domesday -g domesday -m 0700 /var/lib/domesday
# Read by systemd alone, which hands it to the service. An existing key is never replaced: secrets are sealed with it.
if [ ! -e /etc/domesday/secret.key ]; then
    domesday key new --quiet /etc/domesday/secret.key
fi
if [ -d /run/systemd/system ]; then
    systemctl daemon-reload || :
fi
