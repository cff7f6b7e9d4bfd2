# Completion of ironftpd(8) for fish.

# Options of the configuration, as the program itself lists them.
function __ironftpd_settings
    set -l name (string replace -r '^--option=' '' -- (commandline -ct) | string match -r '^[^=]*=')
    set -l settings (ironftpd --serve / --print-config 2>/dev/null | string match -r '^[a-z].*')
    if test -z "$name"
        string replace -r '=.*' = -- $settings
    else if contains -- "$name"YES $settings; or contains -- "$name"NO $settings
        printf '%s\n' "$name"YES "$name"NO
    else
        set -l begun (string replace -r '^(--option=)?[^=]*=' '' -- (commandline -ct))
        printf "$name%s\n" (__fish_complete_path $begun)
    end
end

complete -c ironftpd -s o -l option -x -a '(__ironftpd_settings)' -d 'Set one option, after the files'
complete -c ironftpd -l inetd -d 'Serve the socket that descriptor 0 is'
complete -c ironftpd -l serve -x -a '(__fish_complete_directories)' -d 'Share a directory at once'
complete -c ironftpd -l port -x -d 'With --serve: port to listen on'
complete -c ironftpd -l address -x -d 'With --serve: address to listen on'
complete -c ironftpd -l write -d 'With --serve: let users change files'
complete -c ironftpd -l user -x -d 'With --serve: only this user may log in'
complete -c ironftpd -l tls -d 'With --serve: offer TLS'
complete -c ironftpd -l trace -d 'Draw every session'
complete -c ironftpd -l check -d 'Say what is wrong, and exit'
complete -c ironftpd -l print-config -d 'Print every option, and exit'
complete -c ironftpd -l diff-default -d 'With --print-config: what differs from the default'
complete -c ironftpd -l migrate -d 'Print the settings as a commented file, and exit'
complete -c ironftpd -s v -l version -d 'Print the version, and exit'
complete -c ironftpd -s h -l help -d 'Print the usage, and exit'
