# After removal ($1 = 0), or after the files of the old version have gone ($1 = 1).
if [ -d /run/systemd/system ]; then
    systemctl daemon-reload || :
    if [ "$1" -ge 1 ]; then
        systemctl try-restart domesday.service || :
    fi
fi
