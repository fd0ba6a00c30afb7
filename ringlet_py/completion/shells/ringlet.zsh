#compdef ringlet
# Completion of ringlet in zsh: save this as _ringlet in a folder of $fpath,
# or put this line into ~/.zshrc after compinit:  eval "$(ringlet completion zsh)"

_ringlet() {
  local found
  local -a lines
  # a status other than 0 says that files and the like are right here
  if ! found=$(command ringlet __complete "${(@Q)words[2,CURRENT-1]}" "${(Q)PREFIX}" 2>/dev/null); then
    _default
    return
  fi
  # name, tab, what it is: _describe wants a colon there
  lines=("${(@)${(@f)found}/$'\t'/:}")
  [[ -n $found ]] && _describe -V ringlet lines
}

# loaded from $fpath this file is the function's first call; read by eval it only registers it
if [[ $funcstack[1] == _ringlet ]]; then
  _ringlet "$@"
else
  compdef _ringlet ringlet
fi
