# Before removal ($1 = 0); on an upgrade the service goes on.
if [ "$1" -eq 0 ]; then
    if [ -d /run/systemd/system ]; then
        systemctl --no-reload disable --now domesday.service || :
    else
        systemctl --no-reload disable domesday.service || :
    fi
fi
