# What `wps` takes, for TAB in bash: `source <(wps completions bash)`. The program itself knows what can stand where.
_wps() {
    local line=${COMP_LINE:0:COMP_POINT} words=() index=-1 at before current prefix value about
    # Bash takes words apart at `=`, `:` and `@`. Here each is as it was typed, the last one up to the cursor.
    for ((at = 0; at <= COMP_CWORD; at++)); do
        before=${line%%[![:space:]]*}
        line=${line#"$before"}
        current=${COMP_WORDS[at]}
        if ((at == COMP_CWORD)); then
            current=$line
        fi
        line=${line#"$current"}
        if [[ -n $before ]] || ((index < 0)); then
            ((++index))
            words[index]=$current
        else
            words[index]+=$current
        fi
    done
    current=${words[index]}
    # Only what stands behind the last of these is replaced.
    prefix=
    for at in = : @; do
        if [[ $COMP_WORDBREAKS == *$at* && $current == *$at* ]]; then
            value=${current%"${current##*"$at"}"}
            ((${#value} > ${#prefix})) && prefix=$value
        fi
    done
    COMPREPLY=()
    while IFS=$'\t' read -r value about; do
        value=${value#"$prefix"}
        if [[ $value == *[!A-Za-z0-9_./=:@,+%^~-]* && $current != *[\"\']* ]]; then
            printf -v value %q "$value"
        fi
        COMPREPLY+=("$value")
    done < <(command wps completions --at "$index" -- "${words[@]}" 2>/dev/null)
    # What goes on is not followed by a blank.
    if ((${#COMPREPLY[@]} == 1)) && [[ ${COMPREPLY[0]} == *[=/,@] ]] && type compopt >/dev/null 2>&1; then
        compopt -o nospace 2>/dev/null
    fi
}
complete -F _wps wps
