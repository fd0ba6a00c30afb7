# Completion of ringlet in bash: save this as ~/.local/share/bash-completion/completions/ringlet,
# or put this line into ~/.bashrc:  eval "$(ringlet completion bash)"

_ringlet() {
  local word last=0 found line current rest stem
  local -a words=("")
  # bash takes a word apart at each = and :, and it is put together again here
  for word in "${COMP_WORDS[@]:1:COMP_CWORD}"; do
    if [[ $word == [=:]* || ${words[last]} == *[=:] ]]; then
      words[last]+=$word
    else
      words[++last]=$word
    fi
  done
  words=("${words[@]:1}")
  COMPREPLY=()
  # a status other than 0 says that files and the like are right here
  if ! found=$(command ringlet __complete "${words[@]}" 2>/dev/null); then
    compopt -o bashdefault -o default 2>/dev/null
    return
  fi
  current=${words[${#words[@]} - 1]}
  # and it replaces only what follows the last of them
  rest=$current
  [[ $COMP_WORDBREAKS == *=* ]] && rest=${rest##*=}
  [[ $COMP_WORDBREAKS == *:* ]] && rest=${rest##*:}
  stem=${current%"$rest"}
  while IFS= read -r line; do
    line=${line%%$'\t'*}
    [[ -n $line ]] && COMPREPLY+=("${line#"$stem"}")
  done <<<"$found"
}

complete -F _ringlet ringlet
