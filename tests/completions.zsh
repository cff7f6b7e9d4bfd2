# What zsh offers at the end of the line $1 is written to the file $2: a zsh of
# its own is typed at, whose compadd writes down what it is given. $3 is its home.
zmodload zsh/zpty
zpty -b asked "HOME=${(q)3} TERM=dumb zsh -f -i"
zpty -w asked "PROMPT= fpath=(${(q)PWD}/etc/completions/zsh \$fpath)"
zpty -w asked 'autoload -Uz compinit; compinit -u -D'
zpty -w asked "compadd() {
    local -a hits
    if [[ -z \${@[(r)-[OAD]]} && -z \${@[(r)-[a-zA-Z]#[OAD]]} ]]; then
        builtin compadd -O hits \"\$@\"
        print -rl -- \$hits >>${(q)2}
    fi
    builtin compadd \"\$@\"
}"
zpty -w asked 'answered() { print -n "ans""wered" }; zle -N answered; bindkey "^X^A" answered; bindkey "^I" complete-word'
zpty -w asked 'unsetopt list_beep auto_list; print rea""dy'
zpty -r -m asked seen '*ready*'
zpty -w -n asked "$1"$'\t\C-X\C-A'
zpty -r -m asked seen '*answered*'
zpty -d asked
