# Completion of ironftpctl(8) for fish.

# The commands typed so far, or with an argument the value of that flag.
function __ironftpctl_typed
    set -l flag
    set -l command
    for any in (commandline -opc)[2..-1]
        if test -n "$flag"
            if test "$flag" = "$argv[1]"
                echo -- $any
            end
            set flag
            continue
        end
        switch $any
            case -f --file
                set flag --file
            case -s --socket
                set flag --socket
            case --home --method
                set flag $any
            case "$argv[1]=*"
                string replace "$argv[1]=" '' -- $any
            case '-*'
            case '*'
                set -a command $any
        end
    end
    if test -z "$argv[1]"
        echo "$command"
    end
end

function __ironftpctl_at
    string match -q -- "$argv" (__ironftpctl_typed)
end

# The first column, without its heading, of what the program shows for the
# command $argv[2..] and the file or socket that was named with the flag $argv[1].
function __ironftpctl_column
    set -l file (__ironftpctl_typed $argv[1])
    set -q file[1]; and set file $argv[1] $file
    ironftpctl $file $argv[2..-1] 2>/dev/null | string trim | string match -r '^\S+' | tail -n +2
end

complete -c ironftpctl -f
complete -c ironftpctl -s h -l help -d 'Show the usage, and end'
complete -c ironftpctl -s V -l version -d 'Show the version, and end'
complete -c ironftpctl -n '__ironftpctl_at ""; or __ironftpctl_at "user*"' -s f -l file -r -F -d 'The accounts file'
complete -c ironftpctl -n '__ironftpctl_at "user add*"' -l home -x -a '(__fish_complete_directories)' -d 'The account\'s root'
complete -c ironftpctl -n '__ironftpctl_at "user add*"' -l read-only -d 'Nothing may be changed'
complete -c ironftpctl -n '__ironftpctl_at "user add*"; or __ironftpctl_at "user passwd*"' -l method -x -a 'yescrypt sha512 bcrypt' -d 'How the password is hashed'
complete -c ironftpctl -n '__ironftpctl_at ""; or __ironftpctl_at "who*"; or __ironftpctl_at "status*"; or __ironftpctl_at "kick*"; or __ironftpctl_at "reload*"; or __ironftpctl_at "drain*"' -s s -l socket -r -F -d 'Where the server listens'
complete -c ironftpctl -n '__ironftpctl_at "who*"; or __ironftpctl_at "status*"' -l json -d 'For programs'
complete -c ironftpctl -n '__ironftpctl_at ""' -a user -d 'Accounts of the server'
complete -c ironftpctl -n '__ironftpctl_at ""' -a who -d 'Show the sessions'
complete -c ironftpctl -n '__ironftpctl_at ""' -a status -d 'Show how the server is'
complete -c ironftpctl -n '__ironftpctl_at ""' -a kick -d 'End sessions'
complete -c ironftpctl -n '__ironftpctl_at ""' -a reload -d 'Read the configuration again'
complete -c ironftpctl -n '__ironftpctl_at ""' -a drain -d 'Let nobody in, end with the last session'
complete -c ironftpctl -n '__ironftpctl_at "kick*"' -a '(__ironftpctl_column --socket who)'
complete -c ironftpctl -n '__ironftpctl_at user' -a 'add passwd del list lock unlock'
for command in passwd del lock unlock
    complete -c ironftpctl -n "__ironftpctl_at user $command" -a '(__ironftpctl_column --file user list)'
end
